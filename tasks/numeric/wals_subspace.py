"""WALS rows by exact steps in one block of factors after the other: iALS++.

S. Rendle, W. Krichene, L. Zhang, Y. Koren: iALS++: Speeding up Matrix Factorization with Subspace
Optimization, arXiv 2110.14044. As in :mod:`tasks.numeric.wals_cg` the fixed factors come in the
eigenbasis of their Gramian, where only the observed entries couple one block to another.
"""

import numpy as np
import numpy.typing as npt

from tasks.numeric.gather import dot, dots
from tasks.numeric.jit import jit
from tasks.numeric.wals_exact import solve_factorised

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

GATHERED = 512
"""Entries gathered at a time, so that memory stays small for the longest row."""


@jit()
def subspace_block(
    indptr: Int64,
    indices: Int32,
    extra: Float32,
    targets: Float32,
    regularization: Float32,
    unobserved_weight: np.float32,
    fixed: Float32,
    eigenvalues: Float32,
    units: Float32,
    first: int,
    x: Float32,
    width: int,
) -> None:
    """Improve the rows ``first .. first + len(x)`` in place by one sweep over blocks of `width` factors.

    The other parameters are those of :func:`tasks.numeric.wals_cg.cg_block`.

    Raises
    ------
    LinAlgError
        If the equations of a block are singular.

    """
    n_rows, d = x.shape
    longest = 0
    for line in range(n_rows):
        longest = max(longest, indptr[first + line + 1] - indptr[first + line])
    scores = np.empty(longest, dtype=np.float32)
    diagonal = np.empty(d, dtype=np.float32)
    for line in range(n_rows):
        begin, end = indptr[first + line], indptr[first + line + 1]
        if begin == end:
            x[line, :] = 0
            continue
        for k in range(d):
            diagonal[k] = unobserved_weight * eigenvalues[k] + regularization[first + line] * units[k]
        ids, weights, known = indices[begin:end], extra[begin:end], scores[: end - begin]
        aims = targets[begin:end] if len(targets) else targets
        dots(fixed, ids, x[line], known)
        for left in range(0, d, width):
            part = slice(left, min(left + width, d))
            _newton_step(fixed, ids, weights, aims, unobserved_weight, diagonal, x[line], known, part)


@jit()
def _newton_step(
    rows: Float32,
    ids: Int32,
    extra: Float32,
    targets: Float32,
    unobserved_weight: np.float32,
    diagonal: Float32,
    x: Float32,
    scores: Float32,
    part: slice,
) -> None:
    """Minimise over a part of the factors in `x`; keep `scores` up to date."""
    d = part.stop - part.start
    diagonal, x = diagonal[part], x[part]
    # In float64: beside heavy entries the diagonal is below the rounding errors of float32.
    matrix, step = np.diag(diagonal.astype(np.float64)), np.empty(d)
    for k in range(d):
        step[k] = -np.float64(diagonal[k]) * x[k]
    scaled = np.empty((min(len(ids), GATHERED), d))
    for begin in range(0, len(ids), GATHERED):
        n = min(GATHERED, len(ids) - begin)
        for j in range(n):
            row, weight = rows[ids[begin + j]][part], extra[begin + j]
            target = targets[begin + j] if len(targets) else np.float32(1)
            pull = (np.float64(unobserved_weight) + weight) * target - np.float64(weight) * scores[begin + j]
            root = np.sqrt(np.float64(weight))
            for k in range(d):
                scaled[j, k] = root * row[k]
                step[k] += pull * row[k]
        gathered = scaled[:n]
        matrix += np.dot(gathered.T, gathered)
    solve_factorised(np.linalg.cholesky(matrix), step)
    change = step.astype(np.float32)
    for k in range(d):
        x[k] += change[k]
    for j in range(len(ids)):
        scores[j] += dot(rows[ids[j]][part], change)
