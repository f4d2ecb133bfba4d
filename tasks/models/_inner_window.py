"""A hold-out made within a fit: what users did last is kept back from a sample of them, to try parameters on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix, History
from tasks.numeric.csr import ranges
from tasks.numeric.topk import top_k

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer]

PARTS = (1 / 16, 1 / 8, 1 / 4)
"""Lengths of the window, as parts of the time that the log covers: the first that holds enough is taken."""

ENOUGH, ENOUGH_USERS, FEWEST = 1_000, 200, 30
"""Events of users known before that a window of time should hold, and how many such users; below the last number
of (user, item) pairs nothing can be compared."""

HELD_OUT = 0.2
"""Share of a user's entries held out where no window of time holds enough."""

LENGTH = 10
"""Of the lists that are judged."""

PRODUCTS, MOST_USERS, FEWEST_USERS = 50_000_000, 1_500, 500
"""Users judged: as many as make about so many pairs with the items, within these limits."""

RARE = 0.05
"""A scenario that fewer events than this share belong to is not judged."""


@dataclass(frozen=True, eq=False)
class Inner:
    """What was known before the window, and who is judged by what came in it.

    Parameters
    ----------
    known
        The matrix before the window; items that are not in it have no code.
    users
        Users who are judged: known before, and there in the window.
    new, again
        Csr (len(users), n_items): what they took for the first time, and what they had had before.
    """

    known: GroupedMatrix
    users: Codes
    new: Csr
    again: Csr

    def values(self, user_factors: Float32, item_factors: Float32) -> Float64:
        """How well factors rank the window, user by user: normalized discounted cumulative gain of ten items.

        Lists that may hold what a user has had and lists that may not count alike, unless nearly all events of
        the window belong to one of them.

        Returns
        -------
        float64 (len(users),)

        """
        share = self.again.nnz / max(1, self.again.nnz + self.new.nnz)
        share = 0.0 if share < RARE else 1.0 if share > 1 - RARE else 0.5
        x, k = user_factors[self.users], min(LENGTH, len(item_factors))
        total = np.zeros(len(self.users))
        if share > 0:
            lists, _ = top_k(x, item_factors, k)
            total += share * _gains(lists, _union(self.new, self.again))
        if share < 1:
            past = GroupedMatrix.from_csr(self.known.by_user.to_scipy()[self.users]).by_user
            lists, _ = top_k(x, item_factors, k, exclude=past)
            total += (1 - share) * _gains(lists, self.new)
        return total


def share_of_users(matrix: GroupedMatrix, n_entries: int, rng: np.random.Generator) -> GroupedMatrix:
    """Rows of some users, drawn at random, with about `n_entries` entries; all where there are no more."""
    if matrix.nnz <= n_entries:
        return matrix
    drawn = rng.permutation(matrix.n_users)
    total = np.cumsum(matrix.by_user.lengths()[drawn])
    users = np.sort(drawn[: max(1, int(np.searchsorted(total, n_entries)))])
    rows = GroupedMatrix.from_csr(matrix.by_user.to_scipy()[users])
    return GroupedMatrix(rows.by_user, rows.by_item, None, _of_users(matrix.history, users))


def inner_window(matrix: GroupedMatrix, rng: np.random.Generator) -> Inner | None:
    """Hold out the last days, or the last entries of every user; None where that leaves nothing to compare.

    Where the history marks targets, they alone are to be foreseen, unless there are too few of them.
    """
    history = matrix.history
    if history is not None and history.targets is not None:
        found = _inner_window(matrix, history.targets, rng)
        if found is not None:
            return found
    return _inner_window(matrix, None, rng)


