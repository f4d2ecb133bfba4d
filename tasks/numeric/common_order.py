"""Top-K where one order serves all rows and each row lifts a few entries of its own out of it.

Popularity and personal frequency score like that: nothing needs a dense block of scores.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import ItemScores, PersonalScores
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

    def best(
        self, rows: npt.NDArray[np.integer], k: int, *, exclude: Csr | None, deny: npt.ArrayLike | None
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Top-k of some rows; row j of `exclude` belongs to ``rows[j]``."""
        n_candidates = len(self.level)
        indptr, indices = check_exclude(exclude, (len(rows), n_candidates))
        denied = denied_mask(deny, n_candidates)
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


def items_for_users(scorer: ItemScores | PersonalScores) -> CommonOrder:
    """Rows are users, candidates are items."""
    n_users, n_items = scorer.shape
    if isinstance(scorer, PersonalScores):
        return CommonOrder(_numbers("fill", scorer.fill), np.zeros(n_users), scorer.own, 1.0)
    return CommonOrder(_numbers("items", scorer.items), np.zeros(n_users), _nothing(n_users, n_items), 0.0)


def users_for_items(scorer: ItemScores | PersonalScores) -> CommonOrder:
    """Rows are items, candidates are users."""
    n_users, n_items = scorer.shape
    if isinstance(scorer, PersonalScores):
        owners: Any = scorer.own.to_scipy().tocsc()
        own = Csr(
            owners.indptr.astype(np.int64),
            owners.indices.astype(np.int32, copy=False),
            owners.data.astype(np.float32, copy=False),
            n_users,
        )
        return CommonOrder(np.zeros(n_users), _numbers("fill", scorer.fill), own, 1.0)
    return CommonOrder(np.zeros(n_users), _numbers("items", scorer.items), _nothing(n_items, n_users), 0.0)


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
    nobody = denied[:0]
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
            if is_allowed(code, mine, nobody) and is_allowed(code, excluded, denied):
                replace_worst(heap_scores, heap_codes, score, code)


def _numbers(name: str, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    if np.isnan(values).any():
        raise ValueError(f"{name} holds {int(np.isnan(values).sum())} NaN; every score must be a number")
    return values.astype(np.float64, copy=False)


def _nothing(n_rows: int, n_cols: int) -> Csr:
    return Csr(
        np.zeros(n_rows + 1, dtype=np.int64),
        np.zeros(0, dtype=np.int32),
        np.zeros(0, dtype=np.float32),
        n_cols,
    )
