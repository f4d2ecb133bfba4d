"""Models whose scores are sparse: a user gets numbers for some items, and everything else comes in order of popularity."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix, History
from tasks.numeric.best_entries import best_entries
from tasks.numeric.common_order import rank_fractions
from tasks.numeric.csr import ranges
from tasks.numeric.parallel import for_each_block
from tasks.numeric.scorers import PersonalScores

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

LEAST_FILL: Final = 1e-6
"""Worth of the fill at least: below it float64 could not tell the places of a large catalogue apart."""

BLOCK_ENTRIES: Final = 4_000_000
"""Entries of a block of sparse scores, at most, before the best of each row are kept."""

BLOCK_BYTES: Final = 60.0 * BLOCK_ENTRIES
"""What such a block takes at its height, sorting included."""


def sparse_scorer(
    matrix: GroupedMatrix,
    scores_of: Callable[[npt.NDArray[np.intp]], csr_matrix],
    width: int,
    n_kept: int,
    half_life_days: float,
) -> PersonalScores:
    """A scorer of the best numbers that each user has, filled up by recent popularity.

    Parameters
    ----------
    matrix
        What the model was trained on.
    scores_of
        Sparse scores of some users, (n_wanted, n_items), positive where there is one, without duplicates; called on
        several threads.
    width
        Entries that a row of them, or of what they are computed from, may have: for the size of the blocks.
    n_kept
        Best numbers kept per user, those of the user's own items besides.
    half_life_days
        Half-life of the popularity that orders everything else, and that unknown users get.

    """
    own = by_blocks(matrix.by_user, scores_of, width, n_kept)
    popular = matrix.item_events(half_life_days)
    return PersonalScores(own, below(own, popular), popular)


def below(own: Csr, popular: Float64) -> Float64:
    """Order of popularity, float64 (n_items,) in [0, 1).

    It is worth less than the smallest number of `own`, so that it decides between equals alone, or less than
    :data:`LEAST_FILL` where such a number is smaller than that.
    """
    return rank_fractions(popular) * max(LEAST_FILL, float(own.values.min(initial=1.0)))


def by_blocks(
    by_user: Csr, scores_of: Callable[[npt.NDArray[np.intp]], csr_matrix], width: int, n_kept: int
) -> Csr:
    """Sparse scores of all users, block by block: the best `n_kept` of each, and those of the user's own items."""
    return best_rows(scores_of, by_user.n_cols, width, n_kept, by_user.to_scipy())


def best_rows(
    scores_of: Callable[[npt.NDArray[np.intp]], csr_matrix],
    n_items: int,
    width: int,
    n_kept: int,
    past: Any = None,
) -> Csr:
    """Sparse rows, block by block: the best `n_kept` of each, and those that `past` (n_rows, n_items) has too.

    Without a past there are as many rows as items.
    """
    past = csr_matrix((n_items, n_items)) if past is None else past
    n_rows, size = past.shape[0], max(1, BLOCK_ENTRIES // max(1, width))
    kept: list[Any] = [None] * -(-n_rows // size)

    def work(block: int) -> None:
        rows = np.arange(block * size, min((block + 1) * size, n_rows))
        kept[block] = _best_of_rows(scores_of(rows), past[rows], n_kept)

    for_each_block(work, len(kept))
    return as_csr(kept, n_items)


def as_csr(blocks: list[Any], n_items: int) -> Csr:
    """Blocks of rows as one Csr."""
    lengths = np.concatenate([np.diff(each.indptr) for each in blocks]) if blocks else np.zeros(0, np.int64)
    return Csr(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([each.indices for each in blocks]).astype(np.int32)
        if blocks
        else np.zeros(0, np.int32),
        np.concatenate([each.data for each in blocks]).astype(np.float32)
        if blocks
        else np.zeros(0, np.float32),
        n_items,
    )


def _best_of_rows(scores: csr_matrix, past: Any, n: int) -> csr_matrix:
    """The n highest positive numbers of each row, ties by the lower code, and those of the row's own items."""
    keep = best_entries(scores, past, n)
    before = np.concatenate([[0], np.cumsum(keep)])
    kept = csr_matrix((scores.data[keep], scores.indices[keep], before[scores.indptr]), shape=scores.shape)
    kept.sort_indices()
    return kept


def reference_users(rows: csr_matrix, most: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Users with entries, to whom others are compared, rising: all, or a draw of `most` where there are more."""
    known = np.flatnonzero(np.diff(rows.indptr) > 0)
    return known if len(known) <= most else np.sort(rng.choice(known, most, replace=False))


def basket_numbers(history: History) -> Int64:
    """Number of each event's basket among all, rising: baskets of the log, or moments where it has none."""
    owner = np.repeat(np.arange(len(history.indptr) - 1), np.diff(history.indptr))
    mark = history.ages if history.baskets is None else history.baskets
    if not len(owner):
        return np.zeros(0, np.int64)
    begins = np.concatenate([[True], (owner[1:] != owner[:-1]) | (mark[1:] != mark[:-1])])
    return np.cumsum(begins) - 1


class Baskets:
    """The baskets of a history: distinct items of each, and whose each is.

    Parameters
    ----------
    history
        Of all users.
    n_items
        Number of item codes.

    """

    def __init__(self, history: History, n_items: int) -> None:
        numbers = basket_numbers(history)
        pairs = np.unique(numbers * n_items + history.items)
        self.basket, self.items = pairs // n_items, (pairs % n_items).astype(np.int32)
        n_baskets = int(numbers[-1]) + 1 if len(numbers) else 0
        users = np.repeat(np.arange(len(history.indptr) - 1), np.diff(history.indptr))
        self.owner = np.zeros(n_baskets, np.int64)
        self.owner[numbers] = users
        self.n_users, self.n_items = len(history.indptr) - 1, n_items
        self.per_user = np.bincount(self.owner, minlength=self.n_users)
        starts = np.cumsum(self.per_user) - self.per_user
        self.place = ranges(np.zeros_like(starts), self.per_user)
        """Place of each basket among its user's, 0 = the oldest."""

    def content(self) -> csr_matrix:
        """(n_baskets, n_items): 1 where a basket holds an item."""
        shape = len(self.owner), self.n_items
        return csr_matrix((np.ones(len(self.items)), (self.basket, self.items)), shape=shape)

    def weighed(self, weights: Float64) -> csr_matrix:
        """(n_users, n_items): sum of the weights, float64 (n_baskets,), of the baskets that hold an item."""
        return csr_matrix(
            (weights[self.basket], (self.owner[self.basket], self.items)), shape=(self.n_users, self.n_items)
        )
