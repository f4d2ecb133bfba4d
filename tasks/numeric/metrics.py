"""Ranking metrics of top-K lists, one value per holdout user and per basket."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_contracts.holdout import Holdout
from data_contracts.metrics import metric_name
from tasks.numeric.jit import jit

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

RANKING = ("precision", "recall", "hit_rate", "map", "ndcg", "mrr")
"""Metrics of a list against a user's truth, in the column order of the kernel."""


@dataclass(frozen=True, eq=False)
class UnitValues:
    """Values of metrics that share their units, by metric name.

    Parameters
    ----------
    columns
        float32 (n_units,) each.
    clusters
        int32 (n_units,): units with one number are one user's.

    """

    columns: dict[str, Float32]
    clusters: Int32


@dataclass(frozen=True, eq=False)
class MetricValues:
    """Values behind the means: by metric name, e.g. ``precision@5``.

    Parameters
    ----------
    users
        float32 (n_rows,) each.
    baskets
        float32 (n_baskets,) each; empty where the dataset has no baskets.
    lists
        Facts about the lists as a whole, one number each.

    """

    users: dict[str, Float32]
    baskets: dict[str, Float32]
    lists: dict[str, float]


def score_lists(
    lists: Int32,
    cold_start_list: Int32,
    holdout: Holdout,
    ks: Sequence[int],
    *,
    popularity: npt.NDArray[np.floating] | None = None,
) -> MetricValues:
    """Score one list per holdout user against the truth.

    Definitions are in :data:`data_contracts.evaluation.METRICS`.

    Parameters
    ----------
    lists
        int32 (n_rows, K): item codes, best first, padded at the end with -1; row j is for holdout row j
        (for a cold user it already is the cold-start list).
    cold_start_list
        int32 (K,): the list that anonymous baskets are scored with.
    holdout
        The truth.
    ks
        List lengths to report, each between 1 and K.
    popularity
        (n_items,) events per item before the cut-off; without it novelty is left out.

    Raises
    ------
    ValueError
        If shapes do not fit, a k is out of range, a code is outside the catalogue, a list holds an item
        twice, or padding stands before an item.

    """
    lists = np.ascontiguousarray(lists, dtype=np.int32)
    lengths = np.array(sorted(set(ks)), dtype=np.int64)
    _check(lists, cold_start_list, holdout, lengths)
    discounts = 1.0 / np.log2(np.arange(2, lengths[-1] + 2))
    table = np.empty((holdout.n_rows, len(lengths), len(RANKING)), dtype=np.float32)
    _score_rows(lists, holdout.indptr, holdout.items, holdout.n_relevant, lengths, discounts, table)
    users = {
        metric_name(base, int(k)): table[:, at, column]
        for column, base in enumerate(RANKING)
        for at, k in enumerate(lengths)
    }
    for k in lengths:
        if popularity is not None:
            users[metric_name("novelty", int(k))] = _novelty(lists[:, :k], popularity)
        users[metric_name("full_lists", int(k))] = (lists[:, k - 1] >= 0).astype(np.float32)
    coverage = {metric_name("coverage", int(k)): _coverage(lists[:, :k], holdout.n_items) for k in lengths}
    return MetricValues(users, _score_baskets(lists, cold_start_list, holdout, lengths), coverage)


def _check(lists: Int32, cold_start_list: Int32, holdout: Holdout, ks: Int64) -> None:
    if lists.ndim != 2 or len(lists) != holdout.n_rows:
        raise ValueError(f"lists must have one row for each of {holdout.n_rows} users; got {lists.shape}")
    width = lists.shape[1]
    if cold_start_list.shape != (width,):
        raise ValueError(f"cold_start_list must have shape ({width},); got {cold_start_list.shape}")
    if not len(ks) or ks[0] < 1 or ks[-1] > width:
        raise ValueError(f"ks must lie between 1 and the list length {width}; got {ks.tolist()}")
    for name, block in (("lists", lists), ("cold_start_list", cold_start_list[None, :])):
        if block.size and (block.min() < -1 or block.max() >= holdout.n_items):
            raise ValueError(
                f"{name} must hold codes below {holdout.n_items}, or -1; got {block.min()} to {block.max()}"
            )
        ordered = np.sort(block, axis=1)
        twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1)
        if twice.any():
            raise ValueError(f"{name} row {np.flatnonzero(twice)[0]} holds an item twice")
        gap = ((block[:, 1:] >= 0) & (block[:, :-1] < 0)).any(axis=1)
        if gap.any():
            raise ValueError(f"{name} row {np.flatnonzero(gap)[0]} has -1 before an item; pad at the end")


