"""One side of a factorisation, laid out so that BLAS finds the few candidates that exact scores decide.

Candidates lie in the order of their length: a product is at most that of the lengths (Cauchy and Schwarz), so
a query is done when what follows is too short to reach its list. The lists are the same, sooner; on logs with a
long tail most of the product is never made (C. Teflioudi, R. Gemulla: Exact and Approximate Maximum Inner Product
Search with LEMP, TODS 2016).
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.best import keep_best_products, sort_best
from tasks.numeric.exclusion import check_exclude, check_k, denied_mask
from tasks.numeric.parallel import for_each_block, single_threaded_blas

Float32 = npt.NDArray[np.float32]
Lists = tuple[npt.NDArray[np.int32], Float32]
"""Codes int32 (n_rows, k), padded with -1, and scores float32 (n_rows, k), padded with -inf."""

BLOCK_ROWS = 256
TILE_COLUMNS = 512
"""A tile of 256 x 512 rough scores is 512 KiB and stays in a core's second-level cache."""
TILES_BETWEEN = 4
"""Tiles after which it is looked up which queries are done."""
DONE = 1 / 8
"""Share of a block's queries that must be done before the others are copied together."""
MOSTLY = 1 / 2
"""Share of candidates from which they are all looked at, and those that are not allowed thrown away."""


