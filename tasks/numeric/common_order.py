"""Top-K where one order serves all rows and each row lifts a few entries of its own out of it.

Popularity and personal frequency score like that: nothing needs a dense block of scores.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Mask
from tasks.numeric.best import is_worse, replace_worst, sort_best
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
        order, place = self._allowed(denied_mask(None if allow is None else ~allow, n_candidates))
        level = self.level[order]
        own = take_rows(self.own, rows)
        row_level = self.row_level[rows]
        best_scores = np.full((len(rows), k), -np.inf, dtype=np.float32)
        best_codes = np.full((len(rows), k), -1, dtype=np.int32)

        def work(block: int) -> None:
            part = slice(block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, len(rows)))
            starts = slice(part.start, part.stop + 1)
            merge_into_common_order(
                order,
                level,
                place,
                self.level,
                row_level[part],
                self.drop,
                own.indptr[starts],
                own.indices,
                own.values,
                indptr[starts],
                indices,
                best_scores[part],
                best_codes[part],
            )

        for_each_block(work, -(-len(rows) // BLOCK_ROWS))
        return best_codes, best_scores

    @cached_property
    def _order(self) -> npt.NDArray[np.int32]:
        """Every candidate, best first: sorted once for many batches of rows."""
        # Stable, so equal scores stay in the order of their codes; by the score, whose rounding may make equals.
        return np.argsort(-(self.level - self.drop), kind="stable").astype(np.int32)

    def _allowed(self, denied: Mask) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The order without what is denied, and each candidate's place in it, (n_candidates,); denied: its length."""
        order = self._order[~denied[self._order]] if len(denied) else self._order
        place = np.full(len(self.level), len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return order, place


def rank_fractions(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Scores as ranks in [0, 1), float64: the same order, ties by the lower code, and never a whole count apart."""
    rising = np.lexsort((-np.arange(len(scores)), scores))
    ranks = np.empty(len(scores))
    ranks[rising] = np.arange(len(scores)) / max(len(scores), 1)
    return ranks


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
def merge_into_common_order(
    order: Any,
    ordered_level: Any,
    place: Any,
    level: Any,
    row_level: Any,
    drop: float,
    own_indptr: Any,
    own_indices: Any,
    own_values: Any,
    indptr: Any,
    indices: Any,
    best_scores: Any,
    best_codes: Any,
) -> None:
    """Fill lists (n_rows, k) that hold -inf and -1, best first: own entries merged into the common order.

    ``order`` and its ``ordered_level`` hold the allowed candidates; ``place[code]`` is where in it, or its length.
    A row costs its own and its excluded entries plus k: neither the catalogue nor a logarithm of anything.
    """
    n_rows, k = best_scores.shape
    n_allowed = len(order)
    # The last row (counted from 1) whose own or excluded entry stands at a place; the last place is for denied ones.
    marked = np.zeros(n_allowed + 1, dtype=np.int32)
    mine_scores, mine_codes = np.empty((1, k)), np.empty((1, k), dtype=np.int32)
    for r in range(n_rows):
        for e in range(indptr[r], indptr[r + 1]):
            marked[place[indices[e]]] = r + 1
        marked[n_allowed] = r + 1
        mine = slice(own_indptr[r], own_indptr[r + 1])
        n_mine = _best_own(
            own_indices[mine],
            own_values[mine],
            place,
            level,
            row_level[r],
            marked,
            r + 1,
            mine_scores,
            mine_codes,
        )
        m, at = 0, 0
        for slot in range(k):
            while at < n_allowed and marked[at] == r + 1:
                at += 1
            score = -np.inf if at == n_allowed else (row_level[r] + ordered_level[at]) - drop
            if m < n_mine and (
                at == n_allowed or is_worse(score, order[at], mine_scores[0, m], mine_codes[0, m])
            ):
                best_scores[r, slot], best_codes[r, slot] = mine_scores[0, m], mine_codes[0, m]
                m += 1
            elif at < n_allowed:
                best_scores[r, slot], best_codes[r, slot] = score, order[at]
                at += 1
            else:
                break


@jit()
def _best_own(
    codes: Any,
    values: Any,
    place: Any,
    level: Any,
    row_level: float,
    marked: Any,
    mark: int,
    scores: Any,
    kept: Any,
) -> int:
    """Put the best own entries that are not marked yet into (1, k) slots, best first, and mark all; how many."""
    size = min(scores.shape[1], len(codes))
    best_scores, best_codes = scores[:, :size], kept[:, :size]
    best_scores[:], best_codes[:] = -np.inf, -1
    n_found = 0
    for e in range(len(codes)):
        code = codes[e]
        if marked[place[code]] == mark:
            continue
        marked[place[code]] = mark
        n_found += 1
        # The sum in the order of the dense scores, to the last bit.
        score = (row_level + level[code]) + values[e]
        if is_worse(best_scores[0, 0], best_codes[0, 0], score, code):
            replace_worst(best_scores[0], best_codes[0], score, code)
    if size > 1:
        sort_best(best_scores, best_codes)
    return min(n_found, size)


def _numbers(name: str, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    if np.isnan(values).any():
        raise ValueError(f"{name} holds {int(np.isnan(values).sum())} NaN; every score must be a number")
    return values.astype(np.float64, copy=False)
