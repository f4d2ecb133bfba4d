"""What stacked models learn from: candidates of users known at an earlier day, and what those took next."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Codes = npt.NDArray[np.integer]
Table = TypeVar("Table", Float32, Float64)

BLOCK_USERS = 4096


def returning_users(known: Csr, later: Csr) -> npt.NDArray[np.intp]:
    """Users with an entry in both, (n_users, n_items) each: known before a window, and there in it; rising."""
    return np.flatnonzero((known.lengths() > 0) & (later.lengths() > 0))


def with_targets(
    users: Codes, later: Csr, see: Callable[[Codes], tuple[list[Codes], Table]]
) -> tuple[Table, Float64, Int64]:
    """Ask a model block by block what it offers, and look up what was taken of it.

    Parameters
    ----------
    users
        Users to learn from, at least one.
    came
        (n_users, n_items), rows sorted: how often each item was taken next.
    see
        For some users the item codes offered to each, and a row of signals for every one of those.

    Returns
    -------
    table
        (n_pairs, n_signals), lists side by side.
    taken
        float64 (n_pairs,): how often the user took the item.
    lengths
        int64 (n_lists,): items offered to each user.

    """
    tables, targets, lengths = [], [], []
    for first in range(0, len(users), BLOCK_USERS):
        block = users[first : first + BLOCK_USERS]
        offered, table = see(block)
        tables.append(table)
        for code, items in zip(block, offered, strict=True):
            next_items, times = later.row(int(code))
            place = np.minimum(np.searchsorted(next_items, items), len(next_items) - 1)
            targets.append(np.where(next_items[place] == items, times[place], 0.0).astype(np.float64))
            lengths.append(len(items))
    return np.concatenate(tables), np.concatenate(targets), np.array(lengths, dtype=np.int64)


def best(scores: Float32, n: int) -> npt.NDArray[np.intp]:
    """Places of the n highest scores, best first; of equal ones the lower place first."""
    if not 0 < n < len(scores):
        return np.argsort(-scores, kind="stable")[:n]
    limit = np.partition(scores, len(scores) - n)[len(scores) - n]
    found = np.flatnonzero(scores >= limit)
    return found[np.argsort(-scores[found], kind="stable")[:n]]
