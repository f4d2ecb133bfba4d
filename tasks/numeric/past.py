"""What a user's own past says about each item, what unknown users take, and looking back to an earlier day."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix, History, ItemTimeline
from tasks.numeric.jit import jit

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OwnPast:
    """How strongly each (user, item) pair of ``matrix.by_user`` was there, in its order.

    Parameters
    ----------
    baskets
        float32 (nnz,): number of the user's baskets (moments with an event) that held the item.
    fading
        float32 (nnz,): the same, each basket counting `fade` times as much as the one after it.
    decayed
        float32 (nnz,): weight of the events, halved every `half_life_days`.

    """

    baskets: Float32
    fading: Float32
    decayed: Float32


def own_past(matrix: GroupedMatrix, *, fade: float, half_life_days: float) -> OwnPast:
    """Count each pair's baskets; without a history the values of ``by_user`` stand for all three.

    A basket counts once whatever its events weigh: how often somebody comes back for an item is another
    question than how much of it he takes.
    """
    by_user = matrix.by_user
    if matrix.history is None:
        values = np.maximum(by_user.values, 0.0).astype(np.float32)
        return OwnPast(values, values, values)
    table = np.zeros((by_user.nnz, 3), dtype=np.float32)
    history = matrix.history
    _count_baskets(
        history.indptr,
        history.items,
        history.ages,
        history.values,
        fade,
        half_life_days,
        by_user.indptr,
        by_user.indices,
        table,
    )
    return OwnPast(*np.ascontiguousarray(table.T))


def cold_start_events(matrix: GroupedMatrix, half_life_days: float, *, everybody: float = 0.01) -> Float64:
    """Events by which to rank items for an unknown user: what earlier unknown users took.

    Those are events without a user and the first basket of every user, halved every `half_life_days`.
    All events join with the small weight `everybody`, so that the list does not end where unknown users do.

    Parameters
    ----------
    matrix
        Without a timeline or a history, all are taken alike. An event counts as often as it weighs.
    half_life_days
        Days after which an event counts half.
    everybody
        Weight of any event; on five inner windows of Online Retail, less was better down to 0.

    Returns
    -------
    float64 (n_items,)

    """
    total = matrix.item_events(half_life_days)
    history = matrix.history
    if matrix.timeline is None or history is None or not len(history.ages):
        return total
    # Whole days, as the timeline has them: what remains of the difference is events without a user.
    weights = history.values * np.exp2(-np.floor(history.ages.astype(np.float64)) / half_life_days)
    known = np.bincount(history.items, weights=weights, minlength=matrix.n_items)
    owner = np.repeat(np.arange(matrix.n_users), np.diff(history.indptr))
    starts = np.minimum(history.indptr[:-1], len(history.ages) - 1)  # of users without events too
    first = history.ages == history.ages[starts][owner]
    newcomers = np.bincount(history.items[first], weights=weights[first], minlength=matrix.n_items)
    # Rounding leaves crumbs where every event has a user; they must not order the items.
    nobody = np.round(np.maximum(total - known, 0.0), 6)
    return np.asarray(nobody + newcomers + everybody * total, dtype=np.float64)


def look_back(matrix: GroupedMatrix, first_day: int, last_day: int) -> tuple[GroupedMatrix, Csr]:
    """Go back to `last_day` days before the cut-off: what was known then, and what came next.

    Parameters
    ----------
    matrix
        With a history.
    first_day, last_day
        Ages in days: what came next has ``first_day <= age < last_day``, what was known is older.

    Returns
    -------
    older
        The matrix of that day, with the same user and item codes.
    next_events
        Csr (n_users, n_items), rows sorted: number of events of each pair, of the history's targets alone.

    """
    history = matrix.history
    if history is None:
        raise ValueError("look_back needs a matrix with a history")
    old = history.ages >= last_day
    after = (history.ages >= first_day) & ~old
    return _divided(matrix, history, old, after, last_day, _older(matrix.timeline, last_day))


def hold_back(matrix: GroupedMatrix, held: npt.NDArray[np.bool_]) -> tuple[GroupedMatrix, Csr]:
    """Take some events out of a matrix with a history: the cut-off stays.

    Parameters
    ----------
    matrix
        With a history.
    held
        bool (n_events,): which of the history's events are held back.

    Returns
    -------
    known
        The matrix without them, with the same user and item codes.
    held_events
        Csr (n_users, n_items), rows sorted: number of events of each pair, of the history's targets alone.

    """
    history = matrix.history
    if history is None:
        raise ValueError("hold_back needs a matrix with a history")
    return _divided(matrix, history, ~held, held, 0, _without(matrix.timeline, history, held))


def _divided(
    matrix: GroupedMatrix,
    history: History,
    old: npt.NDArray[np.bool_],
    after: npt.NDArray[np.bool_],
    days: int,
    timeline: ItemTimeline | None,
) -> tuple[GroupedMatrix, Csr]:
    owner = np.repeat(np.arange(matrix.n_users), np.diff(history.indptr))
    pairs = _pairs(owner[old], history.items[old], history.values[old], matrix.by_user.shape)
    grouped = GroupedMatrix.from_csr(pairs)
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner[old], minlength=matrix.n_users))])
    then = History(
        starts.astype(np.int64),
        history.items[old],
        (history.ages[old] - days).astype(np.float32),
        history.values[old],
        None if history.baskets is None else history.baskets[old],
        None if history.targets is None else history.targets[old],
    )
    older = GroupedMatrix(
        grouped.by_user,
        grouped.by_item,
        timeline,
        then,
        item_features=matrix.item_features,
        catalogue_items=matrix.catalogue_items,
    )
    after = after & history.wanted()
    ones = np.ones(int(after.sum()))
    later = GroupedMatrix.from_csr(_pairs(owner[after], history.items[after], ones, matrix.by_user.shape))
    return older, later.by_user


def _pairs(
    users: npt.NDArray[np.integer],
    items: npt.NDArray[np.integer],
    values: npt.NDArray[np.floating],
    shape: tuple[int, int],
) -> csr_matrix:
    return csr_matrix((values, (users, items)), shape=shape)


def _older(timeline: ItemTimeline | None, last_day: int) -> ItemTimeline | None:
    if timeline is None:
        return None
    old = timeline.ages >= last_day
    owner = np.repeat(np.arange(len(timeline.indptr) - 1), np.diff(timeline.indptr))
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner[old], minlength=len(timeline.indptr) - 1))])
    ages = (timeline.ages[old] - last_day).astype(np.int32)
    return ItemTimeline(starts.astype(np.int64), ages, timeline.counts[old])


def _without(
    timeline: ItemTimeline | None, history: History, held: npt.NDArray[np.bool_]
) -> ItemTimeline | None:
    """The timeline without some of the history's events."""
    if timeline is None:
        return None
    width = int(max(timeline.ages.max(initial=0), history.ages.max(initial=0))) + 1
    owner = np.repeat(np.arange(len(timeline.indptr) - 1), np.diff(timeline.indptr))
    there = owner * width + timeline.ages  # rising
    wanted = history.items[held].astype(np.int64) * width + np.floor(history.ages[held]).astype(np.int64)
    place = np.minimum(np.searchsorted(there, wanted), len(there) - 1)
    found = there[place] == wanted
    gone = np.bincount(place[found], weights=history.values[held][found], minlength=len(there))
    left = np.maximum(timeline.counts - gone, 0.0).astype(np.float32)
    return ItemTimeline(timeline.indptr, timeline.ages, left)


@jit()
def _count_baskets(
    indptr: Int64,
    items: Int32,
    ages: Float32,
    weights: Float32,
    fade: float,
    half_life_days: float,
    row_indptr: Int64,
    row_items: Int32,
    table: Float32,
) -> None:
    """From a user's last event to the first; columns are baskets, fading, decayed."""
    for user in range(len(indptr) - 1):
        start = row_indptr[user]
        row = row_items[start : row_indptr[user + 1]]
        counted_in = np.full(len(row), -1)
        basket, strength = 0, 1.0
        for at in range(indptr[user + 1] - 1, indptr[user] - 1, -1):
            if at + 1 < indptr[user + 1] and ages[at] != ages[at + 1]:
                basket += 1
                strength *= fade
            place = np.searchsorted(row, items[at])
            if place == len(row) or row[place] != items[at]:
                continue
            table[start + place, 2] += weights[at] * 2.0 ** (-ages[at] / half_life_days)
            if counted_in[place] != basket:
                counted_in[place] = basket
                table[start + place, 0] += 1.0
                table[start + place, 1] += strength
