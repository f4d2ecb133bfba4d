"""What one block of users adds to the equations of all items: WALS where users are spread over machines.

The equations of an item are sums over users. Where every machine holds some users, it computes its part of the
sums from them, row by row of its own users, and nothing but (n_items, n_factors) leaves it. Conjugate gradients of
all items at once (:mod:`tasks.numeric.wals_items`) need such a part for the residual, one for every product of
their matrices with the directions, and one number an item for the last step.
"""

import numpy as np
import numpy.typing as npt

from tasks.numeric.gather import CHUNK, dots
from tasks.numeric.jit import jit
from tasks.numeric.wals_side import Side, read_only

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

SUMMED = 1 << 18
"""Entries summed in float32 before they join float64: sums of the most popular items stay exact to about 1e-6."""


def residual_part(users: Side, x: Float32, y: Float32) -> Float32:
    """Sum over the users' observed entries of ``((extra + unobserved) * target - extra * x.y) * x``, by item.

    Parameters
    ----------
    users
        The block: its users' rows.
    x, y
        float32 (n_users, n_factors), (n_items, n_factors).

    Returns
    -------
    float32 (n_items, n_factors), the same bytes at any number of threads.

    """
    return _summed(users, x, y, residual=True)


def product_part(users: Side, x: Float32, p: Float32) -> Float32:
    """Sum over the users' observed entries of ``extra * x.p * x``, by item: float32 (n_items, n_factors)."""
    return _summed(users, x, p, residual=False)


def curvature_part(users: Side, x: Float32, p: Float32) -> Float64:
    """Sum over the users' observed entries of ``extra * (x.p)**2``, by item: float64 (n_items,)."""
    out = np.zeros(len(p))
    indptr, indices, extra, *_ = users.arrays
    _add_squares(indptr, indices, extra, read_only(x), read_only(p), out)
    return out


def _summed(users: Side, x: Float32, y: Float32, *, residual: bool) -> Float32:
    indptr, indices, extra, targets, _, unobserved = users.arrays
    total, part = np.zeros(y.shape), np.zeros(y.shape, dtype=np.float32)
    first, n_rows = 0, len(indptr) - 1
    while first < n_rows:
        last = int(np.searchsorted(indptr, indptr[first] + SUMMED, side="right")) - 1
        last = min(max(last, first + 1), n_rows)
        part.fill(0)
        _add_products(
            indptr,
            indices,
            extra,
            targets,
            unobserved,
            read_only(x),
            read_only(y),
            residual,
            first,
            last,
            part,
        )
        total += part
        first = last
    return total.astype(np.float32)


@jit(fastmath=True)  # as in gather: sums in any order, of finite numbers
def _add_products(
    indptr: Int64,
    indices: Int32,
    extra: Float32,
    targets: Float32,
    unobserved: np.float32,
    x: Float32,
    y: Float32,
    residual: bool,
    first: int,
    last: int,
    out: Float32,
) -> None:
    """Add what the rows ``first .. last`` say of each item to its row of `out`."""
    scores = np.empty(CHUNK, dtype=np.float32)
    d = x.shape[1]
    for row in range(first, last):
        mine = x[row]
        for begin in range(indptr[row], indptr[row + 1], CHUNK):
            n = min(CHUNK, indptr[row + 1] - begin)
            ids, weights = indices[begin : begin + n], extra[begin : begin + n]
            dots(y, ids, mine, scores[:n])
            for j in range(n):
                pull = weights[j] * scores[j]
                if residual:
                    target = targets[begin + j] if len(targets) else np.float32(1)
                    pull = (unobserved + weights[j]) * target - pull
                item = out[ids[j]]
                for k in range(d):
                    item[k] += pull * mine[k]


@jit()
def _add_squares(indptr: Int64, indices: Int32, extra: Float32, x: Float32, p: Float32, out: Float64) -> None:
    """Add ``extra * (x.p)**2`` of every entry to its item's place in `out`."""
    scores = np.empty(CHUNK, dtype=np.float32)
    for row in range(len(indptr) - 1):
        for begin in range(indptr[row], indptr[row + 1], CHUNK):
            n = min(CHUNK, indptr[row + 1] - begin)
            ids = indices[begin : begin + n]
            dots(p, ids, x[row], scores[:n])
            for j in range(n):
                score = np.float64(scores[j])
                out[ids[j]] += np.float64(extra[begin + j]) * score * score
