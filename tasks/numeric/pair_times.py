"""When each user had each of their items: first, last, in how many baskets, and how many went by since."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr, History
from tasks.numeric.jit import jit

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

SOON_DAYS = 31.0
"""A pair that is there again within so many days counts as soon."""


@dataclass(frozen=True, eq=False)
class PairTimes:
    """Times of every (user, item) pair, in the order of ``by_user``; a basket is a moment of a user.

    Parameters
    ----------
    baskets
        float32 (nnz,): the user's baskets that held the item.
    last, first
        float32 (nnz,): age in days of the latest and the earliest of them.
    since
        float32 (nnz,): the user's baskets after the latest of them.
    until
        float32 (nnz,): the user's baskets from the earliest of them on, that one included.
    soon
        float32 (nnz,): how often the item came again within :data:`SOON_DAYS`.
    user_baskets, user_last, user_first
        float32 (n_users,): baskets of each user, and the ages of the latest and the earliest; without
        events 0, NaN and NaN.

    """

    baskets: Float32
    last: Float32
    first: Float32
    since: Float32
    until: Float32
    soon: Float32
    user_baskets: Float32
    user_last: Float32
    user_first: Float32


def pair_times(history: History, by_user: Csr) -> PairTimes:
    """Go once through every user's events; pairs without an event keep 0 baskets and NaN ages.

    Parameters
    ----------
    history
        Events of the users of `by_user`.
    by_user
        (n_users, n_items), rows sorted.

    """
    table = np.zeros((by_user.nnz, 6), dtype=np.float32)
    table[:, 1:3] = np.nan
    users = np.full((by_user.shape[0], 3), np.nan, dtype=np.float32)
    users[:, 0] = 0.0
    _fill(history.indptr, history.items, history.ages, by_user.indptr, by_user.indices, table, users)
    return PairTimes(*np.ascontiguousarray(table.T), *np.ascontiguousarray(users.T))


@jit()
def _fill(
    indptr: Int64,
    items: Int32,
    ages: Float32,
    row_indptr: Int64,
    row_items: Int32,
    table: Float32,
    users: Float32,
) -> None:
    """From a user's last event to the first; columns as in :class:`PairTimes`."""
    for user in range(len(indptr) - 1):
        if indptr[user] == indptr[user + 1]:
            continue
        start = row_indptr[user]
        row = row_items[start : row_indptr[user + 1]]
        basket = 0
        for at in range(indptr[user + 1] - 1, indptr[user] - 1, -1):
            if at + 1 < indptr[user + 1] and ages[at] != ages[at + 1]:
                basket += 1
            place = np.searchsorted(row, items[at])
            if place == len(row) or row[place] != items[at]:
                continue
            pair = table[start + place]
            if pair[0] == 0.0:
                pair[1] = ages[at]
                pair[3] = basket
            elif pair[4] == basket + 1:
                continue  # the same basket holds it twice
            elif ages[at] - pair[2] <= SOON_DAYS:
                pair[5] += 1.0
            pair[0] += 1.0
            pair[2] = ages[at]
            pair[4] = basket + 1
        users[user, 0] = basket + 1
        users[user, 1] = ages[indptr[user + 1] - 1]
        users[user, 2] = ages[indptr[user]]
