"""One side of a factorisation, laid out so that BLAS finds the few candidates that exact scores decide."""

from collections.abc import Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True, eq=False)
class Catalogue:
    """One side of a factorisation, laid out once so that many queries can be answered; see :meth:`of`."""

    factors: Float32
    bias: Float32
    denied: npt.NDArray[np.bool_]
    tiles: list[Float32]
    largest_norm: float

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
        norm = _largest_norm("item_factors", matrix)
        tiles = [
            _tile(matrix[first : first + TILE_COLUMNS], offsets[first : first + TILE_COLUMNS])
            for first in range(0, len(matrix), TILE_COLUMNS)
        ]
        return cls(matrix, offsets, denied_mask(deny, len(matrix)), tiles, norm)

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
        indptr, indices = check_exclude(exclude, (n_queries, len(self.factors)))
        added = np.zeros(n_queries, dtype=np.float32) if offset is None else offset
        slack = self._slack(queries, added)
        best_scores = np.full((n_queries, k), -np.inf, dtype=np.float32)
        best_codes = np.full((n_queries, k), -1, dtype=np.int32)

        def work(block: int) -> None:
            part = slice(block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, n_queries))
            starts = indptr[part.start : part.stop + 1]
            rows = queries[part]
            for first, rough in self._rough_scores(rows):
                keep_best_products(
                    rough,
                    first,
                    rows,
                    self.factors,
                    self.bias,
                    added[part],
                    slack[part],
                    starts,
                    indices,
                    self.denied,
                    best_scores[part],
                    best_codes[part],
                )
            sort_best(best_scores[part], best_codes[part])

        with single_threaded_blas():
            for_each_block(work, -(-n_queries // BLOCK_ROWS))
        return best_codes, best_scores

    def _rough_scores(self, rows: Float32) -> Iterator[tuple[int, Float32]]:
        """(first candidate, scores of one tile); the array is used again for the next tile."""
        wide = rows if not len(self.bias) else np.hstack([rows, np.ones((len(rows), 1), dtype=np.float32)])
        buffer = np.empty(len(rows) * TILE_COLUMNS, dtype=np.float32)
        for number, tile in enumerate(self.tiles):
            out = buffer[: len(rows) * tile.shape[1]].reshape(len(rows), tile.shape[1])
            yield number * TILE_COLUMNS, np.matmul(wide, tile, out=out)

    def _slack(self, queries: Float32, offset: Float32) -> Float32:
        """How far a rough score may be from the exact one, float32 (n_queries,).

        n float32 products, summed in any order, are off by at most n u / (1 - n u) times the sum of their
        sizes, u = 2^-24 (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1); the sum of
        sizes is at most the product of the norms. Twice that, with room for the last roundings.
        """
        norms = _norms("user_factors", queries)
        added = float(np.abs(self.bias).max(initial=0.0)) + np.abs(offset.astype(np.float64))
        sizes = norms * self.largest_norm + added
        if sizes.max(initial=0.0) > np.finfo(np.float32).max / 4:
            raise ValueError(
                f"scores may reach {sizes.max():.3g}, beyond float32; scale user_factors or item_factors down"
            )
        return ((queries.shape[1] + 8) * (2.0**-23 * sizes + np.finfo(np.float32).tiny)).astype(np.float32)


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


def _largest_norm(name: str, matrix: Float32) -> float:
    chunks = (matrix[first : first + 8192] for first in range(0, len(matrix), 8192))
    return max((float(_norms(name, chunk).max()) for chunk in chunks), default=0.0)


def _tile(factors: Float32, bias: Float32) -> Float32:
    """(n_factors [+ 1], n_columns): transposed, so that BLAS need not do it for every block of queries."""
    rows = factors if not len(bias) else np.hstack([factors, bias[:, None]])
    return np.ascontiguousarray(rows.T)
