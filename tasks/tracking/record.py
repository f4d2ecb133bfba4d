"""What a tracking server is told of a run. Pure: a summary in, names and values out."""

import math
import re
from typing import NamedTuple

from data_contracts.evaluation import Interval
from data_contracts.run_summary import RunSummary
from tasks.report.headline import headline

LONGEST_VALUE = 500
"""Characters of a parameter that every MLflow keeps."""
COUNTS = ("rows_read", "rows_accepted", "rows_rejected", "events", "users", "items", "prediction_rows")
"""Counts of the summary that are figures of a run."""
_NOT_IN_NAMES = re.compile(r"[^\w. /-]")


class Record(NamedTuple):
    """A run as a tracking server keeps it."""

    name: str
    parameters: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


def record_of(summary: RunSummary, report: str) -> Record:
    """Sum a run up.

    Parameters
    ----------
    summary
        The run.
    report
        Address or path of its report.

    """
    gate = summary.gate
    tags = {
        "dataset": summary.dataset,
        "as_of": str(summary.as_of),
        "run_id": summary.run_id,
        "verdict": gate.verdict,
        "winner": gate.winner,
        "published": str(summary.published).lower(),
        "metric": f"{gate.scenario} {gate.metric}",
        "report": report,
        "path": summary.path,
        # What MLflow shows as the run's description, and as what made it.
        "mlflow.note.content": f"{headline(summary)}\n\n[report]({report})",
        "mlflow.source.name": "shelftalker",
    }
    return Record(f"{summary.dataset} as of {summary.as_of}", _parameters(summary), _metrics(summary), tags)


def _parameters(summary: RunSummary) -> dict[str, str]:
    found = {"split": summary.split, "tuned": summary.tuned, "metric": summary.gate.metric}
    for name, model in summary.models.items():
        found[f"{name}/kind"] = model.kind
        found |= {f"{name}/{key}": value for key, value in model.parameters.items()}
    return {key_of(name): str(value)[:LONGEST_VALUE] for name, value in found.items()}


def _metrics(summary: RunSummary) -> dict[str, float]:
    """Values by ``MODEL/SCENARIO/METRIC``; the one that decides stands under a name that is the same every night."""
    gate, counts, held_out = summary.gate, summary.counts, summary.counts.holdout
    found: dict[str, float | None] = {name: getattr(counts, name) for name in COUNTS}
    found |= {"holdout/users": held_out.n_users, "holdout/known_users": held_out.n_known_users}
    for name, model in summary.models.items():
        for scenario, values in (("repeat", model.repeat), ("discovery", model.discovery)):
            found |= {f"{name}/{scenario}/{metric}": each.value for metric, each in values.items()}
        found |= {f"{name}/seconds/fit": model.seconds.fit, f"{name}/seconds/score": model.seconds.score}
    for name, gain in gate.differences.items():
        found |= _interval(f"{name}/gain", gain)
    for who, name in (("winner", gate.winner), ("baseline", gate.best_baseline)):
        value = summary.deciding_metrics[name].get(gate.metric)
        if value is not None:
            found |= _interval(f"{who}/{gate.metric}", value)
    return {
        key_of(name): float(value)
        for name, value in found.items()
        if value is not None and math.isfinite(value)
    }


def _interval(name: str, found: Interval) -> dict[str, float | None]:
    return {name: found.value, f"{name}/low": found.low, f"{name}/high": found.high}


def key_of(name: str) -> str:
    """A name as MLflow takes it: ``precision@5`` is ``precision_at_5``."""
    return _NOT_IN_NAMES.sub("_", name.replace("@", "_at_"))[:250]
