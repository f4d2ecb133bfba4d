"""What LambdaMART's trees see of a user, an item and the pair of them, known at one cut-off."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr, GroupedMatrix, History, ItemTimeline
from tasks.numeric.pair_times import PairTimes, pair_times

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

HALF_LIVES: Final = (3.0, 7.0, 14.0, 28.0, 56.0)
"""Of popularity, in days."""

ABSENT: Final = -1.0
"""Of a signal that does not apply: below what it can be, so that one split of a tree sets it apart."""

USUAL_GAP_DAYS, SHORTEST_GAP_DAYS = 60.0, 3.0
"""Days between two purchases of an item that nobody took twice, and the fewest that a wait is divided by."""

ITEM_SIGNALS: Final = (
    *(f"popular, half-life {half_life:g} days" for half_life in HALF_LIVES),
    "popular always",
    "rising",
    "days on sale",
    "days unsold",
    "users of 14 days",
    "users of 42 days",
    "regulars of 21 days",
    "share of guests",
    "share who take it again",
    "baskets per user",
    "soon again",
    "days between purchases",
)
USER_SIGNALS: Final = (
    "baskets of the user",
    "days since the user came",
    "days since the user first came",
    "days between the user's baskets",
    "items a basket",
    "share of new items",
    "taste for the popular",
)
PAIR_SIGNALS: Final = (
    "baskets with it",
    "days since taken",
    "days since first taken",
    "baskets since taken",
    "share of baskets",
    "wait over own gap",
    "wait over usual gap",
    "in the last basket",
)


@dataclass(frozen=True, eq=False)
class Signals:
    """Signals by item, by user and by pair; what does not apply is :data:`ABSENT`.

    Parameters
    ----------
    items
        float32 (n_items, len(ITEM_SIGNALS)).
    users
        float32 (n_users, len(USER_SIGNALS)).
    pairs
        float32 (nnz, len(PAIR_SIGNALS)), in the order of ``by_user``.

    """

    items: Float32
    users: Float32
    pairs: Float32


def signals(matrix: GroupedMatrix) -> Signals:
    """Signals of a matrix with a history and a timeline.

    Raises
    ------
    ValueError
        If it lacks one of them.

    """
    if matrix.history is None or matrix.timeline is None:
        raise ValueError("signals for LambdaMART need a matrix with a history and a timeline")
    times = pair_times(matrix.history, matrix.by_user)
    with np.errstate(divide="ignore", invalid="ignore"):  # what does not apply comes out as NaN or -inf
        gaps = _gaps(times)
        items = _of_items(matrix.by_user, matrix.timeline, matrix.history, times, gaps)
        users = _of_users(matrix.by_user, times, items[:, ITEM_SIGNALS.index("popular always")])
        usual_gaps = items[:, ITEM_SIGNALS.index("days between purchases")]
        pairs = _of_pairs(matrix.by_user, times, gaps, usual_gaps)
    return Signals(_finite(items), _finite(users), _finite(pairs))


def _finite(table: Float64) -> Float32:
    return np.where(np.isfinite(table), table, ABSENT).astype(np.float32)


def _gaps(times: PairTimes) -> Float64:
    """Mean days between two purchases of each pair; NaN where there was one, float64 (nnz,)."""
    gaps = (times.first - times.last) / (times.baskets - 1.0)
    return np.where(times.baskets > 1, gaps, np.nan)


def _of_items(
    by_user: Csr, timeline: ItemTimeline, history: History, times: PairTimes, gaps: Float64
) -> Float64:
    owner = np.repeat(np.arange(by_user.shape[0]), by_user.lengths())

    def total(values: npt.NDArray[np.generic]) -> Float64:
        return np.bincount(by_user.indices, weights=values, minlength=by_user.n_cols).astype(np.float64)

    popular = [np.log1p(timeline.decayed(half_life)) for half_life in HALF_LIVES]
    everybody = timeline.decayed(None)
    known = np.bincount(history.items, weights=history.values, minlength=by_user.n_cols)
    again, users, baskets = total(times.baskets > 1), total(times.baskets > 0), total(times.baskets)
    regulars = (times.last < 21) & (times.user_baskets[owner] > 2)
    usual_gaps = total(np.nan_to_num(gaps)) / again
    return np.column_stack(
        [
            *popular,
            np.log1p(everybody),
            popular[1] - popular[4],
            *_first_and_last(timeline),
            *(np.log1p(total(times.last < days)) for days in (14, 42)),
            np.log1p(total(regulars)),
            1.0 - (known + 1.0) / (everybody + 2.0),
            # Three users who never came again temper the shares where an item has few.
            again / (users + 3.0),
            baskets / (users + 3.0),
            total(times.soon) / (baskets + 5.0),
            np.where(again > 0, usual_gaps, USUAL_GAP_DAYS),
        ]
    )


def _first_and_last(timeline: ItemTimeline) -> tuple[Float64, Float64]:
    """Ages in days of each item's first and last event; NaN where there is none."""
    sold = np.diff(timeline.indptr) > 0
    first, last = np.full((2, len(sold)), np.nan)
    first[sold] = timeline.ages[timeline.indptr[1:][sold] - 1]
    last[sold] = timeline.ages[timeline.indptr[:-1][sold]]
    return first, last


def _of_users(by_user: Csr, times: PairTimes, popular: Float64) -> Float64:
    owner = np.repeat(np.arange(by_user.shape[0]), by_user.lengths())

    def total(values: npt.NDArray[np.floating]) -> Float64:
        return np.bincount(owner, weights=values, minlength=by_user.shape[0]).astype(np.float64)

    targets = total(times.baskets)
    return np.column_stack(
        [
            np.log(times.user_baskets),
            times.user_last,
            times.user_first,
            (times.user_first - times.user_last) / np.maximum(times.user_baskets - 1.0, 1.0),
            np.log(targets / times.user_baskets),
            by_user.lengths() / targets,
            total(times.baskets * popular[by_user.indices]) / targets,
        ]
    )


def _of_pairs(by_user: Csr, times: PairTimes, gaps: Float64, usual_gaps: Float64) -> Float64:
    return np.column_stack(
        [
            times.baskets,
            times.last,
            times.first,
            times.since,
            times.baskets / times.until,
            times.last / np.maximum(gaps, SHORTEST_GAP_DAYS),
            times.last / np.maximum(usual_gaps[by_user.indices], SHORTEST_GAP_DAYS),
            times.since == 0,
        ]
    )
