"""Matrix factorisation of ratings: mean + user bias + item bias + p.q, by alternating least squares.

Y. Koren, R. Bell, C. Volinsky: Matrix Factorization Techniques for Recommender Systems, IEEE Computer 2009; the
regularization grows with a power of the number of ratings, as in Y. Zhou et al., AAIM 2008 (there the power is 1). A part
of the ratings is held out to find when to stop; then the model goes on from there with all of them.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._biased_factors import (
    RatingFactors,
    check_ratings,
    damped_means,
    held_out,
    owners,
    part_of,
    scale_of,
)
from tasks.models._cost import Cost, Sizes, factorisation
from tasks.models._search_space import Doubling, Range
from tasks.numeric.csr import row_blocks
from tasks.numeric.parallel import for_each_block
from tasks.numeric.rating_als import solve_rows
from tasks.numeric.transpose import transposed

Float64 = npt.NDArray[np.float64]

LAST_SWEEPS = 3
"""Sweeps over all ratings after the search. On MovieLens they do better than as many sweeps from the start as were
found (RMSE 0.8413 against 0.8419), in half of the time."""


class Config(ModelConfig):
    """Size of the model, its regularization, and when its training stops."""

    n_factors: int = Field(default=32, ge=1, le=1024)
    """Length of a factor row."""
    iterations: int = Field(default=40, ge=1, le=10_000)
    """Sweeps over users and items at most; three more follow with all ratings."""
    regularization: float = Field(default=4.0, gt=0, le=1e9, allow_inf_nan=False)
    """Pull of factors towards 0."""
    regularization_exponent: float = Field(default=0.25, ge=0, le=1)
    """Power of a row's number of ratings that its regularization is multiplied by: 0 = the same for all rows."""
    bias_regularization: float = Field(default=3.0, gt=0, le=1e9, allow_inf_nan=False)
    """Pull of biases towards 0."""
    validation_share: float = Field(default=0.1, ge=0, lt=1)
    """Share of the ratings that decides when to stop; 0 does all iterations."""
    min_delta: float = Field(default=5e-4, ge=0, le=1e6, allow_inf_nan=False)
    """By how much the error must fall to count as better."""
    patience: int = Field(default=2, ge=1, le=10_000)
    """Iterations without a better error after which training stops."""
    init_scale: float = Field(default=0.1, gt=0, le=1e3, allow_inf_nan=False)
    """Standard deviation of the first factors."""


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes."""
    # It mostly stops after some ten sweeps.
    passes = min(config.iterations, 12) + LAST_SWEEPS
    return factorisation(
        sizes, config.n_factors, passes, 1e-9 * config.n_factors, 1e-10 * config.n_factors, 60, 4.0
    )


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.RATINGS}),
    offers=frozenset({Capability.FACTORS, Capability.RATINGS, Capability.SIMILAR_ITEMS}),
    search={
        "n_factors": Doubling(8, 64),
        "regularization": Range(0.5, 20.0, log=True),
        "regularization_exponent": Range(0.0, 1.0),
        "bias_regularization": Range(0.5, 30.0, log=True),
    },
    # Its lists are in the order of predicted ratings: that is not what somebody will take next.
    collaborative=False,
)


@dataclass(frozen=True, eq=False)
class _Model:
    """Factors and biases that are trained in place, float64."""

    users: Float64
    items: Float64
    user_bias: Float64
    item_bias: Float64
    mean: float

    @classmethod
    def of(cls, ratings: Csr, config: Config, rng: np.random.Generator) -> Self:
        """Damped means, and random factors."""
        mean, user_bias, item_bias = damped_means(ratings, (config.bias_regularization,) * 2)
        shape = config.n_factors
        users = rng.normal(0.0, config.init_scale, (len(user_bias), shape))
        return cls(
            users, rng.normal(0.0, config.init_scale, (len(item_bias), shape)), user_bias, item_bias, mean
        )

    def copy(self) -> Self:
        """The same numbers, apart from those that go on being trained."""
        return type(self)(
            self.users.copy(), self.items.copy(), self.user_bias.copy(), self.item_bias.copy(), self.mean
        )

    def error(self, users: npt.NDArray[np.integer], ratings: Csr) -> float:
        """Root mean squared error of some ratings, of whose users' codes there is one each."""
        found = self.mean + self.user_bias[users] + self.item_bias[ratings.indices]
        found += np.einsum("ij,ij->i", self.users[users], self.items[ratings.indices])
        found = np.clip(found, ratings.values.min(), ratings.values.max())
        return float(np.sqrt(np.mean((found - ratings.values) ** 2)))

    def sweep(self, by_user: Csr, by_item: Csr, config: Config) -> None:
        """Solve all users, then all items."""
        for rows, out, bias, fixed, fixed_bias in (
            (by_user, self.users, self.user_bias, self.items, self.item_bias),
            (by_item, self.items, self.item_bias, self.users, self.user_bias),
        ):
            pull = config.regularization * np.maximum(rows.lengths(), 1.0) ** config.regularization_exponent
            rest, bounds = rows.values.astype(np.float64) - self.mean, row_blocks(rows.indptr)

            def solve(
                block: int,
                rows: Csr = rows,
                out: Float64 = out,
                bias: Float64 = bias,
                fixed: Float64 = fixed,
                fixed_bias: Float64 = fixed_bias,
                pull: Float64 = pull,
                rest: Float64 = rest,
                bounds: npt.NDArray[np.int64] = bounds,
            ) -> None:
                first, last = bounds[block], bounds[block + 1]
                parts = rows.indptr, rows.indices, rest
                solve_rows(
                    first, last, *parts, fixed, fixed_bias, pull, config.bias_regularization, out, bias
                )

            for_each_block(solve, len(bounds) - 1)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> RatingFactors:
    """Train until a held-out part is predicted no better, then go on with all ratings.

    Parameters
    ----------
    matrix
        With ratings, taken as they are.
    config
        Parameters of the model.
    rng
        Source of the first factors and of the held-out part.
    progress
        Called after each iteration with ``validation_rmse`` while a part is held out, and with ``train_rmse`` after.

    Returns
    -------
    RatingFactors. Lists are in the order of predicted ratings: good for "what would they like", poor for "what will
    they take next", which few of the best rated items are.

    Raises
    ------
    ValueError
        If there are no ratings, or one is not finite.

    """
    ratings = check_ratings(matrix.ratings)
    held = held_out(ratings, config.validation_share, rng)
    model, sweeps, searched = None, config.iterations, 0
    if held.any():
        found, sweeps, searched = _search(ratings, held, config, rng, progress)
        # With too little regularization every sweep counts: there, no more of them than were found.
        if sweeps > LAST_SWEEPS:
            model, sweeps = found, LAST_SWEEPS
    model = model or _Model.of(ratings, config, rng)
    users, by_item = owners(ratings), transposed(ratings)
    for done in range(1, sweeps + 1):
        model.sweep(ratings, by_item, config)
        if progress is not None:
            progress(searched + done, searched + sweeps, {"train_rmse": model.error(users, ratings)})
    return RatingFactors.of(
        model.users.astype(np.float32),
        model.items.astype(np.float32),
        model.user_bias.astype(np.float32),
        (model.item_bias + model.mean).astype(np.float32),
        **scale_of(ratings),
    )


def _search(
    ratings: Csr,
    held: npt.NDArray[np.bool_],
    config: Config,
    rng: np.random.Generator,
    progress: Progress | None,
) -> tuple[_Model, int, int]:
    """(Model with the lowest error on the held-out part, its number of sweeps, sweeps that were tried)."""
    users = owners(ratings)
    known, judged = part_of(ratings, ~held), part_of(ratings, held)
    by_item = transposed(known)
    model = found = _Model.of(known, config, rng)
    lowest, best = np.inf, 1
    for done in range(1, config.iterations + 1):
        model.sweep(known, by_item, config)
        error = model.error(users[held], judged)
        if error < lowest - config.min_delta:
            lowest, best, found = error, done, model.copy()
        if progress is not None:
            progress(done, config.iterations + LAST_SWEEPS, {"validation_rmse": error})
        if done - best >= config.patience:
            break
    return found, best, done
