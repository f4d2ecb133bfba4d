"""The parts of a run's summary, made from what its steps left."""

import hashlib
from collections.abc import Iterable
from typing import Any

from data_contracts.dataset_sections import WindowSection
from data_contracts.evaluation import Interval
from data_contracts.rules_result import RuleEffect, RulesResult
from data_contracts.run_summary import (
    Counts,
    GateResult,
    HoldoutCounts,
    ModelResult,
    Seconds,
)
from data_contracts.tuned import Tuned
from tasks.evaluation.gate import Verdict
from tasks.evaluation.task import EvaluatedModel
from tasks.runtime import store
from tasks.runtime.files import read_json

CAPPED = ("capped_events", "capped_users")


def run_id(*decisive: store.ArtifactRef) -> str:
    """Name of a run by what it found: the same content is the same run, however often it is repeated."""
    return hashlib.sha256(" ".join(each.key for each in decisive).encode()).hexdigest()[:12]


def describe_split(window: WindowSection, holdout: store.ArtifactRef) -> str:
    """How the hold-out was cut, in words, and that of a large one a sample is scored."""
    held_out = {
        "time": f"the last {window.holdout_days} days are held out",
        "leave_last": f"each user's last {window.leave_last_n} events are held out",
        "leave_last_basket": "each user's last basket is held out, of users who have another one",
        "random": f"{window.random_share:.0%} of each user's events are held out at random, whatever their time",
        "file": f"{window.test_path} is held out",
    }[window.split]
    if types := holdout.facts.get("targets"):
        held_out = f"{held_out}, events of type {' or '.join(types)} alone"
    scored, n_users = holdout.facts["n_users"], holdout.facts["n_users_in_all"]
    if left_out := holdout.facts.get("n_users_left_out"):
        held_out += f"; {left_out:,} users who took only what rules forbid are not scored"
    if scored == n_users:
        return held_out
    return f"{held_out}; a sample of {scored:,} of its {n_users:,} users is scored"


def warnings_of(steps: Iterable[store.ArtifactRef]) -> tuple[str, ...]:
    """What the steps warn of, each once, in their order."""
    return tuple(dict.fromkeys(warning for each in steps for warning in each.facts.get("warnings", ())))


def counts_of(
    events: store.ArtifactRef,
    matrix: store.ArtifactRef,
    holdout: store.ArtifactRef,
    predictions: store.ArtifactRef | None,
) -> Counts:
    """Sizes of what was read, held out and listed.

    Parameters
    ----------
    events, matrix, holdout
        What ingestion left, what the lists were made from (without lists: what the compared models were trained
        on), and what is held out.
    predictions
        The lists; None where there are none.

    """
    facts = {**events.facts, **{name: matrix.facts[name] for name in CAPPED if name in matrix.facts}}
    if predictions is not None:
        facts |= {"events": matrix.facts["events"], **predictions.facts}
    known = {name: facts[name] for name in Counts.model_fields if name in facts}
    held_out = {name: holdout.facts[name] for name in HoldoutCounts.model_fields if name in holdout.facts}
    return Counts(**known, holdout=HoldoutCounts(**held_out))


def rules_result(
    ruled: store.ArtifactRef | None, predictions: store.ArtifactRef | None
) -> RulesResult | None:
    """What the shop's rules do; `ruled` says which items may be shown, and is None where there are no rules."""
    if ruled is None:
        return None
    facts = ruled.facts
    lists: dict[str, Any] = {} if predictions is None else predictions.facts["rules"]
    taken: dict[str, int] = lists.get("taken", {})
    names = dict.fromkeys([*facts["forbidden"], *taken])
    every = {**facts, **lists}
    known = {name: every[name] for name in RulesResult.model_fields if name in every and name != "rules"}
    effects = (
        RuleEffect(rule=each, items=facts["forbidden"].get(each), places=taken.get(each)) for each in names
    )
    return RulesResult(rules=tuple(effects), **known)


def model_results(models: Iterable[EvaluatedModel], tuned: Tuned | None) -> dict[str, ModelResult]:
    """Metrics, parameters and times of each model, by name."""
    return {each.name: _model_result(each, tuned) for each in models}


def _model_result(evaluated: EvaluatedModel, tuned: Tuned | None) -> ModelResult:
    evaluation, trained = evaluated.evaluation, evaluated.model.artifact
    metrics = read_json(evaluation.folder / "summary.json")
    study = tuned.models.get(evaluated.name) if tuned else None
    return ModelResult(
        repeat=metrics["repeat"],
        discovery=metrics["discovery"],
        kind=trained.facts["kind"],
        parameters=trained.facts["parameters"],
        seconds=Seconds(fit=trained.manifest["seconds"], score=evaluation.manifest["seconds"]),
        parameters_from=f"study {study.study}" if study else "dataset file",
    )


def gate_result(verdict: Verdict) -> GateResult:
    """What the gate decided and why."""
    decision = verdict.decision
    return GateResult(
        verdict=decision.verdict,
        open=decision.open,
        winner=decision.winner,
        publishes=decision.publishes,
        metric=verdict.metric,
        scenario=verdict.scenario,
        best_baseline=verdict.best_baseline,
        differences={name: Interval(**entry) for name, entry in verdict.differences.items()},
        rules=decision.rules,
    )
