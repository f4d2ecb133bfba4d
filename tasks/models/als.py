"""implicit's alternating least squares, the baseline that our own models are measured against.

Y. Hu, Y. Koren, C. Volinsky: Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008,
with the conjugate gradient solver of G. Takacs, I. Pilaszy, D. Tikk (RecSys 2011).
"""

from typing import Self

import numpy as np
from pydantic import Field, field_validator
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Codes
from tasks.models import Capability, ModelConfig, ModelSpec, Progress, Reason
from tasks.models._cost import Cost, Sizes, factorisation
from tasks.models._explanations import by_likeness
from tasks.models._search_space import Doubling, Range
from tasks.models._wals_choice import Auto, NumberOrAuto, Wanted, first_guess, rounded
from tasks.numeric.csr import Weighting, check_matrix, value_weights
from tasks.numeric.parallel import single_threaded_blas
from tasks.numeric.scorers import Factors


class Config(ModelConfig):
    """Parameters of implicit's ``AlternatingLeastSquares``, in its own parametrisation."""

    n_factors: int = Field(default=128, ge=1, le=4096)
    """Length of a factor row."""
    regularization: NumberOrAuto = "auto"
    """Flat regularization of all factor rows; "auto" grows with what a typical row holds."""
    alpha: NumberOrAuto = "auto"
    """An observed entry of weight w counts ``alpha * w``, any other entry 1; "auto" makes what was not observed
    count 16 times as much, in all, as what was."""
    iterations: int = Field(default=15, ge=1, le=10_000)
    """Passes over users and items."""
    weighting: Weighting = "count"
    """Weight of an observed entry: 1, its value, or log(1 + value)."""
    use_cg: bool = True
    """Three conjugate gradient steps per row instead of an exact solution."""

    @field_validator("alpha")
    @classmethod
    def _above_zero(cls, alpha: float | Auto) -> float | Auto:
        if alpha == 0:
            raise ValueError("must be above 0: at 0 an observed entry counts nothing")
        return alpha

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Replace each "auto" by what is good for our own WALS on most logs; nothing is drawn or tried."""
        weight: float | Auto = "auto" if self.alpha == "auto" else 1 / self.alpha
        wanted = Wanted(weight, "auto", self.weighting, 0.0, False, self.n_factors, self.iterations)
        found = first_guess(matrix, wanted, self.weighting)
        alpha = rounded(1 / found.unobserved_weight) if self.alpha == "auto" else self.alpha
        flat = self.regularization
        return self.model_copy(
            update={
                "alpha": alpha,
                "regularization": rounded(alpha * found.regularization) if flat == "auto" else flat,
            }
        )


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes."""
    return factorisation(sizes, config.n_factors, config.iterations, 1.7e-9, 2.4e-10, 40, 1.6)


SPEC = ModelSpec(
    cost=cost,
    offers=frozenset({Capability.FACTORS, Capability.SIMILAR_ITEMS, Capability.EXPLANATIONS}),
    # With a flat regularization the best value grows with the entries of a row: the range is wide.
    search={
        "regularization": Range(1e-4, 100.0, log=True),
        "alpha": Range(0.3, 100.0, log=True),
        "n_factors": Doubling(64, 256),
    },
)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> Factors:
    """Train implicit's ALS on `matrix`.

    Parameters
    ----------
    matrix
        Grouped matrix of users x items.
    config
        Parameters of the model.
    rng
        Source of the seed that implicit starts from.
    progress
        Called after each iteration with the seconds that it took.

    Returns
    -------
    Factors without item bias.

    Raises
    ------
    ValueError
        If the matrix has no entries, or values that are negative, NaN or infinite.

    """
    from implicit.cpu.als import AlternatingLeastSquares

    check_matrix(matrix)
    config = config.settled(matrix, rng=rng)
    rows = matrix.by_user
    weights = value_weights(rows.values, config.weighting)
    # implicit asks for writable buffers, and a grouped matrix may be a read-only memory map.
    user_items = csr_matrix((weights, rows.indices, rows.indptr), shape=rows.shape, copy=True)

    def report(iteration: int, seconds: float, loss: float | None) -> None:
        if progress is not None:
            progress(iteration + 1, config.iterations, {"seconds": seconds})

    # implicit runs its own threads: with BLAS threads beside them it is several times slower.
    with single_threaded_blas():
        model = AlternatingLeastSquares(
            factors=config.n_factors,
            regularization=config.regularization,
            alpha=config.alpha,
            iterations=config.iterations,
            use_cg=config.use_cg,
            random_state=int(rng.integers(2**31)),
        )
        model.fit(user_items, show_progress=False, callback=report)
    return Factors(_rows(model.user_factors), _rows(model.item_factors))


def _rows(factors: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(factors, dtype=np.float32)


def explain(
    scorer: Factors, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Name the past items most like each item."""
    return by_likeness(scorer, by_user, user_code, item_codes, n)
