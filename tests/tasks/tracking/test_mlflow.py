"""A run is written to a tracking server by its REST API, once, and no failure is more than a warning."""

import time

import pytest
from mlflow_server import tracking_server
from report_facts import make_findings

from data_contracts.run_summary import RunSummary
from tasks.tracking.mlflow import write
from tasks.tracking.record import LONGEST_VALUE, Record, key_of, record_of


@pytest.fixture
def record():
    summary = RunSummary.of(make_findings(), published=True, path="/home/published/shop", report="/r.html")
    return record_of(summary, "http://127.0.0.1:4280/r.html")


def test_write__makes_an_experiment_and_one_run_with_all_figures(record):
    with tracking_server() as server:
        assert write(record, server.uri, "shop") == []
    (run,) = server.runs

    assert server.experiments == {"shop"}
    assert (run["info"]["status"], run["info"]["run_name"]) == ("FINISHED", record.name)
    assert (run["tags"], run["params"], run["metrics"]) == (record.tags, record.parameters, record.metrics)


def test_record__says_what_people_look_for(record):
    assert record.tags["winner"] == "wals"
    assert record.tags["dataset"] == "shop"
    assert record.tags["report"] == "http://127.0.0.1:4280/r.html"
    assert record.tags["mlflow.note.content"].startswith("wals published: basket_precision@5 0.1500")
    assert record.metrics["winner/basket_precision_at_5"] == pytest.approx(0.15)
    assert record.metrics["wals/gain"] == pytest.approx(0.1)
    assert record.metrics["rows_rejected"] == 50
    assert record.parameters["wals/kind"] == "wals"


def test_write__the_same_run_is_there_once(record):
    with tracking_server() as server:
        assert write(record, server.uri, "shop") == write(record, server.uri, "shop") == []
    assert len(server.runs) == 1


def test_write__one_that_broke_off_is_completed(record):
    with tracking_server(refused={"runs/update": (500, "INTERNAL_ERROR")}) as server:
        (warning,) = write(record, server.uri, "shop")
        server.refused.clear()
        assert write(record, server.uri, "shop") == []

    assert "it answers 500 to runs/update (INTERNAL_ERROR)" in warning
    assert [run["info"]["status"] for run in server.runs] == ["FINISHED"]


def test_write__more_than_a_request_may_hold_goes_in_several():
    metrics = {f"m{n}": float(n) for n in range(2_500)}
    parameters = {f"p{n}": str(n) for n in range(250)}
    with tracking_server() as server:
        assert write(Record("n", parameters, metrics, {"run_id": "1"}), server.uri, "shop") == []
    (run,) = server.runs

    assert (run["metrics"], run["params"]) == (metrics, parameters)


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        ({"experiments/get-by-name": (302, "")}, "it answers 302 to experiments/get-by-name"),
        ({"runs/create": (401, "")}, "it answers 401 to runs/create"),
        ({"runs/log-batch": (400, "INVALID_PARAMETER_VALUE")}, "runs/log-batch (INVALID_PARAMETER_VALUE)"),
    ],
)
def test_write__what_fails_is_a_warning_without_what_the_server_says(record, refused, why):
    with tracking_server(refused) as server:
        (warning,) = write(record, server.uri, "shop")

    assert why in warning
    assert "SECRET" not in warning


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "http://no-such-host.invalid", "http://127.0.0.1:x"])
def test_write__nobody_who_hears_is_a_warning(record, uri):
    (warning,) = write(record, uri, "shop")

    assert "the run is as it is" in warning


def test_write__a_server_that_does_not_answer_is_given_up(record):
    with tracking_server(slow={"runs/search"}) as server:
        began = time.monotonic()
        (warning,) = write(record, server.uri, "shop", seconds=0.2)
        took = time.monotonic() - began

    assert "no end after 0.2 s" in warning
    assert took < 10  # the server would have taken 30


@pytest.mark.parametrize(
    ("variables", "header"),
    [
        ({}, None),
        ({"MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p"}, "Basic dTpw"),
        ({"MLFLOW_TRACKING_TOKEN": "t", "MLFLOW_TRACKING_USERNAME": "u"}, "Bearer t"),
    ],
)
def test_write__credentials_come_from_the_environment(record, monkeypatch, variables, header):
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with tracking_server() as server:
        write(record, server.uri, "shop")

    assert server.authorization == header


def test_record__holds_nothing_that_mlflow_refuses():
    findings = make_findings()
    wals = findings.models["wals"].model_copy(update={"parameters": {"parts": ("x" * 900,)}})
    findings = findings.model_copy(update={"models": {**findings.models, "wals": wals}})
    record = record_of(RunSummary.of(findings, published=False, path="p", report="r"), "r")

    assert len(record.parameters["wals/parts"]) == LONGEST_VALUE
    assert key_of("a@5/b:c,d") == "a_at_5/b_c_d"
