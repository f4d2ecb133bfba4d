"""Weighted alternating least squares: factors for implicit or explicit feedback over all entries.

Y. Hu, Y. Koren, C. Volinsky: Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008; the
regularization by frequency and the weight of what was not observed follow S. Rendle, W. Krichene,
L. Zhang, Y. Koren: Revisiting the Performance of iALS on Item Recommendation Benchmarks, RecSys 2022.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Factors
from tasks.models import ModelConfig, Progress
from tasks.numeric.csr import Weighting, check_matrix, check_weights, entry_weights
from tasks.numeric.wals_loss import objective
from tasks.numeric.wals_side import Side, Solver, solve_cg, solve_exactly

Float32 = npt.NDArray[np.float32]

START_SCALE = 0.1
"""The first factor rows are normal, of about this length."""

EXACT_STEPS, EXACT_TOLERANCE = 64, 1e-10
"""Conjugate gradient steps, and share of the squared residual, that stand for an exact solution."""


class Config(ModelConfig):
    """Parameters of WALS; the defaults suit purchases."""

    n_factors: int = Field(default=128, ge=1)
    """Length of a factor row."""
    iterations: int = Field(default=15, ge=1)
    """Passes over users and items."""
    regularization: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    """Weight of the squared length of a factor row, before the exponent."""
    regularization_exponent: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """How the regularization of a row grows with its entries: 0 = flat, 1 = frequency-scaled."""
    unobserved_weight: float = Field(default=0.3, ge=0, allow_inf_nan=False)
    """Weight of an entry that was not observed; small for sparse matrices."""
    weighting: Weighting = "count"
    """Weight of an observed entry above `unobserved_weight`: 1, its value, or log(1 + value)."""
    targets: Literal["implicit", "explicit"] = "implicit"
    """What observed entries are fitted to: 1, or their value (then `weighting` is best "binary")."""
    solver: Solver = "cg"
    """"cg" improves rows by conjugate gradients, "cholesky" solves them exactly, "subspace" exactly in
    one block of factors after the other."""
    cg_steps: int = Field(default=2, ge=1)
    """Conjugate gradient steps per row and iteration; each starts where the last iteration ended."""
    early_stop: float = Field(default=0.0, ge=0, lt=1)
    """Stop when an iteration lowers the objective by a smaller share than this; 0 = never."""
    checkpoint_every: int = Field(default=0, ge=0)
    """Iterations between two checkpoints; 0 = none."""


@dataclass(frozen=True, eq=False)
class Resume:
    """Where an interrupted fit left off: what its last checkpoint was given."""

    iteration: int
    user_factors: Float32
    item_factors: Float32


class Checkpoint(Protocol):
    """Keeps what a fit needs to go on after an interruption."""

    def save(self, iteration: int, user_factors: Float32, item_factors: Float32) -> None:
        """Keep the factors after so many iterations; the arrays change afterwards."""
        ...


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
    row_weights: npt.NDArray[np.floating] | None = None,
    col_weights: npt.NDArray[np.floating] | None = None,
    checkpoint: Checkpoint | None = None,
    resume: Resume | None = None,
) -> Factors:
    """Train WALS on `matrix`."""
    check_matrix(matrix)
    users, items = sides(matrix, config, row_weights, col_weights)
    scale = np.float32(START_SCALE / np.sqrt(config.n_factors))
    x = rng.standard_normal((matrix.n_users, config.n_factors), dtype=np.float32) * scale
    y = rng.standard_normal((matrix.n_items, config.n_factors), dtype=np.float32) * scale
    for iteration in range(config.iterations):
        half_step(users, y, x, config)
        half_step(items, x, y, config)
        if progress is not None:
            parts = objective(users, items, x, y)
            progress(iteration + 1, config.iterations, {**parts._asdict(), "objective": parts.total})
    return Factors(x, y)


def sides(
    matrix: GroupedMatrix,
    config: Config,
    row_weights: npt.NDArray[np.floating] | None = None,
    col_weights: npt.NDArray[np.floating] | None = None,
) -> tuple[Side, Side]:
    """Both sides of the problem: users to solve for, items to solve for."""
    by_user = check_weights("row_weights", row_weights, matrix.n_users)
    by_item = check_weights("col_weights", col_weights, matrix.n_items)
    return (
        _side(matrix.by_user, config, by_user, by_item),
        _side(matrix.by_item, config, by_item, by_user),
    )


def _side(rows: Csr, config: Config, row_weights: Float32 | None, col_weights: Float32 | None) -> Side:
    extra = entry_weights(rows.values, config.weighting)
    if row_weights is not None:
        extra = extra * np.repeat(row_weights, rows.lengths())
    if col_weights is not None:
        extra = extra * col_weights[rows.indices]
    size = rows.lengths() + config.unobserved_weight * rows.n_cols
    regularization = config.regularization * size**config.regularization_exponent
    targets = rows.values if config.targets == "explicit" else np.empty(0, dtype=np.float32)
    return Side(rows, extra, targets, regularization.astype(np.float32), config.unobserved_weight)


def half_step(side: Side, fixed: Float32, solved: Float32, config: Config) -> None:
    """Solve for the rows of `side`, in place of `solved`, while `fixed` stays."""
    if config.solver == "cholesky":
        solve_exactly(side, fixed, solved)
    else:
        solve_cg(side, fixed, solved, steps=config.cg_steps)
