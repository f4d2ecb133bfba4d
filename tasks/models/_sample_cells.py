"""Pairs of users and items, cut into cells that threads can work on side by side, for models that learn from samples.

Users and items are cut into parts, and only pairs of parts that share neither are worked on at a time: no two threads
write one row, so that the result is the same on any number of threads. R. Gemulla et al.: Large-Scale Matrix
Factorization with Distributed Stochastic Gradient Descent, KDD 2011.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.pairwise import sort_cells
from tasks.numeric.parallel import for_each_block

Float32 = npt.NDArray[np.float32]

MOST_PARTS = 32
"""Of the users, and as many of the items: no more threads than this can help."""

PAIRS_PER_CELL = 3_072
"""A millisecond or two of work at 256 factors; with less, handing it to a thread would show."""

ITEMS_PER_PART = 64
"""Fewer items in a part would make a poor choice of negatives."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """What is drawn from: every stored pair with its weight, and where each part of the users begins."""

    by_user: Csr
    users: npt.NDArray[np.int32]
    weights: Float32
    starts: npt.NDArray[np.int64]
    n_items: int
    had: Csr
    """What is never drawn as a negative: all pairs, and those that were rated too low to be one."""

    @classmethod
    def of(cls, by_user: Csr, weights: Float32, n_items: int, had: Csr | None = None) -> "Pairs":
        """Cut users into parts of about equal numbers of pairs; how many depends on the data alone."""
        square = math.isqrt(by_user.nnz // PAIRS_PER_CELL)
        n_parts = max(1, min(MOST_PARTS, square, n_items // ITEMS_PER_PART))
        users = np.repeat(np.arange(by_user.shape[0], dtype=np.int32), by_user.lengths())
        first = by_user.indptr[:-1] * n_parts // max(by_user.nnz, 1)
        rows = np.searchsorted(first, np.arange(n_parts))
        return cls(
            by_user, users, weights, np.append(by_user.indptr[rows], by_user.nnz), n_items, had or by_user
        )

    @property
    def n_parts(self) -> int:
        """Parts of the users."""
        return len(self.starts) - 1


class Cells:
    """The pairs of an epoch, ordered by cell: a part of the users times a part of the items."""

    def __init__(self, pairs: Pairs, n_item_parts: int) -> None:
        self.pairs, self.n_item_parts = pairs, n_item_parts
        n = len(pairs.users)
        self.users, self.items = np.empty(n, np.int32), np.empty(n, np.int32)
        self.cumulative, self.guide = np.empty(n, np.float64), np.empty(n, np.int32)
        self.edges = np.zeros((pairs.n_parts, n_item_parts + 1), np.int64)
        self.totals = np.zeros((pairs.n_parts, n_item_parts))

    def cut(self, rng: np.random.Generator) -> None:
        """Cut the items anew: a negative comes from the part of its positive, another one each epoch."""
        pairs, n_items = self.pairs, self.pairs.n_items
        self.shuffled = rng.permutation(n_items).astype(np.int32)
        self.bounds = np.arange(self.n_item_parts + 1) * n_items // self.n_item_parts
        item_part = np.empty(n_items, dtype=np.int16)
        item_part[self.shuffled] = np.repeat(np.arange(self.n_item_parts), np.diff(self.bounds))

        def work(part: int) -> None:
            own = slice(pairs.starts[part], pairs.starts[part + 1])
            sort_cells(
                pairs.users[own],
                pairs.by_user.indices[own],
                pairs.weights[own],
                item_part,
                (self.users[own], self.items[own], self.cumulative[own], self.guide[own]),
                self.edges[part],
                self.totals[part],
            )

        for_each_block(work, pairs.n_parts)

    def draws(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """How many samples each cell gives: as many in all as there are pairs, drawn by their weights."""
        totals = self.totals.ravel()
        if totals.sum() <= 0:
            raise ValueError("matrix values are all 0, so that no pair can be drawn; expected a positive one")
        return rng.multinomial(len(self.users), totals / totals.sum()).reshape(self.totals.shape)

    def each(self, rng: np.random.Generator, work: Callable[["Cell"], None]) -> None:
        """One pass over all cells, cut anew: call `work` for each that has samples, on several threads."""
        self.cut(rng)
        draws = self.draws(rng)
        seeds = rng.integers(2**63, size=draws.size).reshape(draws.shape)
        for turn in range(self.n_item_parts):
            # In one turn no two cells share a user part, nor, unless there is only one, an item part.
            def one(part: int, turn: int = turn) -> None:
                item_part = (part + turn) % self.n_item_parts
                if n_samples := int(draws[part, item_part]):
                    work(self._cell(part, item_part, n_samples, int(seeds[part, item_part])))

            for_each_block(one, len(draws))

    def _cell(self, part: int, item_part: int, n_samples: int, seed: int) -> "Cell":
        edges = self.pairs.starts[part] + self.edges[part]
        own = slice(int(edges[item_part]), int(edges[item_part + 1]))
        return Cell(
            (part, item_part),
            n_samples,
            seed,
            self.users[own],
            self.items[own],
            (self.cumulative[own], self.guide[own]),
            self.shuffled[self.bounds[item_part] : self.bounds[item_part + 1]],
        )


@dataclass(frozen=True, eq=False)
class Cell:
    """What one thread works on: a part of the users times a part of the items.

    Parameters
    ----------
    place
        Numbers of the two parts.
    n_samples
        How many samples to draw.
    seed
        Of the draws.
    users, items
        int32 (n_pairs,): its pairs.
    drawn
        Running sum of their weights, and the guide into it, for :func:`tasks.numeric.pairwise.draw_pair`.
    candidates
        int32: the items that negatives come from.

    """

    place: tuple[int, int]
    n_samples: int
    seed: int
    users: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    drawn: tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]
    candidates: npt.NDArray[np.int32]
