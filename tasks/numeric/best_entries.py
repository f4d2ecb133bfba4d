"""Which entries of sparse rows are kept: the best few of each, and those of columns that the row had before."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.numeric.best import is_worse, replace_worst
from tasks.numeric.jit import jit


def best_entries(scores: Any, past: Any, n: int) -> npt.NDArray[np.bool_]:
    """Mark the entries to keep; nothing is sorted, so that a row costs its entries.

    Parameters
    ----------
    scores
        scipy CSR (n_rows, n_cols) without duplicates, in any order within a row.
    past
        scipy CSR (n_rows, n_cols): what each row had before.
    n
        So many of the highest numbers of each row are kept, ties by the lower column, those of its past besides.

    Returns
    -------
    bool (n_entries,); what is not above 0 as float32 is never kept.

    """
    kept = np.zeros(len(scores.data), np.bool_)
    _mark(scores.indptr, scores.indices, scores.data, past.indptr, past.indices, scores.shape[1], n, kept)
    return kept


@jit()
def _mark(
    indptr: Any,
    indices: Any,
    values: Any,
    past_indptr: Any,
    past_indices: Any,
    n_cols: int,
    n: int,
    kept: npt.NDArray[np.bool_],
) -> None:
    had = np.zeros(n_cols, np.int64)
    best, codes = np.empty(n), np.empty(n, np.int32)
    for row in range(len(indptr) - 1):
        for at in range(past_indptr[row], past_indptr[row + 1]):
            had[past_indices[at]] = row + 1
        best[:], codes[:] = -np.inf, -1
        for at in range(indptr[row], indptr[row + 1]):
            code, value = indices[at], np.float64(values[at])
            if np.float32(value) <= 0:
                continue
            if had[code] == row + 1:
                kept[at] = True
            elif is_worse(best[0], codes[0], value, code):
                replace_worst(best, codes, value, code)
        for at in range(indptr[row], indptr[row + 1]):
            code, value = indices[at], np.float64(values[at])
            if (
                had[code] != row + 1
                and np.float32(value) > 0
                and not is_worse(value, code, best[0], codes[0])
            ):
                kept[at] = True
