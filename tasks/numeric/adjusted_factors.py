"""Factors with numbers of their own for some pairs: what a product cannot say, such as that an item was taken before."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Codes, Lists, Mask, Scores
from tasks.numeric.best import exact_score, is_allowed, is_worse, replace_worst, sort_best
from tasks.numeric.catalogue import BLOCK_ROWS, Catalogue
from tasks.numeric.csr import entry_rows
from tasks.numeric.exclusion import check_exclude, take_rows, union
from tasks.numeric.jit import jit
from tasks.numeric.parallel import for_each_block
from tasks.numeric.scorers import Factors
from tasks.numeric.transpose import transposed

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class AdjustedFactors(Factors):
    """The score is that of :class:`Factors`, plus `added` where a pair has an entry.

    Parameters
    ----------
    added
        Csr (n_users, n_items), values of either sign; None adds nothing.

    """

    added: Csr | None = None

    def scores(self, user_codes: Codes) -> Scores:
        """Dense scores, float32 (len(user_codes), n_items)."""
        block = np.array(super().scores(user_codes), dtype=np.float32)
        if self.added is not None:
            mine = take_rows(self.added, user_codes)
            block[entry_rows(mine), mine.indices] += mine.values
        return block

    def top_k(
        self, user_codes: Codes, k: int, *, exclude: Csr | None = None, allow: Mask | None = None
    ) -> Lists:
        """Exact: the best of the other items by one product, and all items with an entry beside them."""
        if self.added is None:
            return super().top_k(user_codes, k, exclude=exclude, allow=allow)
        items = self._items if allow is None else self._items.allowing(allow)
        without = None if exclude is None else take_rows(exclude, user_codes)
        mine = take_rows(self.added, user_codes)
        denied = np.zeros(0, np.bool_) if allow is None else ~np.asarray(allow, np.bool_)
        return _best(items, self.user_factors[user_codes], k, mine, without, denied, None)

    def top_users(self, item_codes: Codes, k: int, *, exclude: Csr | None = None) -> Lists:
        """Exact, as :meth:`top_k`."""
        if self.added is None:
            return super().top_users(item_codes, k, exclude=exclude)
        offset = None if self.item_bias is None else self.item_bias[item_codes]
        without = None if exclude is None else take_rows(exclude, item_codes)
        theirs, nobody = take_rows(self._added_by_item, item_codes), np.zeros(0, np.bool_)
        return _best(self._users, self.item_factors[item_codes], k, theirs, without, nobody, offset)

    @cached_property
    def _added_by_item(self) -> Csr:
        assert self.added is not None
        return transposed(self.added)


def _best(
    catalogue: Catalogue,
    queries: Float32,
    k: int,
    own: Csr,
    without: Csr | None,
    denied: Mask,
    offset: Float32 | None,
) -> Lists:
    """Top-k of every query: its row of `own` is scored entry by entry, all else by the catalogue."""
    codes, scores = catalogue.best(
        queries, k, exclude=own if without is None else union(own, without), offset=offset
    )
    indptr, indices = check_exclude(without, own.shape)
    plus = np.zeros(len(queries), np.float32) if offset is None else offset

    def work(block: int) -> None:
        part = slice(block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, len(queries)))
        _offer_own(
            queries[part],
            catalogue.factors,
            catalogue.bias,
            plus[part],
            (own.indptr[part.start :], own.indices, own.values),
            (indptr[part.start :], indices, denied),
            scores[part],
            codes[part],
        )

    for_each_block(work, -(-len(queries) // BLOCK_ROWS))
    return codes, scores


@jit()
def _offer_own(
    queries: Any, candidates: Any, bias: Any, offset: Any, own: Any, without: Any, scores: Any, codes: Any
) -> None:
    """Merge each row's own entries into its list (n_rows, k), best first."""
    for r in range(len(queries)):
        excluded = without[1][without[0][r] : without[0][r + 1]]
        # The worst comes first: that is a heap.
        heap_scores, heap_codes = scores[r][::-1].copy(), codes[r][::-1].copy()
        for e in range(own[0][r], own[0][r + 1]):
            code = own[1][e]
            if not is_allowed(code, excluded, without[2]):
                continue
            plus = np.float64(offset[r]) + (np.float64(bias[code]) if len(bias) else 0.0)
            score = np.float32(exact_score(queries[r], candidates[code], plus) + own[2][e])
            if is_worse(heap_scores[0], heap_codes[0], score, code):
                replace_worst(heap_scores, heap_codes, score, code)
        scores[r], codes[r] = heap_scores, heap_codes
    sort_best(scores, codes)
