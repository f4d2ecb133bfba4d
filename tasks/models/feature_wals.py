"""WALS that knows what items are: factors are drawn to what the items' features say, not to 0.

As :mod:`tasks.models.wals`, but the penalty of an item's factors is ``lam_i |y_i - w B g_i|^2``, where g_i are the item's
features, B is the ridge of item factors on features, weighted by lam_i, and w is the weight of features (with w = 1 the
feature-aware iALS of irspack's documentation; in the spirit of D. Agarwal, B.-C. Chen: Regression-based Latent Factor
Models, KDD 2009). A sweep solves users, the map, then items. What an item has of its own stays beside its features, so
that items with many events lose nothing; an item of the catalogue that nobody could take yet gets B g_i itself. Users
with few items are drawn to the mean of all users in the same way, after the last sweep and when they are folded in.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.sparse import csr_matrix, hstack

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Codes
from tasks.models import Capability, ModelSpec, Need, Progress, Reason, wals
from tasks.models._checkpoints import Checkpoint, Resume, start
from tasks.models._cost import Cost, Sizes
from tasks.models._item_profiles import BlockWeights, check_profiles, item_profiles
from tasks.models._search_space import Range
from tasks.models._wals_health import check_finite_factors, check_fitted
from tasks.models._wals_sweeps import solution, sweeps
from tasks.numeric.csr import check_matrix, one_row
from tasks.numeric.reasons import strongest, wals_contributions
from tasks.numeric.ridge import ridge
from tasks.numeric.scorers import Factors
from tasks.numeric.wals_side import GivenWeights, Side

Float32 = npt.NDArray[np.float32]

NEAR: Final = 1e-5
"""Squared residual of the map, as a share: the next sweep makes another."""
MAP_SECONDS: Final = 1e-7
"""Of one map, for each factor of each item."""


class Config(wals.Config):
    """Parameters of WALS, and of what features say."""

    solver: Literal["cg", "cholesky"] = "cg"
    """"cg" improves rows by conjugate gradients, "cholesky" solves them exactly."""
    feature_weight: float = Field(default=0.3, ge=0, le=1)
    """How far factors are drawn to what features say: 1 = there, 0 = to 0 as in WALS. New items are placed
    where features say whatever this is."""
    newcomer_items: float = Field(default=10.0, ge=0, le=1e9, allow_inf_nan=False)
    """Users are drawn to the mean of all users: those without items wholly, those with so many half as far; 0 = none."""
    ridge: float = Field(default=3.0, gt=0, le=1e9, allow_inf_nan=False)
    """How strongly the map is drawn to 0: as by so many items of mean weight for each feature."""
    labels: float = Field(default=1.0, ge=0, le=1e6, allow_inf_nan=False)
    """Weight of each labels attribute, such as genres, in an item's features."""
    titles: float = Field(default=1.0, ge=0, le=1e6, allow_inf_nan=False)
    """Weight of the words of the title."""
    numbers: float = Field(default=0.25, ge=0, le=1e6, allow_inf_nan=False)
    """Weight of each number, such as a price."""
    dates: float = Field(default=0.25, ge=0, le=1e6, allow_inf_nan=False)
    """Weight of each date, and of a year in brackets at the end of titles."""
    n_buckets: int = Field(default=10, ge=2, le=1_000)
    """A number or date is one of so many ranges that hold about as many items each."""
    min_items: int = Field(default=2, ge=1, le=1_000_000)
    """A word that fewer items have is left out."""

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Replace each "auto" by what suits the items that have events."""
        return super().settled(with_events(matrix), rng=rng)


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: WALS, and the map beside it."""
    taste, cells = wals.cost(config, sizes), sizes.n_items * config.n_factors
    return Cost(taste.seconds + (config.iterations + 1) * MAP_SECONDS * cells, taste.memory_bytes + 8 * cells)


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.ITEM_FEATURES}),
    uses=wals.SPEC.uses,
    offers=wals.SPEC.offers | {Capability.NEW_ITEMS},
    search={
        **wals.SPEC.search,
        "feature_weight": Range(0.1, 1.0),
        "ridge": Range(0.3, 30.0, log=True),
    },
)


@dataclass(frozen=True, eq=False)
class FeatureFactors(Factors):
    """Factors of which some stand for items that nobody could take yet.

    Parameters
    ----------
    user_factors, item_factors, item_bias
        As in :class:`tasks.numeric.scorers.Factors`.
    n_known
        Items, the first codes, that users' factors are solved from: that a user has not taken any other says
        nothing.
    mean_user
        float32 (n_factors,): where factors of users with few items are drawn to.

    """

    n_known: int = 0
    mean_user: Float32 = field(default_factory=lambda: np.zeros(0, np.float32))


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
    resume: Resume | None = None,
) -> FeatureFactors:
    """Train on the items that have events, then place the rest of the catalogue by its features.

    Parameters
    ----------
    matrix
        With item features.
    config
        Parameters of the model.
    rng
        Source of the first factors.
    progress, checkpoint, resume
        As in :func:`tasks.models.wals.fit`.

    Raises
    ------
    ValueError
        If all items have the same features, or as in :func:`tasks.models.wals.fit`.

    """
    check_matrix(matrix)
    features = item_features(matrix, config)
    known = with_events(matrix)
    config = config.settled(matrix, rng=rng)
    users, items = wals.sides(known, config, GivenWeights())
    about, weight = features[: known.n_items], np.float32(config.feature_weight)

    def like_features(y: Float32) -> Float32:
        return weight * (about @ feature_map(about, y, items, config))

    done, x, y = start(known.by_user.shape, config.n_factors, config.iterations, rng, resume)
    sweeps(
        users, items, x, y, config, done=done, progress=progress, checkpoint=checkpoint, prior=like_features
    )
    mean = mean_factors(x, users)
    x = user_solution(users, y, mean, config)
    check_finite_factors(x, users)
    check_fitted(users, x, y)
    new = features[known.n_items :] @ feature_map(about, y, items, config)
    return FeatureFactors(x, np.concatenate([y, new]), mean_user=mean, n_known=known.n_items)


