"""Two orders of items made one: every so many places of the first list go to the next of the second."""

import math

import numpy as np
import numpy.typing as npt

from tasks.numeric.jit import jit
from tasks.numeric.parallel import for_each_block

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
UInt64 = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

SIGN = np.uint32(0x80000000)

ROWS = 16
"""Rows that a thread takes at a time."""

ROUNDING = 1e-9
"""Share times places may be this much below a whole number."""

FARTHEST = 2**53
"""More items than there are."""


def merged_places(first: Float32, second: Float64, own: Mask, seconds: Mask, share: float) -> Float64:
    """Scores by place, of two orders that are merged row by row.

    Of the places that `own` items do not take, the n-th item of the second order gets the one at which the share
    allows n: 10, 20, 30 where it is 0.1. Whether own items are left out of a list or not, no beginning of it holds
    more than the share.

    Parameters
    ----------
    first, second
        float32 and float64 (n_rows, n_items): scores of the two orders; ties go to the lower column.
    own
        bool (n_rows, n_items): what takes no place.
    seconds
        bool (n_rows, n_items): items that belong to the second order; all others belong to the first.
    share
        From 0 to 1. What is left when one order ends comes last.

    Returns
    -------
    float64 (n_rows, n_items): minus the place in the merged order, 0 = the first.

    """
    n_rows, n_items = first.shape
    before = np.array([_before(n, share) for n in range(1, n_items + 1)], dtype=np.int64)
    found = np.empty((n_rows, n_items))

    def merge(block: int) -> None:
        part = slice(block * ROWS, (block + 1) * ROWS)
        # Whole numbers that hold the score and the column: numpy sorts them ten times as fast as an argsort does.
        keys = falling_keys(first[part])
        keys.sort(axis=1)
        merge_rows(keys, second[part], own[part], seconds[part], before, found[part])

    for_each_block(merge, -(-n_rows // ROWS))
    return found


def _before(n: int, share: float) -> int:
    """Items of the first order that must come before the n-th of the second."""
    if n > share * FARTHEST:
        return FARTHEST
    return math.ceil(n / share - ROUNDING) - n


@jit()
def falling_keys(scores: Float32) -> UInt64:
    """Keys, uint64 (n_rows, n_items), that rise from the highest score to the lowest, and with the column where equal."""
    bits, keys = scores.view(np.uint32), np.empty(scores.shape, dtype=np.uint64)
    for row in range(scores.shape[0]):
        for item in range(scores.shape[1]):
            # Bits of floats above 0 rise with them, of those below 0 they fall; 0 has a sign, too.
            key = bits[row, item]
            if scores[row, item] > 0:
                key = ~(key | SIGN)
            elif scores[row, item] == 0:
                key = ~SIGN
            keys[row, item] = (np.uint64(key) << np.uint64(32)) | np.uint64(item)
    return keys


@jit()
def merge_rows(
    keys: UInt64,
    second: Float64,
    own: Mask,
    seconds: Mask,
    before: npt.NDArray[np.int64],
    found: Float64,
) -> None:
    """Fill `found` as :func:`merged_places` says; `before` is what must come before each item of the second order."""
    n_items = keys.shape[1]
    for row in range(len(keys)):
        others = np.flatnonzero(seconds[row])
        others = others[np.argsort(-second[row][others], kind="mergesort")]
        at, next_other, passed = 0, 0, 0
        for place in range(n_items):
            while at < n_items and seconds[row, np.uint32(keys[row, at])]:
                at += 1
            due = next_other < len(others) and passed >= before[next_other]
            if at == n_items or due:
                found[row, others[next_other]] = -place
                next_other += 1
            else:
                item = np.uint32(keys[row, at])
                found[row, item] = -place
                at += 1
                if not own[row, item]:
                    passed += 1