def _novelty(lists: Int32, popularity: npt.NDArray[np.floating]) -> Float32:
    events = np.asarray(popularity, dtype=np.float64)
    surprise = -np.log2((events + 1.0) / (events.sum() + len(events)))
    filled = lists >= 0
    total = np.where(filled, surprise[lists], 0.0).sum(axis=1)
    return (total / np.maximum(filled.sum(axis=1), 1)).astype(np.float32)


def _coverage(lists: Int32, n_items: int) -> float:
    shown = np.zeros(n_items + 1, dtype=bool)
    shown[lists] = True  # -1 lands in the extra last place
    return float(shown[:n_items].sum() / n_items)


def _score_baskets(lists: Int32, cold_start_list: Int32, holdout: Holdout, ks: Int64) -> dict[str, Float32]:
    if not holdout.n_baskets:
        return {}
    with_cold_start = np.vstack([lists, cold_start_list[None, :]]).astype(
        np.int32
    )  # row -1 is the unknown users'
    hits = np.empty((holdout.n_baskets, len(ks)), dtype=np.int64)
    _basket_hits(with_cold_start, holdout.basket_rows, holdout.basket_indptr, holdout.basket_items, ks, hits)
    return {
        metric_name("basket_precision", int(k)): (hits[:, at] / k).astype(np.float32)
        for at, k in enumerate(ks)
    }


@jit()
def _score_rows(
    lists: Int32,
    indptr: Int64,
    items: Int32,
    n_relevant: Int32,
    ks: Int64,
    discounts: Float64,
    table: Float32,
) -> None:
    """Walk down each list once; `ks` rise, so each k is written when its rank is reached."""
    ideal = np.cumsum(discounts)
    for row in range(len(lists)):
        truth = items[indptr[row] : indptr[row + 1]]
        hits, gain, average, first, at = 0, 0.0, 0.0, 0.0, 0
        for rank in range(1, ks[-1] + 1):
            item = lists[row, rank - 1]
            place = np.searchsorted(truth, item)
            if place < len(truth) and truth[place] == item:
                hits += 1
                gain += discounts[rank - 1]
                average += hits / rank
                if hits == 1:
                    first = 1.0 / rank
            if rank == ks[at]:
                best = min(rank, n_relevant[row])
                table[row, at, 0] = hits / rank
                table[row, at, 1] = hits / best
                table[row, at, 2] = 1.0 if hits else 0.0
                table[row, at, 3] = average / best
                table[row, at, 4] = gain / ideal[best - 1]
                table[row, at, 5] = first
                at += 1


@jit()
def _basket_hits(
    lists: Int32, basket_rows: Int32, basket_indptr: Int64, basket_items: Int32, ks: Int64, hits: Int64
) -> None:
    """Rows of each basket whose item is in its list; the last list belongs to unknown users."""
    for basket in range(len(basket_rows)):
        truth = basket_items[basket_indptr[basket] : basket_indptr[basket + 1]]
        row = basket_rows[basket] if basket_rows[basket] >= 0 else len(lists) - 1
        found, at = 0, 0
        for rank in range(1, ks[-1] + 1):
            item = lists[row, rank - 1]
            place = np.searchsorted(truth, item)
            while place < len(truth) and truth[place] == item:
                found += 1
                place += 1
            if rank == ks[at]:
                hits[basket, at] = found
                at += 1
