"""Artifacts of a run in the Prefect UI: the table of metrics, the gate's decision, what was rejected."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prefect.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.context import FlowRunContext

from data_contracts.evaluation import Interval, Scenario
from data_contracts.metrics import METRICS, parse_metric
from data_contracts.run_summary import RunSummary
from flows.not_live import not_live
from tasks.report.data_uris import PICTURES
from tasks.report.text import best_first, found_rows, shown_k
from tasks.runtime import store
from tasks.runtime.files import read_json

RULE_COLUMNS = frozenset({"name", "value", "limit", "passed", "level", "meaning"})
SHOWN = ("rmse", "mae", "ndcg", "precision", "recall", "coverage")
"""Metrics beside the one that decides."""
REPORTS_URL = "SHELFTALKER_REPORTS_URL"
"""Environment variable: address of a server that shows the reports of this home."""


def create(summary: RunSummary, page: store.ArtifactRef) -> None:
    """Create the run's artifacts, with the pictures drawn beside its page; outside a flow run, create none."""
    if FlowRunContext.get() is None:
        return
    gate = summary.gate
    title = f"{summary.dataset} as of {summary.as_of}"
    if summary.live is False:
        # Whoever reads it sits before a browser: the command must say which home is meant.
        create_markdown_artifact(key="not-live", markdown=not_live(summary, store.home()), description=title)
    create_table_artifact(key="profile", table=profile_rows(summary), description=f"{title}: what was read")
    create_table_artifact(
        key="quarantine",
        table=found_rows(summary.counts),
        description=f"{title}: what the contract found; a row may have several reasons",
    )
    create_table_artifact(
        key="metrics",
        table=metric_rows(summary),
        description=f"{title}: {gate.scenario} {gate.metric} decides; {summary.split}",
    )
    create_table_artifact(
        key="gate",
        table=[{key: str(value) for key, value in rule if key in RULE_COLUMNS} for rule in gate.rules],
        description=f"gate {gate.verdict}, winner {gate.winner}",
    )
    if summary.rules is not None:
        create_table_artifact(
            key="rules",
            table=[rule.to_json() for rule in summary.rules.rules],
            description=f"{title}: items that the shop's rules forbid, and places of lists that they take",
        )
    for key, (picture, meaning) in read_json(page.folder / PICTURES).items():
        create_image_artifact(image_url=picture, key=key, description=f"{title}: {meaning}")
    create_link_artifact(
        key="report",
        link=_address(Path(summary.report)),
        link_text=f"Report: {summary.report}",
        description=f"{title}: what was decided and why, on one page",
    )


def _address(path: Path) -> str:
    """URL of a file of the home: on the report server if there is one, else on this disk."""
    server = os.environ.get(REPORTS_URL)
    if server and path.is_relative_to(store.home()):
        return f"{server.rstrip('/')}/{quote(path.relative_to(store.home()).as_posix())}"
    return path.as_uri()


def profile_rows(summary: RunSummary) -> list[dict[str, str]]:
    """What was read, trained on and held out, one fact per row."""
    counts = summary.counts.to_json()
    facts = {name: value for name, value in counts.items() if not isinstance(value, dict)}
    facts |= {f"held out: {name}": value for name, value in counts["holdout"].items()}
    return [{"fact": name.replace("_", " "), "value": _plain(value)} for name, value in facts.items()]


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def metric_rows(summary: RunSummary) -> list[dict[str, str]]:
    """One row per model, best first: the deciding metric with its interval in both scenarios, a few more, and seconds."""
    decides, scenario = summary.gate.metric, summary.gate.scenario
    k, results = shown_k(summary), summary.deciding_metrics
    names = [METRICS[each].written(k if METRICS[each].takes_k else None) for each in SHOWN]
    others = [each for each in names if each != decides and any(each in known for known in results.values())]
    other: Scenario = "discovery" if scenario == "repeat" else "repeat"
    rows = []
    for name in best_first(results, decides):
        metrics, model = results[name], summary.models[name]
        row = {"model": name, decides: _with_interval(metrics.get(decides))}
        # Errors of ratings know no lists, so that they are the same in both.
        if parse_metric(decides).metric.reads != "ratings":
            row[f"{other} {decides}"] = _with_interval(model.metrics(other).get(decides))
        row |= {each: f"{metrics[each].value:.4f}" if each in metrics else "-" for each in others}
        rows.append(row | {"fit s": f"{model.seconds.fit:.1f}", "score s": f"{model.seconds.score:.1f}"})
    return rows


def _with_interval(entry: Interval | None) -> str:
    return "-" if entry is None else f"{entry.value:.4f} [{entry.low:.4f}, {entry.high:.4f}]"
