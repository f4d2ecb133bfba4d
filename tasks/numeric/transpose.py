"""Turn items-for-user into users-for-item by one counting pass; rows come out sorted."""

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.jit import jit


def transpose(
    matrix: Csr, indices: npt.NDArray[np.generic], values: npt.NDArray[np.generic]
) -> npt.NDArray[np.int64]:
    """Write the transpose of `matrix` into given arrays.

    Parameters
    ----------
    matrix
        (n_rows, n_cols).
    indices, values
        int32 and float32 (nnz,), written; memory-mapped files are fine.

    Returns
    -------
    int64 (n_cols + 1,): the row pointers of the transpose.

    """
    if len(indices) != matrix.nnz or len(values) != matrix.nnz:
        raise ValueError(f"outputs must have {matrix.nnz} entries; got {len(indices)} and {len(values)}")
    indptr = np.zeros(matrix.n_cols + 1, np.int64)
    np.cumsum(np.bincount(matrix.indices, minlength=matrix.n_cols), out=indptr[1:])
    _scatter(matrix.indptr, matrix.indices, matrix.values, indptr[:-1].copy(), indices, values)
    return indptr


def transposed(matrix: Csr) -> Csr:
    """The transpose of `matrix` in memory."""
    indices, values = np.empty(matrix.nnz, np.int32), np.empty(matrix.nnz, np.float32)
    return Csr(transpose(matrix, indices, values), indices, values, matrix.shape[0])


@jit()
def _scatter(
    indptr: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int32],
    data: npt.NDArray[np.float32],
    free: npt.NDArray[np.int64],
    indices: npt.NDArray[np.int32],
    values: npt.NDArray[np.float32],
) -> None:
    # Rows are visited in order, so each column's row numbers arrive rising.
    for row in range(len(indptr) - 1):
        for at in range(indptr[row], indptr[row + 1]):
            place = free[columns[at]]
            indices[place] = row
            values[place] = data[at]
            free[columns[at]] = place + 1
