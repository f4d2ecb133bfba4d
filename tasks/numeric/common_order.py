"""Top-K where one order serves all rows and each row lifts a few entries of its own out of it.

Popularity and personal frequency score like that: nothing needs a dense block of scores.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Mask
from tasks.numeric.best import is_allowed, is_worse, replace_worst, sort_best
from tasks.numeric.exclusion import check_exclude, denied_mask, take_rows
from tasks.numeric.jit import jit
from tasks.numeric.parallel import for_each_block

BLOCK_ROWS = 1024


@dataclass(frozen=True, eq=False)
class CommonOrder:
    """Score of (row, candidate): ``row_level + level - drop``, or ``row_level + level + value`` if own.

    Parameters
    ----------
    level
        float64 (n_candidates,).
    row_level
        float64 (n_rows,).
    own
        (n_rows, n_candidates): the entries that are lifted, with their values.
    drop
        What all other candidates lose.

    """

    level: npt.NDArray[np.float64]
    row_level: npt.NDArray[np.float64]
    own: Csr
    drop: float

    @classmethod
    def of(
        cls, name: str, level: npt.NDArray[np.floating], n_rows: int, own: Csr, drop: float
    ) -> "CommonOrder":
        """Candidates differ, rows are alike but for their own entries; ValueError, with `name`, for NaN."""
        return cls(_numbers(name, level), np.zeros(n_rows), own, drop)

    @classmethod
    def turned(
        cls, name: str, row_level: npt.NDArray[np.floating], n_candidates: int, own: Csr, drop: float
    ) -> "CommonOrder":
        """Rows differ, candidates are alike: the same scores seen from the other side."""
        return cls(np.zeros(n_candidates), _numbers(name, row_level), own, drop)

    def best(
        self,
        rows: npt.NDArray[np.integer],
        k: int,
        *,
        exclude: Csr | None = None,
        allow: Mask | None = None,
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Top-k of some rows; `exclude` (n_rows, n_candidates) belongs to all rows, `allow` to candidates."""
        n_candidates = len(self.level)
        excluded = None if exclude is None else take_rows(exclude, rows)
        indptr, indices = check_exclude(excluded, (len(rows), n_candidates))
        denied = denied_mask(None if allow is None else ~allow, n_candidates)
        own = take_rows(self.own, rows)
        row_level = self.row_level[rows]
        # Stable, so equal levels stay in the order of their codes.
        order = np.argsort(-self.level, kind="stable").astype(np.int32)
        best_scores = np.full((len(rows), k), -np.inf)
        best_codes = np.full((len(rows), k), -1, dtype=np.int32)

        def work(block: int) -> None:
            part = slice(block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, len(rows)))
            starts = slice(part.start, part.stop + 1)
            keep_best_of_common_order(
                order,
                self.level,
                row_level[part],
                self.drop,
                own.indptr[starts],
                own.indices,
                own.values,
                indptr[starts],
                indices,
                denied,
                best_scores[part],
                best_codes[part],
            )
            sort_best(best_scores[part], best_codes[part])

        for_each_block(work, -(-len(rows) // BLOCK_ROWS))
        return best_codes, best_scores.astype(np.float32)


def by_column(csr: Csr) -> Csr:
    """The transpose."""
    turned: Any = csr.to_scipy().tocsc()
    return Csr(
        turned.indptr.astype(np.int64),
        turned.indices.astype(np.int32, copy=False),
        turned.data.astype(np.float32, copy=False),
        csr.shape[0],
    )


def no_entries(shape: tuple[int, int]) -> Csr:
    """An empty matrix."""
    return Csr(
        np.zeros(shape[0] + 1, dtype=np.int64),
        np.zeros(0, dtype=np.int32),
        np.zeros(0, dtype=np.float32),
        shape[1],
    )


@jit()
def keep_best_of_common_order(
    order: Any,
    level: Any,
    row_level: Any,
    drop: float,
    own_indptr: Any,
    own_indices: Any,
    own_values: Any,
    indptr: Any,
    indices: Any,
    denied: Any,
    best_scores: Any,
    best_codes: Any,
) -> None:
    """Fill the heaps (n_rows, k): own entries first, then the common order until nothing can enter."""
    none_denied = denied[:0]
    for r in range(len(row_level)):
        excluded = indices[indptr[r] : indptr[r + 1]]
        mine = own_indices[own_indptr[r] : own_indptr[r + 1]]
        heap_scores, heap_codes = best_scores[r], best_codes[r]
        for e in range(own_indptr[r], own_indptr[r + 1]):
            code = own_indices[e]
            # The sum in the order of the dense scores, to the last bit.
            score = (row_level[r] + level[code]) + own_values[e]
            if is_worse(heap_scores[0], heap_codes[0], score, code) and is_allowed(code, excluded, denied):
                replace_worst(heap_scores, heap_codes, score, code)
        for code in order:
            score = (row_level[r] + level[code]) - drop
            if heap_codes[0] >= 0 and not is_worse(heap_scores[0], heap_codes[0], score, code):
                break
            if is_allowed(code, mine, none_denied) and is_allowed(code, excluded, denied):
                replace_worst(heap_scores, heap_codes, score, code)


def _numbers(name: str, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    if np.isnan(values).any():
        raise ValueError(f"{name} holds {int(np.isnan(values).sum())} NaN; every score must be a number")
    return values.astype(np.float64, copy=False)
