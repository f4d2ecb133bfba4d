"""Weighted alternating least squares: factors for implicit or explicit feedback over all entries.

Y. Hu, Y. Koren, C. Volinsky: Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008; the
regularization by frequency and the weight of what was not observed follow S. Rendle, W. Krichene,
L. Zhang, Y. Koren: Revisiting the Performance of iALS on Item Recommendation Benchmarks, RecSys 2022.
"""

from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason
from tasks.models._checkpoints import Checkpoint, Resume, check_factors, start
from tasks.models._cost import Cost, Sizes, factorisation
from tasks.models._search_space import Categorical, Doubling, Range
from tasks.models._wals_choice import NumberOrAuto, Wanted, given_numbers, settle
from tasks.models._wals_health import check_finite_factors, check_fitted
from tasks.models._wals_sweeps import solution, sweeps
from tasks.numeric.csr import Weighting, check_matrix, one_row
from tasks.numeric.reasons import strongest, wals_contributions
from tasks.numeric.scorers import Factors
from tasks.numeric.wals_side import GivenWeights, Side, Terms, Weights, both_sides
from tasks.numeric.wals_solve import solve_exactly

Float32 = npt.NDArray[np.float32]


class Config(ModelConfig):
    """Parameters of WALS; the defaults suit purchases."""

    n_factors: int = Field(default=128, ge=1, le=4096)
    """Length of a factor row."""
    iterations: int = Field(default=15, ge=1, le=10_000)
    """Passes over users and items."""
    regularization: NumberOrAuto = "auto"
    """Weight of the squared length of a factor row, before the exponent; "auto" tries what suits the log where
    `unobserved_weight` is "auto" too, and is 0.01 where it is a number."""
    regularization_exponent: float = Field(default=1.0, ge=0, le=10, allow_inf_nan=False)
    """How the regularization of a row grows with its entries: 0 = flat, 1 = frequency-scaled."""
    unobserved_weight: NumberOrAuto = "auto"
    """Weight of an entry that was not observed; small for sparse matrices. "auto" tries some on the last days
    of the log before it fits."""
    weighting: Weighting | Literal["auto"] = "auto"
    """Weight of an observed entry above `unobserved_weight`: 1, its value, or log(1 + value); "auto" as for
    `regularization`, its value where `unobserved_weight` is a number."""
    targets: Literal["implicit", "explicit"] = "implicit"
    """What observed entries are fitted to: 1, or their value (then `weighting` is best "binary")."""
    solver: Literal["cg", "cholesky", "subspace"] = "cg"
    """"cg" improves rows by conjugate gradients, "cholesky" solves them exactly, "subspace" exactly in
    one block of factors after the other."""
    cg_steps: int = Field(default=2, ge=1, le=1000)
    """Conjugate gradient steps per row and iteration, each row from where the last iteration left it; 3
    where both `unobserved_weight` and `regularization` are tiny."""
    half_precision: bool = True
    """Let conjugate gradients read factors as int16: 1.4 times as fast where they do not fit in a cache."""
    subspace_width: int = Field(default=32, ge=1, le=4096)
    """Factors solved for at once by the subspace solver."""
    early_stop: float = Field(default=0.0, ge=0, lt=1)
    """Stop when an iteration lowers the objective by a smaller share than this; 0 = never."""
    checkpoint_every: int = Field(default=0, ge=0, le=10_000)
    """Iterations between two checkpoints; 0 = none."""

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Replace each "auto" by what suits `matrix`; see :mod:`tasks.models._wals_choice`."""
        wanted = Wanted(
            self.unobserved_weight,
            self.regularization,
            self.weighting,
            self.regularization_exponent,
            self.targets == "explicit",
            self.n_factors,
            self.iterations,
        )
        return self.model_copy(update=settle(matrix, wanted, rng)._asdict())


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes, with what "auto" tries first."""
    passes = config.iterations * (1.3 if config.unobserved_weight == "auto" else 1.0)
    return factorisation(sizes, config.n_factors, passes, 0.8e-9, 1.1e-10, 40, 2.2)


SPEC = ModelSpec(
    cost=cost,
    # What suits the log is tried on its last days: without times, only on pairs that users had for the first time.
    uses=frozenset({Need.HISTORY}),
    offers=frozenset(
        {
            Capability.FACTORS,
            Capability.SIMILAR_ITEMS,
            Capability.FOLD_IN,
            Capability.EXPLANATIONS,
            Capability.CHECKPOINTS,
        }
    ),
    # Around the optima that Rendle et al. report; sparser logs want a smaller `unobserved_weight`.
    search={
        "unobserved_weight": Range(3e-3, 1.0, log=True),
        "regularization": Range(1e-4, 1e-1, log=True),
        "weighting": Categorical(("log", "count", "binary")),
        "n_factors": Doubling(64, 256),
    },
)


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
    row_weights: Weights | None = None,
    col_weights: Weights | None = None,
    entry_weights: Weights | None = None,
    checkpoint: Checkpoint | None = None,
    resume: Resume | None = None,
) -> Factors:
    """Train WALS on `matrix`.

    Where `config` says "auto", parameters are tried first, without the weights given here.

    Parameters
    ----------
    matrix
        Grouped matrix of users x items.
    config
        Parameters of the model.
    rng
        Source of the first factors.
    progress
        Called after each iteration with the objective and its parts ``observed``, ``unobserved`` and
        ``regularization``; they cost one more pass over the entries.
    row_weights, col_weights
        (n_users,), (n_items,), >= 0: multiply the weights of a user's or an item's observed entries, as
        an item's margin would.
    entry_weights
        (n_entries,), >= 0, in the order of ``matrix.by_user``: replace the weights that
        `config.weighting` makes of the values.
    checkpoint
        Given the factors every `config.checkpoint_every` iterations.
    resume
        Go on from a checkpoint of the same fit; the result is that of a fit never interrupted.

    Returns
    -------
    Factors without item bias, the same at any number of threads. The user factors are those that
    :func:`fold_in_users` makes of the item factors.

    Raises
    ------
    ValueError
        If the matrix has no entries, a value or weight is NaN, infinite or negative, an array has
        another length, or `resume` does not fit; if the factors shrink to nothing or leave the range of
        float32, naming the parameter to change.

    """
    check_matrix(matrix)
    config = config.settled(matrix, rng=rng)
    users, items = sides(matrix, config, GivenWeights(row_weights, col_weights, entry_weights))
    done, x, y = start(matrix.by_user.shape, config.n_factors, config.iterations, rng, resume)
    sweeps(users, items, x, y, config, done=done, progress=progress, checkpoint=checkpoint)
    x = solution(users, y, config)
    check_finite_factors(x, users)
    check_fitted(users, x, y)
    return Factors(x, y)


