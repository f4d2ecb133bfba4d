"""WALS rows by preconditioned conjugate gradients, in the basis where the Gramian is diagonal.

Takacs, Pilaszy, Tikk: Applications of the Conjugate Gradient Method for Implicit Feedback
Collaborative Filtering, RecSys 2011, solve each row's normal equations with some warm-started steps.
Here the fixed factors are rotated into the eigenbasis of their Gramian first: the dense part of every
row's matrix is then a diagonal, which costs nothing to multiply with and is its own preconditioner.
"""

import numpy as np
import numpy.typing as npt

from tasks.numeric.gather import CHUNK, Rows, add_rows, add_scaled, dot, dots, weighted_dot
from tasks.numeric.jit import jit

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

TINY = np.float32(1e-30)
"""A squared residual that is nothing, with room to divide by it in float32."""

COMMON = np.float32(1e-12), np.float32(1e12)
"""Squared residuals between these need no other unit."""


@jit()
def cg_block(
    indptr: Int64,
    indices: Int32,
    extra: Float32,
    targets: Float32,
    regularization: Float32,
    unobserved_weight: np.float32,
    fixed: Rows,
    sizes: Float32,
    eigenvalues: Float32,
    units: Float32,
    first: int,
    x: Float32,
    prior: Float32,
    steps: int,
    tolerance: np.float32,
) -> None:
    """Improve the rows ``first .. first + len(x)``, in place.

    Parameters
    ----------
    indptr, indices
        All rows: int64 (n_rows + 1,), int32 (n_entries,).
    extra, targets
        float32 (n_entries,): weight above `unobserved_weight`; target, or empty where all are 1.
    regularization
        float32 (n_rows,).
    unobserved_weight
        Weight of what was not observed.
    fixed, sizes, eigenvalues, units
        The fields of :class:`tasks.numeric.gramian.Rotated`.
    first
        Row that ``x[0]`` belongs to.
    x
        float32 (rows, n_factors): start in, solution out, in the same basis. Empty rows get their solution at once.
    prior
        float32 (rows, n_factors): what regularization pulls to, in the same basis; empty where that is 0.
    steps
        Conjugate gradient steps per row at most.
    tolerance
        A row is done when its squared residual has fallen to this share of where it began.

    """
    n_rows, d = x.shape
    work = np.empty((4, d), dtype=np.float32)
    diagonal, pull = np.empty(d, dtype=np.float32), np.zeros(d, dtype=np.float32)
    longest = 0
    for line in range(n_rows):
        longest = max(longest, indptr[first + line + 1] - indptr[first + line])
    heavy, aims = np.empty(longest, dtype=np.float32), np.empty(longest, dtype=np.float32)
    for line in range(n_rows):
        begin, end = indptr[first + line], indptr[first + line + 1]
        for k in range(d):
            diagonal[k] = unobserved_weight * eigenvalues[k] + regularization[first + line] * units[k]
        if len(prior):
            for k in range(d):
                pull[k] = regularization[first + line] * units[k] * prior[line, k]
        if begin == end:
            for k in range(d):
                x[line, k] = pull[k] / diagonal[k] if diagonal[k] > 0 else np.float32(0)
            continue
        ids = indices[begin:end]
        _weigh(sizes, ids, begin, extra, targets, unobserved_weight, heavy, aims)
        _residual(fixed, ids, heavy, aims, diagonal, pull, x[line], work[0])
        _conjugate_gradients(fixed, ids, heavy, diagonal, x[line], work, steps, tolerance)


@jit(fastmath=True)
def _weigh(
    sizes: Float32,
    ids: Int32,
    begin: int,
    extra: Float32,
    targets: Float32,
    unobserved_weight: np.float32,
    weights: Float32,
    wanted: Float32,
) -> None:
    """What a row's entries weigh and ask for, in the steps of the fixed rows, into `weights` and `wanted`."""
    for j in range(len(ids)):
        # Unsigned: numba need not look for places counted from the end.
        size, at = sizes[np.uint32(ids[j])], np.uint64(begin + j)
        target = targets[at] if len(targets) else np.float32(1)
        weights[j] = extra[at] * size * size
        wanted[j] = (unobserved_weight + extra[at]) * target * size


