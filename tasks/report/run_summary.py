"""The run's summary: one JSON object that the command line prints and a publication keeps."""

import hashlib
from datetime import date
from typing import Any

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import WindowSection
from data_contracts.evaluation import SCENARIOS
from tasks.evaluation.gate import Verdict
from tasks.runtime import store
from tasks.runtime.files import read_json

Summary = dict[str, Any]


def run_id(*decisive: store.ArtifactRef) -> str:
    """Name of a run by what it found: the same content is the same run, however often it is repeated."""
    return hashlib.sha256(" ".join(each.key for each in decisive).encode()).hexdigest()[:12]


def summarise(
    spec: DatasetSpec,
    as_of: date | None,
    events: store.ArtifactRef,
    holdout: store.ArtifactRef,
    models: dict[str, store.ArtifactRef],
    evaluations: dict[str, store.ArtifactRef],
    verdict: Verdict,
) -> Summary:
    """Everything a person or a program asks about a run, before it is published or not."""
    decision = verdict.decision
    return {
        "run_id": "",
        "dataset": spec.name,
        "as_of": as_of.isoformat() if as_of else None,
        "split": describe_split(spec.window),
        "counts": {
            **{name: value for name, value in events.facts.items() if not isinstance(value, list)},
            "holdout": {name: value for name, value in holdout.facts.items() if isinstance(value, int)},
        },
        "models": {name: _model(models[name], evaluations[name]) for name in models},
        "gate": {
            "open": decision.open,
            "winner": decision.winner,
            "metric": verdict.metric,
            "scenario": verdict.scenario,
            "best_baseline": verdict.best_baseline,
            "differences": verdict.differences,
            "rules": [rule.model_dump(mode="json") for rule in decision.rules],
        },
        "published": False,
        "path": None,
        "report": None,
    }


def describe_split(window: WindowSection) -> str:
    """How the hold-out was cut, in words that stand in every output."""
    return {
        "time": f"the last {window.holdout_days} days are held out",
        "leave_last": f"each user's last {window.leave_last_n} events are held out",
        "random": f"{window.random_share:.0%} of each user's events are held out at random, whatever their time",
        "file": f"{window.test_path} is held out",
    }[window.split]


def published_counts(predictions: store.ArtifactRef, matrix: store.ArtifactRef) -> Summary:
    """Sizes of what the lists were made from, and of the lists."""
    counts = {name: value for name, value in predictions.facts.items() if isinstance(value, int)}
    return {"events": matrix.facts["events"], **counts}


def rejection_reason(verdict: Verdict) -> str:
    """The broken rules in words, each with value and limit."""
    broken = [rule for rule in verdict.decision.rules if not rule.passed and rule.level == "fail"]
    return "gate closed: " + "; ".join(
        f"{rule.name} is {rule.value}, limit {rule.limit} ({rule.meaning})" for rule in broken
    )


def _model(model: store.ArtifactRef, evaluation: store.ArtifactRef) -> Summary:
    result = read_json(evaluation.folder / "summary.json")
    return {
        **{scenario: result[scenario] for scenario in SCENARIOS},
        "kind": model.facts["kind"],
        "parameters": model.facts["parameters"],
        "seconds": {"fit": model.manifest["seconds"], "score": evaluation.manifest["seconds"]},
    }
