"""Evaluate one model's lists in both scenarios: means, intervals, slices and facts about the lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.evaluation import SCENARIOS, Evaluation, Interval, Scenario, clusters_of
from data_contracts.holdout import Holdout
from data_contracts.interactions import Csr
from data_contracts.metrics import Reads, parse_metric
from tasks.numeric.bootstrap import N_SAMPLES, intervals, root_interval
from tasks.numeric.metrics import RANKING, MetricValues, UnitValues, score_lists
from tasks.numeric.slices import history_slices, item_slices, keep_items, mark_new, restrict

Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]
Json = dict[str, Any]
Arrays = dict[str, npt.NDArray[Any]]

SLICE_SAMPLES = 500
"""Resamples for a slice at most: slices inform, they do not decide, and there are many of them."""


@dataclass(frozen=True, eq=False)
class TopLists:
    """A model's lists for one hold-out in one scenario.

    Parameters
    ----------
    rows
        int32 (n_rows, K): one list per holdout user, padded at the end with -1; cold users' rows hold the
        cold-start list.
    cold_start
        int32 (K,): the list for unknown users.
    whole
        bool (n_rows,): lists that rules let hold no more than they do; None where only what is left counts.

    """

    rows: Int32
    cold_start: Int32
    whole: Bool | None = None


@dataclass(frozen=True)
class _Sampling:
    """How intervals are drawn: the same for every model of a run."""

    seed: int
    n_samples: int


def evaluate(
    repeat: TopLists,
    discovery: TopLists,
    holdout: Holdout,
    seen: Csr,
    *,
    ks: Sequence[int],
    seed: int,
    popularity: npt.NDArray[np.floating] | None = None,
    n_samples: int = N_SAMPLES,
    more: Mapping[Scenario, Mapping[Reads, UnitValues]] | None = None,
    n_allowed: int | None = None,
    barred: Csr | None = None,
    blocked: Csr | None = None,
) -> Evaluation:
    """Score a model's lists in both scenarios.

    Parameters
    ----------
    repeat
        Lists from the whole catalogue.
    discovery
        Lists without the items each user had before the cut-off.
    holdout
        The whole truth; the discovery scenario's truth is derived from it.
    seen
        (n_rows, n_items): what users had before the cut-off, user codes first; ``holdout.past`` says whose
        row is whose.
    ks
        List lengths to report.
    seed
        Fixes the resamples; pass the same for all models of a run.
    popularity
        (n_items,) events per item before the cut-off; by default users per item in `seen`.
    n_samples
        Bootstrap resamples; slices take at most :data:`SLICE_SAMPLES`.
    more
        Values of metrics that do not read the lists, by scenario and by what they read.
    n_allowed
        Items that the model may list; all if absent.
    barred
        As `seen`: of the items that may be listed those that must not stand in a user's list of the discovery
        scenario; `seen` if absent.
    blocked
        As `seen`: what is in no list of either scenario.

    Returns
    -------
    Evaluation
        A scenario without any holdout user or basket has no metrics in the summary.

    Raises
    ------
    ValueError
        If lists, truth and `seen` do not fit together.

    """
    if popularity is None:
        popularity = np.bincount(seen.indices, minlength=seen.n_cols).astype(np.float64)
    summary: Json = {"repeat": {}, "discovery": {}, "slices": {}, "lists": {}, "evidence": {}}
    arrays: Arrays = {}
    scored = _Scored(summary, arrays, _Sampling(seed, n_samples), seen, ks, popularity)
    rest, kept = restrict(holdout, seen)
    scored.add("repeat", repeat, holdout)
    scored.add("discovery", TopLists(discovery.rows[kept], discovery.cold_start), rest)
    barred = seen if barred is None else barred
    for scenario, lists, excluded in (("repeat", repeat, blocked), ("discovery", discovery, barred)):
        summary["lists"][scenario] = list_facts(
            lists.rows[:, : max(ks)], holdout, excluded, n_allowed, lists.whole
        )
    for scenario in SCENARIOS:
        for reads, found in (more or {}).get(scenario, {}).items():
            scored.add_units(scenario, reads, found)
    return Evaluation(summary, arrays)


@dataclass(frozen=True, eq=False)
class _Scored:
    """What is found of a model while it is found, and what all of it is computed from."""

    summary: Json
    arrays: Arrays
    sampling: _Sampling
    seen: Csr
    ks: Sequence[int]
    popularity: npt.NDArray[np.floating]

    def add(self, scenario: Scenario, lists: TopLists, truth: Holdout) -> None:
        """Metrics that read the lists: their means, their slices, and the values behind them."""
        values = score_lists(lists.rows, lists.cold_start, truth, self.ks, popularity=self.popularity)
        self.summary[scenario] = _means(values, truth, self.sampling) | {
            name: Interval(value, value, value).to_json() for name, value in values.lists.items()
        }
        self.summary["slices"][scenario] = _slices(
            values, lists, truth, self.seen, self.ks, self.popularity, self.sampling
        )
        self.summary["evidence"][scenario] = _known(truth)
        self._keep(scenario, values.users | values.baskets)
        self.arrays[clusters_of(scenario, "baskets")] = _clusters(truth)

    def add_units(self, scenario: Scenario, reads: Reads, found: UnitValues) -> None:
        """Metrics that read something else: guesses of what comes next, or ratings."""
        self.summary[scenario] |= _unit_intervals(found, self.sampling)
        self._keep(scenario, found.columns)
        self.arrays[clusters_of(scenario, reads)] = found.clusters

    def _keep(self, scenario: Scenario, columns: Mapping[str, npt.NDArray[Any]]) -> None:
        self.arrays.update({f"{scenario}.{name}": column for name, column in columns.items()})


def _known(truth: Holdout) -> dict[str, int]:
    """How much of a truth is about users known before: what the gate asks as evidence."""
    known = truth.user_codes >= 0
    return {
        "known_users": int(known.sum()),
        "known_baskets": int(np.append(known, False)[truth.basket_rows].sum()),
    }


def _unit_intervals(found: UnitValues, sampling: _Sampling) -> Json:
    if not len(found.clusters):
        return {}
    entries = intervals(
        np.column_stack(list(found.columns.values())),
        seed=sampling.seed,
        clusters=found.clusters,
        n_samples=sampling.n_samples,
    )
    return {
        name: (root_interval(entry) if parse_metric(name).metric.root else entry).to_json()
        for name, entry in zip(found.columns, entries, strict=True)
    }


def list_facts(
    lists: Int32,
    holdout: Holdout,
    excluded: Csr | None,
    n_allowed: int | None = None,
    whole: Bool | None = None,
) -> dict[str, float]:
    """What the gate asks about lists, whatever the truth says.

    Parameters
    ----------
    lists
        int32 (n_rows, k), padded with -1.
    holdout
        Whose lists these are.
    excluded
        Items that must not stand in a user's list, rows as ``holdout.past`` says; None: anything may.
    n_allowed
        Items that the model may list; all if absent.
    whole
        bool (n_rows,): lists that are complete whatever their length.

    Returns
    -------
    ``complete_share``
        Share of lists with min(k, items the user may get) items: a list that cannot be full because nothing
        is left is complete.
    ``identical_share``
        Share of warm users who get the one list that most of them get; 0 without warm users.
    ``forbidden``
        Number of list entries that hold an excluded item.

    """
    n_rows, k = lists.shape
    allowed = np.full(n_rows, holdout.n_items if n_allowed is None else n_allowed)
    forbidden = 0
    if excluded is not None:
        had = holdout.past >= 0
        allowed[had] -= excluded.lengths()[holdout.past[had]]
        fine = np.empty(lists.size, dtype=np.bool_)
        starts = np.arange(n_rows + 1, dtype=np.int64) * k
        mark_new(holdout.past, starts, lists.ravel(), excluded.indptr, excluded.indices, fine)
        forbidden = int((~fine).sum())
    complete = (lists >= 0).sum(axis=1) >= np.minimum(k, allowed)
    if whole is not None:
        complete |= whole
    return {
        "complete_share": float(complete.mean()) if n_rows else 1.0,
        "identical_share": _identical_share(lists[holdout.user_codes >= 0]),
        "forbidden": forbidden,
    }


def _identical_share(lists: Int32) -> float:
    if not len(lists):
        return 0.0
    whole = np.ascontiguousarray(lists).view(np.dtype((np.void, lists.itemsize * lists.shape[1])))
    return float(np.unique(whole, return_counts=True)[1].max() / len(lists))


def _clusters(holdout: Holdout) -> Int32:
    """Owner of each basket: the holdout row, and a number of its own for each anonymous basket."""
    alone = holdout.n_rows + np.arange(holdout.n_baskets)
    return np.where(holdout.basket_rows >= 0, holdout.basket_rows, alone).astype(np.int32)


def _means(values: MetricValues, holdout: Holdout, sampling: _Sampling, rows: Bool | None = None) -> Json:
    """Intervals of all metrics; `rows` (n_rows + 1,) marks a slice of users, last place = unknown users."""
    rows = np.ones(holdout.n_rows + 1, dtype=np.bool_) if rows is None else rows
    out: Json = {}
    groups = (
        (values.users, rows[:-1], None),
        (values.baskets, rows[holdout.basket_rows], _clusters(holdout)),
    )
    for columns, units, clusters in groups:
        if columns and units.any():
            found = intervals(
                np.column_stack(list(columns.values()))[units],
                seed=sampling.seed,
                clusters=None if clusters is None else clusters[units],
                n_samples=sampling.n_samples,
            )
            out |= {name: entry.to_json() for name, entry in zip(columns, found, strict=True)}
    return out


def _slices(
    values: MetricValues,
    lists: TopLists,
    holdout: Holdout,
    seen: Csr,
    ks: Sequence[int],
    popularity: npt.NDArray[np.floating],
    sampling: _Sampling,
) -> Json:
    """The metrics again for parts of the users, and for parts of the truth by item popularity."""
    sampling = replace(sampling, n_samples=min(sampling.n_samples, SLICE_SAMPLES))
    out: Json = {}
    found: dict[bytes, Json] = {}
    for name, rows in history_slices(holdout, seen):
        # "cold" mostly is "history 0" again.
        key = rows.tobytes()
        out[name] = found[key] = found.get(key) or _means(values, holdout, sampling, rows)
    for name, wanted in item_slices(popularity):
        out[name] = _of_items(lists, holdout, wanted, ks, sampling)
    return out


def metrics_of_items(
    lists: TopLists, holdout: Holdout, wanted: Bool, k: int, seed: int
) -> dict[str, Interval]:
    """Ranking metrics at one list length, by name, where only some items are truth.

    Parameters
    ----------
    lists
        As for :func:`evaluate`.
    holdout
        The truth of the scenario that the lists are for.
    wanted
        bool (n_items,): what counts.
    k, seed
        List length, and what fixes the resamples.

    Returns
    -------
    Empty where no held-out item is wanted.

    """
    found = _of_items(lists, holdout, wanted, (k,), _Sampling(seed, SLICE_SAMPLES))
    return {name: Interval(**entry) for name, entry in found.items()}


def _of_items(
    lists: TopLists, holdout: Holdout, wanted: Bool, ks: Sequence[int], sampling: _Sampling
) -> Json:
    part, kept = keep_items(holdout, wanted)
    scored = score_lists(lists.rows[kept], lists.cold_start, part, ks)
    ranking = {key: column for key, column in scored.users.items() if key.split("@")[0] in RANKING}
    return _means(MetricValues(ranking, scored.baskets, {}), part, sampling)
