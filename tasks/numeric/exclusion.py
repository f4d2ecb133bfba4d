"""What a list must not hold: excluded codes by row, and a denied part of the catalogue."""

from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.csr import entry_rows, marked, ranges
from tasks.numeric.jit import jit


def check_k(k: int, n_candidates: int) -> None:
    """ValueError unless 1 <= k <= n_candidates."""
    if not 1 <= k <= n_candidates:
        raise ValueError(f"k must be between 1 and the {n_candidates} candidates; got {k}")


def check_exclude(
    exclude: Csr | None, shape: tuple[int, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """(indptr, indices) of `exclude`, or of an empty one; ValueError if it does not fit `shape` or rise."""
    if exclude is None:
        return np.zeros(shape[0] + 1, dtype=np.int64), np.zeros(0, dtype=np.int32)
    if exclude.shape != shape:
        raise ValueError(f"exclude must have shape {shape}; got {exclude.shape}")
    bad = first_row_that_falls(exclude.indptr, exclude.indices, shape[1])
    if bad >= 0:
        raise ValueError(f"row {bad} of exclude must hold rising codes below {shape[1]}; sort it first")
    return exclude.indptr, exclude.indices


def denied_mask(deny: npt.ArrayLike | None, n_items: int) -> npt.NDArray[np.bool_]:
    """A bool mask (n_items,) from a mask or codes; empty where nothing is denied."""
    if deny is None:
        return np.zeros(0, dtype=np.bool_)
    given = np.asarray(deny)
    if given.dtype == np.bool_:
        if given.shape != (n_items,):
            raise ValueError(f"deny as a mask must have shape ({n_items},); got {given.shape}")
        return given
    if given.size and (given.min() < 0 or given.max() >= n_items):
        raise ValueError(f"deny holds codes {given.min()} to {given.max()}; expected 0 to {n_items - 1}")
    mask = np.zeros(n_items, dtype=np.bool_)
    mask[given.astype(np.int64)] = True
    return mask


def take_rows(csr: Csr, rows: npt.NDArray[np.integer]) -> Csr:
    """Some rows, in the order given, as a Csr of their own."""
    starts = csr.indptr[rows]
    lengths = csr.indptr[np.asarray(rows, dtype=np.int64) + 1] - starts
    indptr = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    if len(rows) and (np.diff(rows) == 1).all():
        entries: Any = slice(int(starts[0]), int(starts[0] + indptr[-1]))
    else:
        entries = ranges(starts, lengths)
    return Csr(indptr, csr.indices[entries], csr.values[entries], csr.n_cols)


def union(one: Csr, other: Csr) -> Csr:
    """Entries of either matrix, of the same shape; all values are 1."""
    rows = np.concatenate([entry_rows(each) for each in (one, other)])
    return marked(rows, np.concatenate([one.indices, other.indices]), one.shape[0], one.n_cols)


@jit()
def first_row_that_falls(indptr: Any, indices: Any, n_cols: int) -> int:
    """First row whose codes do not rise strictly within [0, n_cols), or -1."""
    for r in range(len(indptr) - 1):
        last = -1
        for e in range(indptr[r], indptr[r + 1]):
            if indices[e] <= last or indices[e] >= n_cols:
                return r
            last = indices[e]
    return -1