def fold_in(scorer: Factors, by_user: Csr, config: Config) -> Factors:
    """Scorer of users who came after the training, (n_new_users, n_items), each solved exactly.

    What all of them share, such as the Gramian of the items, is made once for a scorer: a few users cost a few
    milliseconds however many items there are.
    """
    users, _ = sides(GroupedMatrix.from_csr(by_user.to_scipy()), config, GivenWeights())
    if not (users.regularization > 0).all():  # the equations may have many solutions: take the shortest
        return scorer.with_users(solution(users, scorer.item_factors, config))
    folded = np.empty((by_user.shape[0], config.n_factors), np.float32)
    solve_exactly(users, scorer.item_factors, folded, square=scorer.item_gramian)
    return scorer.with_users(folded)


def fold_in_users(
    matrix: GroupedMatrix,
    item_factors: Float32,
    config: Config,
    *,
    row_weights: Weights | None = None,
    col_weights: Weights | None = None,
    entry_weights: Weights | None = None,
) -> Float32:
    """Factors for users who came after the training, without training again.

    Parameters
    ----------
    matrix
        What these users did, with the items of the training.
    item_factors
        float32 (n_items, n_factors), as trained.
    config
        The configuration of the training.
    row_weights, col_weights, entry_weights
        As in :func:`fit`.

    Returns
    -------
    float32 (n_users, n_factors): the solution of each user's least-squares problem, 0 for a user
    without entries.

    Raises
    ------
    ValueError
        If the factors do not fit the matrix or `config`, or as in :func:`fit`.

    """
    check_factors("item_factors", item_factors, (matrix.n_items, config.n_factors))
    users, _ = sides(matrix, config, GivenWeights(row_weights, col_weights, entry_weights))
    return solution(users, item_factors, config)


def fold_in_items(
    matrix: GroupedMatrix,
    user_factors: Float32,
    config: Config,
    *,
    row_weights: Weights | None = None,
    col_weights: Weights | None = None,
    entry_weights: Weights | None = None,
) -> Float32:
    """Factors for items that came after the training: :func:`fold_in_users` with the sides changed.

    `matrix` holds the users of the training and the new items; returns float32 (n_items, n_factors).
    """
    check_factors("user_factors", user_factors, (matrix.n_users, config.n_factors))
    _, items = sides(matrix, config, GivenWeights(row_weights, col_weights, entry_weights))
    return solution(items, user_factors, config)


def explain(
    scorer: Factors,
    by_user: Csr,
    user_code: int,
    item_codes: npt.NDArray[np.integer],
    config: Config,
    n: int = 3,
) -> list[Reason]:
    """Say which past items added most to a user's scores.

    The scores that are split are those of the exact half step; :func:`fit` ends with the same ones, to the
    precision of float32.

    Parameters
    ----------
    scorer
        What :func:`fit` returned, trained without row, column or entry weights.
    by_user
        What it was trained on.
    user_code
        The user.
    item_codes
        Items on the user's list.
    config
        The configuration of the training.
    n
        Past items per item.

    """
    parts = contributions(scorer, by_user, user_code, item_codes, config)
    past, _ = by_user.row(user_code)
    return [Reason(found, "shares of the score") for found in strongest(parts, past, n)]


def contributions(
    scorer: Factors, by_user: Csr, user_code: int, item_codes: npt.NDArray[np.integer], config: Config
) -> npt.NDArray[np.float64]:
    """What each past item of a user adds to some scores, float64 (n_items asked for, n_past items)."""
    row = one_row(by_user, user_code)
    users, _ = sides(GroupedMatrix.from_csr(row.to_scipy()), config, GivenWeights())
    return wals_contributions(users, 0, scorer.item_factors, item_codes)


def sides(matrix: GroupedMatrix, config: Config, given: GivenWeights) -> tuple[Side, Side]:
    """Both sides of the problem: users to solve for, and items to solve for.

    Raises
    ------
    ValueError
        If `unobserved_weight` is still "auto", or as in :func:`tasks.numeric.wals_side.both_sides`.

    """
    return both_sides(matrix, terms(config), given)


def terms(config: Config) -> Terms:
    """What `config` asks for, in numbers.

    Raises
    ------
    ValueError
        If `unobserved_weight` is still "auto".

    """
    numbers = given_numbers(config.unobserved_weight, config.regularization, config.weighting)
    return Terms(
        numbers.weighting,
        config.targets == "explicit",
        numbers.unobserved_weight,
        numbers.regularization,
        config.regularization_exponent,
    )