def _inner_window(
    matrix: GroupedMatrix, targets: npt.NDArray[np.bool_] | None, rng: np.random.Generator
) -> Inner | None:
    owner, items, values, later = _events(matrix, targets, rng)
    if later.all():
        return None
    before = csr_matrix((values[~later], (owner[~later], items[~later])), shape=matrix.by_user.shape)
    after = later if targets is None else later & targets
    taken = csr_matrix((np.ones(after.sum()), (owner[after], items[after])), shape=matrix.by_user.shape)
    there = np.bincount(before.indices, minlength=matrix.n_items) > 0
    before, taken = before[:, there], taken[:, there]
    taken.sum_duplicates()
    taken.data[:] = 1
    known = GroupedMatrix.from_csr(before)
    returned = np.flatnonzero((known.by_user.lengths() > 0) & (np.diff(taken.indptr) > 0))
    limit = min(MOST_USERS, max(FEWEST_USERS, PRODUCTS // known.n_items))
    users = np.sort(rng.choice(returned, limit, replace=False)) if len(returned) > limit else returned
    truth = taken[users]
    if truth.nnz < FEWEST:
        return None
    again = truth.multiply(known.by_user.to_scipy()[users].astype(bool)).tocsr()
    new = truth - again
    for each in (again, new):
        each.eliminate_zeros()
    return Inner(known, users, *(GroupedMatrix.from_csr(each).by_user for each in (new, again)))


def _events(
    matrix: GroupedMatrix, targets: npt.NDArray[np.bool_] | None, rng: np.random.Generator
) -> tuple[Codes, Codes, Float32, npt.NDArray[np.bool_]]:
    """(user codes, item codes, values, whether it is held out) of all events, or pairs without a history."""
    history = matrix.history
    if history is None or not len(history.ages):
        owner = np.repeat(np.arange(matrix.n_users), matrix.by_user.lengths())
        # One entry of every user always stays.
        place = rng.permutation(matrix.nnz)
        order = np.lexsort((place, owner))
        return (
            owner,
            matrix.by_user.indices[order],
            matrix.by_user.values[order],
            last_of_each(matrix.by_user.indptr),
        )
    owner = np.repeat(np.arange(matrix.n_users), np.diff(history.indptr))
    values = np.maximum(history.values, 0)
    starts = np.minimum(history.indptr[:-1], len(history.ages) - 1)  # of users without events too
    first = history.ages[starts][owner]
    for part in PARTS:
        days = part * float(first.max())
        later = history.ages < days
        returned = later & (first >= days)
        if targets is not None:
            returned &= targets
        if returned.sum() >= ENOUGH and len(np.unique(owner[returned])) >= ENOUGH_USERS:
            return owner, history.items, values, later
    last = (
        last_of_each(history.indptr)
        if targets is None
        else last_target_of_each(history.indptr, history.ages, targets)
    )
    return owner, history.items, values, last


def last_of_each(indptr: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which events are the last fifth of their user's, at least one of two.

    Parameters
    ----------
    indptr
        int64 (n_users + 1,): where each user's events begin, oldest first.

    Returns
    -------
    bool (n_events,)

    """
    lengths = np.diff(indptr)
    held = np.where(lengths > 1, np.maximum(1, (HELD_OUT * lengths).astype(np.int64)), 0)
    return np.arange(indptr[-1]) >= np.repeat(indptr[1:] - held, lengths)


def last_target_of_each(
    indptr: npt.NDArray[np.int64], ages: Float32, targets: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Which events are no older than a day before the user's last target, of users with something before that.

    Parameters
    ----------
    indptr
        int64 (n_users + 1,): where each user's events begin, oldest first.
    ages
        float32 (n_events,): in days.
    targets
        bool (n_events,): which events lists are to foresee.

    Returns
    -------
    bool (n_events,)

    """
    owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    oldest, last = np.full((2, len(indptr) - 1), -np.inf)
    np.maximum.at(oldest, owner, ages)
    last[owner[targets]] = ages[targets]  # of several the last one stays
    held = ages <= last[owner] + 1
    return np.asarray(held & (oldest > last + 1)[owner])


def _of_users(history: History | None, users: Codes) -> History | None:
    if history is None:
        return None
    lengths = np.diff(history.indptr)[users]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    at = ranges(history.indptr[users], lengths)
    return History(
        starts, history.items[at], history.ages[at], history.values[at]
    )  # without baskets: not asked for


def _union(one: Csr, other: Csr) -> Csr:
    return GroupedMatrix.from_csr(one.to_scipy() + other.to_scipy()).by_user


def _gains(lists: npt.NDArray[np.int32], truth: Csr) -> Float64:
    """NDCG of each row's list; 0 for a row without truth."""
    n_rows, k = lists.shape
    rows = np.arange(n_rows)[:, None] * np.int64(truth.n_cols)
    wanted = np.repeat(rows[:, 0], truth.lengths()) + truth.indices
    hits = np.isin(rows + lists, wanted) & (lists >= 0)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[1.0], np.cumsum(discounts)])[np.minimum(truth.lengths(), k)]
    gains: Float64 = (hits @ discounts) / ideal
    return gains