@jit(fastmath=True)  # as in gather: 10 % of the whole solver
def _residual(
    rows: Rows,
    ids: Int32,
    extra: Float32,
    wanted: Float32,
    diagonal: Float32,
    pull: Float32,
    x: Float32,
    out: Float32,
) -> None:
    """Right-hand side minus matrix times `x`, into `out`."""
    scores = np.empty(CHUNK, dtype=np.float32)
    largest = np.float32(0)
    for k in range(len(x)):
        out[k] = pull[k] - diagonal[k] * x[k]
        largest = max(largest, abs(x[k]))
    for begin in range(0, len(ids), CHUNK):
        chunk = slice(begin, min(begin + CHUNK, len(ids)))
        pulls, weights, aims = scores[: chunk.stop - begin], extra[chunk], wanted[chunk]
        if largest == 0:  # from nothing, as always on a cluster: half of the work
            pulls[:] = aims
        else:
            dots(rows, ids[chunk], x, pulls)
            for j in range(len(pulls)):
                pulls[j] = aims[j] - weights[j] * pulls[j]
        add_rows(rows, ids[chunk], pulls, out)


@jit()
def _conjugate_gradients(
    rows: Rows,
    ids: Int32,
    extra: Float32,
    diagonal: Float32,
    x: Float32,
    work: Float32,
    steps: int,
    tolerance: np.float32,
) -> None:
    """Run the steps from the residual in ``work[0]``; the rest of `work` is scratch."""
    # One by one: numba unpacks an array into views of unknown stride, and the loops run 2.5 times slower.
    residual, direction, product, inverse = work[0], work[1], work[2], work[3]
    for k in range(len(x)):
        # Without regularization and unobserved weight the diagonal may be 0: then no preconditioner.
        inverse[k] = 1 / diagonal[k] if diagonal[k] > 0 else np.float32(1)
        direction[k] = inverse[k] * residual[k]
    error = dot(residual, direction)
    largest = np.float32(1)
    if not COMMON[0] < error < COMMON[1]:
        largest = _rescale(residual, inverse, direction)
        error = dot(residual, direction)
    enough = max(tolerance * error, TINY)
    for step in range(steps):
        if error <= enough:
            break
        final = step == steps - 1
        curvature = _multiply(rows, ids, extra, diagonal, direction, product, final)
        if curvature <= 0:
            break
        length = error / curvature
        add_scaled(x, length * largest, direction)
        if final:
            break
        add_scaled(residual, -length, product)
        before, error = error, weighted_dot(inverse, residual, residual)
        for k in range(len(x)):
            direction[k] = inverse[k] * residual[k] + (error / before) * direction[k]


@jit()
def _rescale(residual: Float32, inverse: Float32, direction: Float32) -> np.float32:
    """Make the largest part of `residual` and of the preconditioner `inverse` 1; returns what the former was.

    The steps are the same in any unit, but their squares leave the range of float32 where entries are very
    heavy or factors very small.
    """
    largest, strongest = np.float32(0), np.float32(0)
    for k in range(len(residual)):
        largest, strongest = max(largest, abs(residual[k])), max(strongest, inverse[k])
    if largest > 0:
        for k in range(len(residual)):
            residual[k] /= largest
            inverse[k] /= strongest
            direction[k] = inverse[k] * residual[k]
    return largest


@jit(fastmath=True)  # as in gather
def _multiply(
    rows: Rows,
    ids: Int32,
    extra: Float32,
    diagonal: Float32,
    direction: Float32,
    product: Float32,
    final: bool,
) -> np.float32:
    """Matrix times `direction` into `product`; returns ``direction . product``.

    The final step needs the return value alone, which is half of the work.
    """
    scores = np.empty(CHUNK, dtype=np.float32)
    curvature = weighted_dot(diagonal, direction, direction)
    for k in range(len(direction)):
        product[k] = diagonal[k] * direction[k]
    for begin in range(0, len(ids), CHUNK):
        chunk = slice(begin, min(begin + CHUNK, len(ids)))
        pulls, weights = scores[: chunk.stop - begin], extra[chunk]
        dots(rows, ids[chunk], direction, pulls)
        curvature += weighted_dot(weights, pulls, pulls)
        if not final:
            for j in range(len(pulls)):
                pulls[j] *= weights[j]
            add_rows(rows, ids[chunk], pulls, product)
    return curvature
