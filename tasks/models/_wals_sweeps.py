"""The sweeps of WALS, for all models that alternate between users and items."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from tasks.models import Progress
from tasks.models._checkpoints import Checkpoint
from tasks.models._wals_health import check_finite_factors
from tasks.numeric.wals_loss import objective
from tasks.numeric.wals_side import Side
from tasks.numeric.wals_solve import solve_cg, solve_exactly, solve_subspace

Float32 = npt.NDArray[np.float32]

FULL_STEPS, FULL_TOLERANCE = 100, 1e-11
"""Conjugate gradient steps at most, and share of the squared residual, that float32 calls a solution."""


class Solver(Protocol):
    """What of a configuration says how rows are solved for."""

    @property
    def solver(self) -> Literal["cg", "cholesky", "subspace"]: ...
    @property
    def cg_steps(self) -> int: ...
    @property
    def half_precision(self) -> bool: ...
    @property
    def subspace_width(self) -> int: ...
    @property
    def iterations(self) -> int: ...
    @property
    def early_stop(self) -> float: ...
    @property
    def checkpoint_every(self) -> int: ...


Prior = Callable[[Float32], Float32]
"""From the factors of items (n_items, n_factors), where regularization pulls each of them."""


def sweeps(
    users: Side,
    items: Side,
    x: Float32,
    y: Float32,
    config: Solver,
    *,
    done: int = 0,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
    prior: Prior | None = None,
) -> None:
    """Improve factors `x` of users and `y` of items in place, from iteration `done` on.

    `prior` is asked once for each state of the items; None pulls to 0.
    """
    watched = progress is not None or config.early_stop > 0
    drawn = _pulled(items, y, prior)
    before = objective(users, drawn, x, y).total if done and config.early_stop else np.inf
    for iteration in range(done + 1, config.iterations + 1):
        half_step(users, y, x, config)
        check_finite_factors(x, users)
        half_step(drawn, x, y, config)
        check_finite_factors(y, items)
        if checkpoint is not None and config.checkpoint_every and iteration % config.checkpoint_every == 0:
            checkpoint.save(iteration, x, y)
        if iteration < config.iterations or watched:
            drawn = _pulled(items, y, prior)
        if not watched:
            continue
        parts = objective(users, drawn, x, y)
        if progress is not None:
            progress(iteration, config.iterations, {"objective": parts.total, **parts._asdict()})
        if config.early_stop and before - parts.total < config.early_stop * before:
            break
        before = parts.total


def _pulled(items: Side, y: Float32, prior: Prior | None) -> Side:
    return items if prior is None else replace(items, prior=prior(y))


def half_step(side: Side, fixed: Float32, solved: Float32, config: Solver) -> None:
    """Solve for the rows of `side`, in place of `solved`, while `fixed` stays."""
    if config.solver == "cholesky":
        solve_exactly(side, fixed, solved)
    elif config.solver == "subspace":
        solve_subspace(side, fixed, solved, width=config.subspace_width)
    else:
        solve_cg(side, fixed, solved, steps=config.cg_steps, halve=config.half_precision)


def solution(side: Side, fixed: Float32, config: Solver) -> Float32:
    """Factors of all rows of `side` to the precision of float32, from nothing."""
    solved = np.zeros((side.rows.shape[0], fixed.shape[1]), dtype=np.float32)
    fixed = np.ascontiguousarray(fixed)
    if config.solver == "cholesky":
        solve_exactly(side, fixed, solved)
    else:
        solve_cg(side, fixed, solved, steps=FULL_STEPS, tolerance=FULL_TOLERANCE)
    return solved
