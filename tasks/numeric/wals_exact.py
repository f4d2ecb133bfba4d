"""WALS rows exactly, each by the Cholesky factorisation of its normal equations, in float64.

Hu, Koren, Volinsky: Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008.
"""

import numpy as np
import numpy.typing as npt

from tasks.numeric.jit import jit

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

GATHERED = 512
"""Entries gathered at a time, so that memory stays small for the longest row."""


@jit()
def exact_block(
    indptr: Int64,
    indices: Int32,
    extra: Float32,
    targets: Float32,
    regularization: Float32,
    unobserved_weight: np.float32,
    fixed: Float32,
    gramian: Float64,
    first: int,
    x: Float32,
    prior: Float32,
) -> None:
    """Solve the rows ``first .. first + len(x)`` into `x`.

    Parameters are those of :func:`tasks.numeric.wals_cg.cg_block`, but `fixed` may be in any basis and
    `gramian` is its Gramian, float64 (n_factors, n_factors). Empty rows without a prior become 0.

    Raises
    ------
    LinAlgError
        If a row's equations are singular.

    """
    n_rows, d = x.shape
    for line in range(n_rows):
        begin, end = indptr[first + line], indptr[first + line + 1]
        if begin == end and (not len(prior) or regularization[first + line] == 0):
            x[line, :] = 0
            continue
        matrix = unobserved_weight * gramian
        for k in range(d):
            matrix[k, k] += regularization[first + line]
        right = np.zeros(d)
        if len(prior):
            right += np.float64(regularization[first + line]) * prior[line]
        aims = targets[begin:end] if len(targets) else targets
        _add_entries(fixed, indices[begin:end], extra[begin:end], aims, unobserved_weight, matrix, right)
        solve_factorised(np.linalg.cholesky(matrix), right)
        for k in range(d):
            x[line, k] = right[k]


@jit()
def _add_entries(
    rows: Float32,
    ids: Int32,
    extra: Float32,
    targets: Float32,
    unobserved_weight: np.float32,
    matrix: Float64,
    right: Float64,
) -> None:
    """Add the observed entries of one row to its normal equations."""
    d = len(right)
    scaled = np.empty((min(len(ids), GATHERED), d))
    for begin in range(0, len(ids), GATHERED):
        n = min(GATHERED, len(ids) - begin)
        for j in range(n):
            weight = extra[begin + j]
            target = targets[begin + j] if len(targets) else np.float32(1)
            pull = (np.float64(unobserved_weight) + weight) * target
            root = np.sqrt(np.float64(weight))
            for k in range(d):
                scaled[j, k] = root * rows[ids[begin + j], k]
                right[k] += pull * rows[ids[begin + j], k]
        gathered = scaled[:n]
        matrix += np.dot(gathered.T, gathered)


@jit()
def solve_factorised(lower: Float64, right: Float64) -> None:
    """Solve ``lower @ lower.T @ x = right`` in place of `right`."""
    n = len(right)
    for i in range(n):
        for k in range(i):
            right[i] -= lower[i, k] * right[k]
        right[i] /= lower[i, i]
    for i in range(n - 1, -1, -1):
        right[i] /= lower[i, i]
        for k in range(i):
            right[k] -= lower[i, k] * right[i]
