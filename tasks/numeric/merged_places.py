"""Two orders of items made one: every so many places of the first list go to the next of the second."""

import math

import numpy as np
import numpy.typing as npt

from tasks.numeric.jit import jit
from tasks.numeric.parallel import for_each_block

Float64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

ROWS = 16
"""Rows that a thread takes at a time."""

ROUNDING = 1e-9
"""Share times places may be this much below a whole number."""

FARTHEST = 2**53
"""More items than there are."""


def merged_places(first: Float64, second: Float64, own: Mask, seconds: Mask, share: float) -> Float64:
    """Scores by place, of two orders that are merged row by row.

    Of the places that `own` items do not take, the n-th item of the second order gets the one at which the share
    allows n: 10, 20, 30 where it is 0.1. Whether own items are left out of a list or not, no beginning of it holds
    more than the share.

    Parameters
    ----------
    first, second
        float64 (n_rows, n_items): scores of the two orders; ties go to the lower column.
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
        merge_rows(first[part], second[part], own[part], seconds[part], before, found[part])

    for_each_block(merge, -(-n_rows // ROWS))
    return found


def _before(n: int, share: float) -> int:
    """Items of the first order that must come before the n-th of the second."""
    if n > share * FARTHEST:
        return FARTHEST
    return math.ceil(n / share - ROUNDING) - n


@jit()
def merge_rows(
    first: Float64,
    second: Float64,
    own: Mask,
    seconds: Mask,
    before: npt.NDArray[np.int64],
    found: Float64,
) -> None:
    """Fill `found` as :func:`merged_places` says; `before` is what must come before each item of the second order."""
    for row in range(len(first)):
        ones, others = np.flatnonzero(~seconds[row]), np.flatnonzero(seconds[row])
        ones = ones[np.argsort(-first[row][ones], kind="mergesort")]
        others = others[np.argsort(-second[row][others], kind="mergesort")]
        at, next_other, passed = 0, 0, 0
        for place in range(first.shape[1]):
            due = next_other < len(others) and passed >= before[next_other]
            if at == len(ones) or due:
                found[row, others[next_other]] = -place
                next_other += 1
            else:
                item = ones[at]
                found[row, item] = -place
                at += 1
                if not own[row, item]:
                    passed += 1