def with_events(matrix: GroupedMatrix) -> GroupedMatrix:
    """The matrix without the items that only the catalogue has, and without what says more of items."""
    n_items = matrix.n_items_with_events
    columns = matrix.by_item
    rows = Csr(matrix.by_user.indptr, matrix.by_user.indices, matrix.by_user.values, n_items)
    turned = Csr(columns.indptr[: n_items + 1], columns.indices, columns.values, columns.n_cols)
    return GroupedMatrix(rows, turned, history=matrix.history)


def item_features(matrix: GroupedMatrix, config: Config) -> Any:
    """Profiles of all items and a column of ones, scipy CSR float32 (n_items, n_features + 1)."""
    if matrix.item_features is None:
        raise ValueError(
            f"feature_wals needs item features of the {matrix.n_items} items; the matrix has none"
        )
    profiles = item_profiles(
        matrix.item_features,
        matrix.n_items,
        weights=BlockWeights(config.labels, config.titles, config.numbers, config.dates),
        n_buckets=config.n_buckets,
        min_items=config.min_items,
    )
    check_profiles(profiles, "name features that differ under [columns] or [items], or train wals instead")
    ones = csr_matrix(np.ones((matrix.n_items, 1), dtype=np.float32))
    return hstack([profiles.to_scipy(), ones], format="csr", dtype=np.float32)


def mean_factors(x: Float32, users: Side) -> Float32:
    """Mean of the users' factors, weighted by their regularization, float32 (n_factors,)."""
    weights = users.regularization.astype(np.float64)
    weights = weights if weights.any() else np.ones(len(x))
    mean = weights @ x / weights.sum()
    return mean.astype(np.float32)


def user_solution(users: Side, y: Float32, mean: Float32, config: Config) -> Float32:
    """Factors of users, who are drawn to the mean the more the fewer items they have, float32 (n_users, n_factors)."""
    few = config.newcomer_items
    n_items = users.rows.lengths()
    newness = few / (few + n_items) if few else np.zeros(len(n_items))
    return solution(replace(users, prior=newness.astype(np.float32)[:, None] * mean), y, config)


def feature_map(about: Any, y: Float32, items: Side, config: Config) -> Float32:
    """What features say of factors, float32 (n_features, n_factors): the ridge of `y` on `about`."""
    weights = items.regularization
    mean = float(weights.mean(dtype=np.float64))
    # Nothing regularised means nothing is drawn anywhere; new items are placed all the same.
    given = weights / mean if mean > 0 else np.ones(len(weights))
    return ridge(about, y, given, config.ridge, tolerance=NEAR)


def fold_in(scorer: FeatureFactors, by_user: Csr, config: Config) -> FeatureFactors:
    """Scorer of users who came after the training, from what they had: `by_user` (n_new_users, n_items).

    Whoever has had nothing but items that had events in training is solved as in training; where some took new
    items, these and the rest of the catalogue count for them.
    """
    owner = np.repeat(np.arange(by_user.shape[0]), by_user.lengths())
    later = np.bincount(owner[by_user.indices >= scorer.n_known], minlength=by_user.shape[0]) > 0
    factors = np.zeros((by_user.shape[0], config.n_factors), dtype=np.float32)
    rows = by_user.to_scipy()
    for users, n_items in ((~later, scorer.n_known), (later, by_user.n_cols)):
        if users.any():
            some = GroupedMatrix.from_csr(rows[users][:, :n_items])
            side, _ = wals.sides(some, config, GivenWeights())
            factors[users] = user_solution(side, scorer.item_factors[:n_items], scorer.mean_user, config)
    return scorer.with_users(factors)


def explain(
    scorer: FeatureFactors, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Say which past items added most to a user's scores, as :func:`tasks.models.wals.explain` does."""
    row = one_row(by_user, user_code)
    past = Csr(row.indptr, row.indices, row.values, scorer.n_known)
    users, _ = wals.sides(GroupedMatrix.from_csr(past.to_scipy()), config, GivenWeights())
    known = scorer.item_factors[: scorer.n_known]
    parts = wals_contributions(users, 0, known, item_codes, scorer.item_factors)
    placed = ("shares of the score", "shares of the score; the item is new and placed by its features")
    return [
        Reason(found, placed[int(code >= scorer.n_known)])
        for found, code in zip(strongest(parts, past.indices, n), np.asarray(item_codes), strict=True)
    ]
