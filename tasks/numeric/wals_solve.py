"""The half step of WALS: solve for all rows of one side while the factors of the other stay."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tasks.numeric.gramian import Rotated, eigenbasis, gramian
from tasks.numeric.parallel import for_each_block, single_threaded_blas
from tasks.numeric.wals_cg import cg_block
from tasks.numeric.wals_exact import exact_block
from tasks.numeric.wals_side import Side, read_only
from tasks.numeric.wals_subspace import subspace_block

Float32 = npt.NDArray[np.float32]

FARTHEST = 1e9
"""Scores that a row may start with, about: targets are near 1, or ratings."""

Kernel = Callable[[Rotated, int, Float32, Float32], None]
"""Called with the fixed factors in their eigenbasis, the first row, the rows to improve there, and their prior."""


def solve_cg(
    side: Side,
    fixed: Float32,
    solved: Float32,
    *,
    steps: int,
    tolerance: float = 0.0,
    halve: bool = False,
    basis: Rotated | None = None,
) -> None:
    """Improve `solved` in place by some conjugate gradient steps a row.

    Parameters
    ----------
    side
        The rows to solve for.
    fixed
        float32 (n_cols, n_factors), unchanged.
    solved
        float32 (n_rows, n_factors): start in, solution out. Empty rows become 0, or what the unobserved
        leaves of their prior.
    steps
        Steps per row at most.
    tolerance
        A row stops when its squared residual has fallen to this share; 0 takes all steps.
    halve
        Read `fixed` as int16: on large matrices 1.4 times as fast, and solutions differ by about 0.0002
        of their length, whatever the size of the factors.
    basis
        What :func:`rotated` made of `fixed`, where many sides share it; `halve` is then said there.

    """

    def solve(basis: Rotated, first: int, x: Float32, prior: Float32) -> None:
        cg_block(
            *side.arrays,
            basis.rows,
            basis.sizes,
            basis.eigenvalues,
            basis.units,
            first,
            x,
            prior,
            steps,
            np.float32(tolerance),
        )

    _in_eigenbasis(side, fixed, solved, solve, halve=halve, basis=basis)


def rotated(fixed: Float32, *, halve: bool, least: float) -> Rotated:
    """The eigenbasis of `fixed` for :func:`solve_cg`; parameters as for :func:`tasks.numeric.gramian.eigenbasis`."""
    with single_threaded_blas():
        return eigenbasis(fixed, halve=halve, least=least)


def solve_subspace(side: Side, fixed: Float32, solved: Float32, *, width: int) -> None:
    """Improve `solved` in place by one exact step in each block of `width` factors.

    Parameters
    ----------
    side, fixed, solved
        As in :func:`solve_cg`.
    width
        Factors of a block.

    Raises
    ------
    ValueError
        If a row's equations are singular, or `side` has a prior.

    """
    if len(side.prior):
        raise ValueError('the subspace solver knows no prior; solve with "cg" or "cholesky"')

    def solve(basis: Rotated, first: int, x: Float32, prior: Float32) -> None:
        subspace_block(*side.arrays, basis.rows, basis.eigenvalues, basis.units, first, x, width)

    _in_eigenbasis(side, fixed, solved, solve, halve=False)


def solve_exactly(
    side: Side, fixed: Float32, solved: Float32, *, square: npt.NDArray[np.float64] | None = None
) -> None:
    """Fill `solved` with the exact solution of every row.

    Parameters
    ----------
    side, fixed, solved
        As in :func:`solve_cg`; what `solved` holds before does not matter.
    square
        The Gramian of `fixed`, where it is known; of `fixed` itself only the rows that `side` touches are read then.

    Raises
    ------
    ValueError
        If a row's equations are singular.

    """
    with single_threaded_blas():
        known = gramian(fixed) if square is None else square

        def solve(first: int, last: int) -> None:
            prior = read_only(side.prior[first:last])
            exact_block(*side.arrays, read_only(fixed), known, first, solved[first:last], prior)

        _for_each_row(side, solve)


def _in_eigenbasis(
    side: Side, fixed: Float32, solved: Float32, kernel: Kernel, *, halve: bool, basis: Rotated | None = None
) -> None:
    """Rotate the problem to where the Gramian of `fixed` is diagonal, solve there, rotate back."""
    with single_threaded_blas():
        if basis is None:
            least = math.sqrt(float(side.regularization.max(initial=0.0)))
            basis = eigenbasis(fixed, halve=halve, least=least)
        turned = basis

        def solve(first: int, last: int) -> None:
            x = _start(solved[first:last], turned)
            prior = side.prior[first:last]
            kernel(turned, first, x, prior @ turned.to_basis if len(prior) else prior.copy())
            np.dot(x, turned.from_basis, out=solved[first:last])

        _for_each_row(side, solve)


def _start(rows: Float32, basis: Rotated) -> Float32:
    """Where rows begin in the basis: 0 for those that are out of all proportion to the fixed factors."""
    if not rows.any():  # a sixth of the work where all rows begin at nothing
        return np.zeros_like(rows)
    with np.errstate(over="ignore", invalid="ignore"):
        x = rows @ basis.to_basis
        near = np.vdot(x, x) < FARTHEST
    # From further away float32 cannot find the way back; a NaN is no smaller than anything.
    if not near:
        x[~(np.abs(x) < FARTHEST).all(axis=1)] = 0
    return x


def _for_each_row(side: Side, solve: Callable[[int, int], None]) -> None:
    bounds = side.blocks
    try:
        for_each_block(lambda block: solve(bounds[block], bounds[block + 1]), len(bounds) - 1)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "a row has no unique solution; raise regularization or unobserved_weight above 0"
        ) from error
