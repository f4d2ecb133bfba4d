"""One side of a WALS problem, users or items, and the half step that solves for it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.csr import row_blocks
from tasks.numeric.gramian import eigenbasis, gramian, rotate
from tasks.numeric.parallel import for_each_block, single_threaded_blas
from tasks.numeric.wals_cg import cg_block
from tasks.numeric.wals_exact import exact_block

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
Solver = Literal["cg", "cholesky", "subspace"]


@dataclass(frozen=True, eq=False)
class Side:
    """The rows to solve for, while the factors of the columns stay fixed.

    Parameters
    ----------
    rows
        Csr (n_rows, n_cols); its values are not used.
    extra
        float32 (n_entries,): weight of each observed entry above `unobserved_weight`.
    targets
        float32 (n_entries,), or empty where every target is 1.
    regularization
        float32 (n_rows,): weight of each factor row's squared length.
    unobserved_weight
        Weight of every entry that was not observed.

    """

    rows: Csr
    extra: Float32
    targets: Float32
    regularization: Float32
    unobserved_weight: float

    @cached_property
    def blocks(self) -> Int64:
        """Bounds of the blocks of rows that threads take."""
        return row_blocks(self.rows.indptr)


def solve_cg(side: Side, fixed: Float32, solved: Float32, *, steps: int, tolerance: float = 0.0) -> None:
    """Improve `solved` in place by some conjugate gradient steps a row.

    Parameters
    ----------
    side
        The rows to solve for.
    fixed
        float32 (n_cols, n_factors), unchanged.
    solved
        float32 (n_rows, n_factors): start in, solution out.
    steps
        Steps per row at most.
    tolerance
        A row stops when its squared residual has fallen to this share; 0 takes all steps.

    """
    with single_threaded_blas():
        basis = eigenbasis(fixed)
        rotated = rotate(fixed, basis.vectors)

        def solve(block: int) -> None:
            first, last = side.blocks[block], side.blocks[block + 1]
            x = solved[first:last] @ basis.vectors
            cg_block(
                side.rows.indptr,
                side.rows.indices,
                side.extra,
                side.targets,
                side.regularization,
                np.float32(side.unobserved_weight),
                rotated,
                basis.values,
                first,
                x,
                steps,
                np.float32(tolerance),
            )
            np.dot(x, basis.vectors.T, out=solved[first:last])

        for_each_block(solve, len(side.blocks) - 1)


def solve_exactly(side: Side, fixed: Float32, solved: Float32) -> None:
    """Fill `solved` with the exact solution of every row.

    Raises
    ------
    ValueError
        If a row's equations are singular, which only missing regularization makes possible.

    """
    with single_threaded_blas():
        square = gramian(fixed)

        def solve(block: int) -> None:
            first, last = side.blocks[block], side.blocks[block + 1]
            exact_block(
                side.rows.indptr,
                side.rows.indices,
                side.extra,
                side.targets,
                side.regularization,
                np.float32(side.unobserved_weight),
                fixed,
                square,
                first,
                solved[first:last],
            )

        try:
            for_each_block(solve, len(side.blocks) - 1)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                "a row has no unique solution; raise regularization or unobserved_weight above 0"
            ) from error