class Tile(NamedTuple):
    """Some candidates side by side."""

    codes: npt.NDArray[np.int32]
    """(n_columns,)"""
    columns: Float32
    """(n_factors [+ 1], n_columns): transposed, so that BLAS need not do it for every block of queries."""
    longest: float
    """Length of the longest candidate of this tile and those behind it."""
    highest: float
    """Highest bias of this tile and those behind it."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """One side of a factorisation, laid out once so that many queries can be answered; see :meth:`of`."""

    factors: Float32
    bias: Float32
    denied: npt.NDArray[np.bool_]
    tiles: list[Tile]

    @classmethod
    def of(
        cls, factors: npt.ArrayLike, bias: npt.ArrayLike | None = None, deny: npt.ArrayLike | None = None
    ) -> "Catalogue":
        """Lay out candidates (n_candidates, n_factors); costs one copy of them."""
        matrix = as_factors("item_factors", factors)
        offsets = np.zeros(0, dtype=np.float32)
        if bias is not None:
            offsets = np.ascontiguousarray(bias, dtype=np.float32)
            if offsets.shape != (len(matrix),):
                raise ValueError(f"item_bias must have shape ({len(matrix)},); got {offsets.shape}")
            if not np.isfinite(offsets).all():
                raise ValueError(
                    f"item_bias holds {int((~np.isfinite(offsets)).sum())} values that are not finite"
                )
        lengths = _lengths(matrix)
        biases = offsets.astype(np.float64) if len(offsets) else np.zeros(len(matrix))
        order = np.argsort(-(lengths + biases), kind="stable").astype(np.int32)
        tiles = _tiles(matrix, offsets, order, lengths[order])
        return cls(matrix, offsets, denied_mask(deny, len(matrix)), tiles)

    def allowing(self, allow: npt.NDArray[np.bool_]) -> "Catalogue":
        """The same with the candidates of `allow` (n_candidates,) alone, under their own codes.

        Where few are allowed only those are laid out: what is looked at and thrown away would cost more than all.
        """
        if allow.mean() > MOSTLY:
            return replace(self, denied=~allow)
        order = np.concatenate([np.zeros(0, np.int32), *(tile.codes for tile in self.tiles)])
        order = order[allow[order]]
        return replace(self, tiles=_tiles(self.factors, self.bias, order, _lengths(self.factors[order])))

    def best(
        self, queries: Float32, k: int, *, exclude: Csr | None = None, offset: Float32 | None = None
    ) -> Lists:
        """Top-k candidates of every query; `offset` (n_queries,) is added to all scores of a query."""
        n_queries, n_factors = queries.shape
        if n_factors != self.factors.shape[1]:
            raise ValueError(
                f"user_factors and item_factors differ in n_factors: {n_factors} and {self.factors.shape[1]}"
            )
        check_k(k, len(self.factors))
        excluded = check_exclude(exclude, (n_queries, len(self.factors)))
        added = np.zeros(n_queries, dtype=np.float32) if offset is None else offset
        lengths = _norms("user_factors", queries)
        slack = self._slack(lengths, added)
        best_scores = np.full((n_queries, k), -np.inf, dtype=np.float32)
        best_codes = np.full((n_queries, k), -1, dtype=np.int32)

        def work(block: int) -> None:
            part = slice(block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, n_queries))
            heaps = best_scores[part], best_codes[part]
            self._fill(
                queries[part],
                lengths[part],
                added[part],
                slack[part],
                (excluded[0][part.start :], excluded[1]),
                heaps,
            )
            sort_best(*heaps)

        with single_threaded_blas():
            for_each_block(work, -(-n_queries // BLOCK_ROWS))
        return best_codes, best_scores

    def _fill(
        self,
        queries: Float32,
        lengths: npt.NDArray[np.float64],
        offset: Float32,
        slack: Float32,
        excluded: tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]],
        heaps: tuple[Float32, npt.NDArray[np.int32]],
    ) -> None:
        """Offer tile after tile to the heaps of a block of queries, until none of them can change."""
        rows, buffer = np.arange(len(queries)), np.empty(len(queries) * TILE_COLUMNS, dtype=np.float32)
        wide = self._widened(queries)
        for number, tile in enumerate(self.tiles):
            if number % TILES_BETWEEN == 0:
                reach = lengths[rows] * tile.longest + tile.highest + offset[rows] + slack[rows]
                left = reach >= heaps[0][rows, 0]
                if not left.any():
                    return
                if left.mean() <= 1 - DONE:
                    rows, wide = rows[left], wide[left]
            rough = buffer[: len(rows) * len(tile.codes)].reshape(len(rows), len(tile.codes))
            np.matmul(wide, tile.columns, out=rough)
            keep_best_products(rough, tile.codes, rows, queries, self.factors, self.bias, offset, slack,
                               *excluded, self.denied, *heaps)  # fmt: skip

    def _widened(self, queries: Float32) -> Float32:
        """The queries, with a 1 for the bias where candidates have one."""
        if not len(self.bias):
            return queries
        return np.hstack([queries, np.ones((len(queries), 1), dtype=np.float32)])

    def _slack(self, lengths: npt.NDArray[np.float64], offset: Float32) -> Float32:
        """How far a rough score may be from the exact one, float32 (n_queries,).

        n float32 products, summed in any order, are off by at most n u / (1 - n u) times the sum of their
        sizes, u = 2^-24 (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1); the sum of
        sizes is at most the product of the norms. Twice that, with room for the last roundings.
        """
        added = float(np.abs(self.bias).max(initial=0.0)) + np.abs(offset.astype(np.float64))
        sizes = lengths * (self.tiles[0].longest if self.tiles else 0.0) + added
        if sizes.max(initial=0.0) > np.finfo(np.float32).max / 4:
            raise ValueError(
                f"scores may reach {sizes.max():.3g}, beyond float32; scale user_factors or item_factors down"
            )
        return ((self.factors.shape[1] + 8) * (2.0**-23 * sizes + np.finfo(np.float32).tiny)).astype(
            np.float32
        )


def as_factors(name: str, values: npt.ArrayLike) -> Float32:
    """Values as a C-order float32 matrix, without a copy where they are one; ValueError if not 2-D."""
    matrix = np.ascontiguousarray(values, dtype=np.float32)
    if matrix.ndim != 2:
        raise ValueError(f"{name} must be a matrix; got shape {matrix.shape}")
    return matrix


def _norms(name: str, matrix: Float32) -> npt.NDArray[np.float64]:
    """Length of every row, float64; ValueError where one is not finite."""
    squares = np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64)
    if not np.isfinite(squares).all():
        row = int(np.flatnonzero(~np.isfinite(squares))[0])
        raise ValueError(f"{name} row {row} holds a value that is not finite")
    return np.sqrt(squares)


def _lengths(matrix: Float32) -> npt.NDArray[np.float64]:
    """Length of every candidate, a few at a time."""
    chunks = range(0, len(matrix), 8192)
    return np.concatenate([np.zeros(0), *(_norms("item_factors", matrix[at : at + 8192]) for at in chunks)])


def _tiles(
    matrix: Float32, bias: Float32, order: npt.NDArray[np.int32], lengths: npt.NDArray[np.float64]
) -> list[Tile]:
    """Candidates in this order, by falling length and bias, cut into tiles; `lengths` are in the same order."""
    tiles: list[Tile] = []
    longest, highest = 0.0, -np.inf
    for first in reversed(range(0, len(order), TILE_COLUMNS)):
        codes = order[first : first + TILE_COLUMNS]
        rows = matrix[codes] if not len(bias) else np.hstack([matrix[codes], bias[codes, None]])
        longest = max(longest, lengths[first : first + TILE_COLUMNS].max())
        highest = max(highest, float(bias[codes].max()) if len(bias) else 0.0)
        tiles.append(Tile(codes, np.ascontiguousarray(rows.T), float(longest), float(highest)))
    return tiles[::-1]
