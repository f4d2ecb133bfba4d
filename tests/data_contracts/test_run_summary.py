"""The summary of a run: its names, its schema, and summaries of earlier versions."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from report_facts import METRIC, make_findings

from data_contracts.run_summary import RunFigures, RunSummary, schema_text

SCHEMA = Path(__file__).parents[2] / "docs" / "run-summary.schema.json"

PUBLISHED = {"events", "prediction_rows", "users", "users_without_history", "items"}


def make_summary(**changed):
    return RunSummary.of(make_findings(**changed), published=False, path="/a", report="/b")


def test_schema__is_the_one_in_the_docs():
    assert schema_text() == SCHEMA.read_text("utf-8"), (
        "run: python -m data_contracts.run_summary > docs/run-summary.schema.json"
    )


def test_schema__explains_every_name():
    def without(part):
        return [name for name, found in part["properties"].items() if "description" not in found]

    schema = json.loads(schema_text())
    parts = {name: part for name, part in schema["$defs"].items() if name != "Interval"}

    assert without(schema) == []
    assert {name: without(part) for name, part in parts.items()} == {name: [] for name in parts}


def test_to_json__has_the_names_that_programs_read():
    summary = make_summary().to_json()

    assert list(summary) == [
        "run_id", "dataset", "as_of", "split", "counts", "models", "left_out", "gate", "warnings", "tuned", "published",
        "path", "report",
    ]  # fmt: skip
    assert set(summary["models"]["wals"]) == {
        "repeat", "discovery", "kind", "parameters", "seconds", "parameters_from",
    }  # fmt: skip
    assert set(summary["models"]["wals"]["repeat"][METRIC]) == {"value", "low", "high"}
    assert set(summary["gate"]) == {
        "verdict", "open", "winner", "publishes", "metric", "scenario", "best_baseline", "differences", "rules",
    }  # fmt: skip
    assert set(summary["gate"]["rules"][0]) == {"name", "value", "limit", "passed", "meaning", "level"}


def test_to_json__reads_back_as_the_same_summary():
    summary = make_summary()

    assert RunSummary.model_validate_json(json.dumps(summary.to_json())) == summary


def test_to_json__leaves_out_what_only_a_publication_has_and_keeps_null_dates():
    closed = make_summary(is_open=False, as_of=None).to_json()
    live = make_summary().model_copy(update={"live": False}).to_json()

    assert closed["as_of"] is None
    assert closed["tuned"] is None
    assert not PUBLISHED & set(closed["counts"])
    assert "live" not in closed
    assert live["live"] is False


@pytest.mark.parametrize(
    "part", [(), ("counts",), ("gate",), ("models", "wals"), ("gate", "differences", "wals")]
)
def test_validate__refuses_a_misspelt_name_anywhere(part):
    summary = make_summary().to_json()
    found = summary
    for name in part:
        found = found[name]
    found["misspelt"] = 1

    with pytest.raises(ValidationError, match="misspelt"):
        RunSummary.model_validate(summary)


def test_figures__of_a_summary():
    summary = make_summary()

    assert RunFigures.read(summary.to_json()) == RunFigures(
        as_of="2026-03-01",
        winner="wals",
        events=900,
        users=100,
        items=20,
        quarantine_share=0.05,
        metric=METRIC,
        scenario="repeat",
        value=summary.models["wals"].repeat[METRIC].value,
    )


@pytest.mark.parametrize(
    "summary",
    [
        {},
        {"gate": {"winner": "wals", "metric": METRIC}},
        {"gate": None, "counts": {}, "models": {}, "a later version's": 1},
        {"gate": {"winner": "gone", "metric": METRIC, "scenario": "repeat"}, "models": {"wals": {}}},
    ],
)
def test_figures__a_summary_of_another_version_may_lack_any_of_them(summary):
    figures = RunFigures.read(summary)

    assert figures.events is figures.value is figures.quarantine_share is None
