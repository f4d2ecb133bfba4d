"""Count what may be wrong with a CSR view, in one pass and without a copy of it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.jit import jit


class CsrFacts(NamedTuple):
    """What one pass over a CSR view finds."""

    falling_indptr: int
    """Steps of indptr below 0."""
    unsorted: int
    """Entries whose column is below the one before them in their row."""
    repeated: int
    """Entries whose column is that of the entry before them in their row."""
    min_index: int
    """Smallest column; 0 without entries."""
    max_index: int
    """Largest column; -1 without entries."""
    bad_values: int
    """Values that are NaN or infinite."""
    low_values: int
    """Values that are not above 0."""
    weight_sum: float
    """Sum of the finite values."""


def inspect(matrix: Csr) -> CsrFacts:
    """Look at every entry of a view, memory-mapped or not."""
    return CsrFacts(*_inspect(matrix.indptr, matrix.indices, matrix.values))


@jit()
def _inspect(
    indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32], values: npt.NDArray[np.float32]
) -> tuple[int, int, int, int, int, int, int, float]:
    falling = unsorted = repeated = bad = low = 0
    smallest = int(indices[0]) if len(indices) else 0
    largest, total = -1, 0.0
    for row in range(len(indptr) - 1):
        falling += indptr[row + 1] < indptr[row]
        for at in range(indptr[row], indptr[row + 1]):
            index = int(indices[at])
            smallest, largest = min(smallest, index), max(largest, index)
            if at > indptr[row]:
                unsorted += index < indices[at - 1]
                repeated += index == indices[at - 1]
            low += values[at] <= 0
            if np.isfinite(values[at]):
                total += values[at]
            else:
                bad += 1
    return falling, unsorted, repeated, smallest, largest, bad, low, total
