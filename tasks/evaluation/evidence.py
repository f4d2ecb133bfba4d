"""Is there enough evidence to decide at all? Rules on what was scored, not on who won. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data_contracts.evaluation import Evaluation, RuleResult
from tasks.evaluation.model_selection import Criterion, SelectedModel


@dataclass(frozen=True)
class EvidenceLimits:
    """How much must be known; the dataset file may change it."""

    min_known_users: int = 10
    """Users known before whose lists were scored."""
    min_known_baskets: int = 10
    """Baskets of such users, where the metric reads baskets."""
    max_interval_width: float = 2.0
    """Width of the winner's 95 % interval / its value."""
    max_age_days: float = 7.0
    """Age of the newest event on the run's day."""


def evidence_rules(
    results: Mapping[str, Evaluation],
    choice: SelectedModel,
    criterion: Criterion,
    *,
    age_days: float | None,
    limits: EvidenceLimits,
) -> tuple[RuleResult, ...]:
    """Hold what was scored against the limits.

    Parameters
    ----------
    results
        Evaluation of every model of this run.
    choice
        The winner by the metric.
    criterion
        What decides.
    age_days
        Days from the newest event to the run's day; None where there is no day.
    limits
        What is demanded.

    """
    winner = results[choice.winner]
    found = winner.summary["evidence"][criterion.scenario]
    reads = criterion.definition.reads
    return (
        _at_least(
            "known_users",
            found["known_users"],
            limits.min_known_users,
            "holdout users who were known before; a longer hold-out, a split by user, or ids written alike in "
            "both files bring more of them",
        ),
        _at_least(
            "known_baskets",
            found["known_baskets"] if reads == "baskets" else None,
            limits.min_known_baskets,
            "held-out baskets of users who were known before",
        ),
        _width(winner, choice.winner, criterion, limits.max_interval_width),
        _models_differ(results, choice.winner, criterion),
        _result(
            "log_age_days",
            age_days,
            limits.max_age_days,
            None if age_days is None else age_days <= limits.max_age_days,
            "days from the newest event to the run's day: an older log is one whose export stopped",
        ),
    )


def _at_least(name: str, value: int | None, limit: int, meaning: str) -> RuleResult:
    return _result(name, value, limit, None if value is None else value >= limit, meaning)


def _width(winner: Evaluation, name: str, criterion: Criterion, limit: float) -> RuleResult:
    """An interval as wide as twice its value says hardly more than that something was hit."""
    entry = winner.summary[criterion.scenario].get(criterion.metric)
    meaning = f"width of the 95 % interval of {criterion.metric} of {name}, divided by its value"
    if entry is None or not winner.has_units(criterion.scenario, criterion.metric):
        return _result("interval_width", None, limit, False, f"{meaning}: there was nothing to score")
    if entry["value"] == 0.0 and criterion.definition.direction == "higher":
        return _result("interval_width", None, limit, False, f"{meaning}: there was no hit at all")
    width = (entry["high"] - entry["low"]) / max(abs(entry["value"]), np.finfo(float).tiny)
    return _result("interval_width", round(width, 4), limit, width <= limit, meaning)


def _models_differ(results: Mapping[str, Evaluation], winner: str, criterion: Criterion) -> RuleResult:
    asked = (criterion.scenario, criterion.metric)
    scored = {name: result.units(*asked)[0] for name, result in results.items() if result.has_units(*asked)}
    own = scored.get(winner)
    others = {name: values for name, values in scored.items() if name != winner}
    meaning = f"models whose {criterion.metric} differs from that of {winner} for anybody"
    if own is None or not others:
        return _result("models_differ", None, 1, None, f"{meaning}; there is no other to compare")
    differing = sum(not np.array_equal(own, values) for values in others.values())
    return _result("models_differ", differing, 1, differing >= 1, meaning)


def _result(name: str, value: float | None, limit: float, passed: bool | None, meaning: str) -> RuleResult:
    return RuleResult(name=name, value=value, limit=limit, passed=passed, meaning=meaning, level="evidence")
