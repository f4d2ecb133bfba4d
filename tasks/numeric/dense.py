"""Ranking for any scorer that can fill a block of scores: simple, and its cost is users x items."""

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Codes, Lists, Mask, Scores
from tasks.numeric.best import keep_best_columns, sort_best
from tasks.numeric.exclusion import check_exclude, denied_mask, take_rows
from tasks.numeric.parallel import for_each_block
from tasks.numeric.topk import select_top_k

DENSE_BYTES = 64 << 20
"""A dense block of scores is at most this large."""

COLUMNS_PER_THREAD = 1024


class DenseScorer:
    """Base of scorers that are ranked from blocks of dense scores.

    A subclass, a frozen dataclass, has ``shape``, ``cold_start`` and ``scores`` as
    :class:`data_contracts.scoring.Scorer` describes them, and inherits the two rankings. Nothing depends on
    how users are cut into blocks as far as its own scores do not.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        raise NotImplementedError

    @property
    def cold_start(self) -> Scores | None:
        """No opinion on unknown users, unless a subclass has one."""
        return None

    def scores(self, user_codes: Codes) -> Scores:
        """Scores of all items for some known users, (len(user_codes), n_items)."""
        raise NotImplementedError

    def top_k(
        self, user_codes: Codes, k: int, *, exclude: Csr | None = None, allow: Mask | None = None
    ) -> Lists:
        """Best items of some users; raises ValueError where a score is NaN."""
        codes = np.asarray(user_codes, dtype=np.int64)
        deny = None if allow is None else ~allow
        items = np.full((len(codes), k), -1, dtype=np.int32)
        scores = np.full((len(codes), k), -np.inf, dtype=np.float32)
        step = max(1, DENSE_BYTES // (8 * self.shape[1]))
        for first in range(0, len(codes), step):
            rows = slice(first, min(first + step, len(codes)))
            mine = None if exclude is None else take_rows(exclude, codes[rows])
            items[rows], scores[rows] = select_top_k(self.scores(codes[rows]), k, exclude=mine, deny=deny)
        return items, scores

    def top_users(self, item_codes: Codes, k: int, *, exclude: Csr | None = None) -> Lists:
        """Best users of some items, from dense blocks of users, which come in rising order for ties."""
        codes = np.asarray(item_codes, dtype=np.int64)
        n_users, n_items = self.shape
        theirs = None if exclude is None else take_rows(exclude, codes)
        indptr, indices = check_exclude(theirs, (len(codes), n_users))
        none_denied = denied_mask(None, n_users)
        best_scores = np.full((len(codes), k), -np.inf)
        best_codes = np.full((len(codes), k), -1, dtype=np.int32)
        step = max(1, DENSE_BYTES // (8 * n_items))
        for first in range(0, n_users, step):
            block = self.scores(np.arange(first, min(first + step, n_users)))

            def work(number: int, block: npt.NDArray[np.floating] = block, first: int = first) -> None:
                part = slice(number * COLUMNS_PER_THREAD, (number + 1) * COLUMNS_PER_THREAD)
                scores = np.ascontiguousarray(block[:, codes[part]], dtype=np.float64)
                starts = indptr[part.start : part.stop + 1]
                if not keep_best_columns(
                    scores, first, starts, indices, none_denied, best_scores[part], best_codes[part]
                ):
                    raise ValueError(
                        f"scores of users from code {first} on hold NaN; every score must be a number"
                    )

            for_each_block(work, -(-len(codes) // COLUMNS_PER_THREAD))
        sort_best(best_scores, best_codes)
        return best_codes, best_scores.astype(np.float32)
