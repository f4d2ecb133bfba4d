"""Which model wins. Pure: evaluations in, a choice out.

One convention everywhere: a *difference* is a gain, the first model's metric minus the second's where more is
better and the other way round where less is. Positive means the first is better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_contracts.evaluation import Evaluation, Interval, Scenario
from data_contracts.metrics import Metric, parse_metric
from tasks.numeric.bootstrap import N_SAMPLES, paired_difference


@dataclass(frozen=True)
class Criterion:
    """What decides: one metric in one scenario, with the resamples that all comparisons share."""

    metric: str
    scenario: Scenario
    seed: int
    n_samples: int = N_SAMPLES

    @property
    def definition(self) -> Metric:
        """The metric's entry in the registry."""
        return parse_metric(self.metric).metric


@dataclass(frozen=True)
class SelectedModel:
    """The winner and what it was measured against.

    Parameters
    ----------
    winner
        Name of a candidate, or of the best baseline where no candidate beats it for sure.
    best_baseline
        The baseline with the best mean.
    differences
        For every candidate that has the metric, its gain over the best baseline on the same units: positive
        is better, whatever the metric's direction.

    """

    winner: str
    best_baseline: str
    differences: dict[str, Interval]


def choose(
    results: Mapping[str, Evaluation],
    criterion: Criterion,
    *,
    baselines: Sequence[str],
    candidates: Sequence[str],
) -> SelectedModel:
    """Take the best candidate that is surely better than the best baseline, else that baseline.

    "Surely": the paired 95 % interval of the gain lies above zero. Equal means go to the name that is listed
    first. Models without the metric (no predicted ratings) are left out; where the hold-out has nothing to
    score at all, the first baseline stands, and :mod:`tasks.evaluation.evidence` says so.

    Raises
    ------
    ValueError
        If there is no baseline, a model has no result, or the metric has no values per unit.

    """
    missing = [name for name in (*baselines, *candidates) if name not in results]
    if missing or not baselines:
        raise ValueError(
            f"choose needs a result for every model and one baseline; missing: {missing or 'all'}"
        )
    if not criterion.definition.per_unit:
        raise ValueError(f"{criterion.metric} has no values per unit, so it cannot decide")
    scored = [name for name in results if results[name].has_units(criterion.scenario, criterion.metric)]
    rivals = [name for name in baselines if name in scored]
    if not rivals:
        return SelectedModel(baselines[0], baselines[0], {})
    able = [name for name in candidates if name in scored]
    worth = {name: _worth(results[name], criterion) for name in (*rivals, *able)}
    best = max(rivals, key=worth.__getitem__)
    differences = {name: difference(results[name], results[best], criterion) for name in able}
    sure = [name for name in able if differences[name].low > 0.0]
    return SelectedModel(max(sure, key=worth.__getitem__, default=best), best, differences)


def difference(result: Evaluation, other: Evaluation, criterion: Criterion) -> Interval:
    """Gain of `result` over `other` on the same units, with its interval: positive is better."""
    values, clusters = result.units(criterion.scenario, criterion.metric)
    others, _ = other.units(criterion.scenario, criterion.metric)
    metric = criterion.definition
    first, second = (values, others) if metric.direction == "higher" else (others, values)
    return paired_difference(
        first,
        second,
        seed=criterion.seed,
        clusters=clusters,
        n_samples=criterion.n_samples,
        root=metric.root,
    )


def mean_of(result: Evaluation, criterion: Criterion) -> float:
    """The metric itself; ValueError where the hold-out has no unit for it."""
    values, _ = result.units(criterion.scenario, criterion.metric)
    if not len(values):
        raise ValueError(f"{criterion.scenario} {criterion.metric} has nothing to score in this hold-out")
    mean = float(values.mean(dtype="float64"))
    return float(np.sqrt(mean)) if criterion.definition.root else mean


def _worth(result: Evaluation, criterion: Criterion) -> float:
    """The metric turned so that more is better."""
    return criterion.definition.gain(mean_of(result, criterion))
