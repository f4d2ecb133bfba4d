"""Rating means: the mean of all ratings, plus how high the user rates and how well the item is rated.

The baseline that every model of ratings must beat: Y. Koren, "Factorization Meets the Neighborhood", KDD 2008, section
2.1; the damping of what has few ratings follows S. Funk (2006).
"""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from data_contracts.interactions import GroupedMatrix
from data_contracts.scoring import Scores
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._biased_factors import RatingFactors, check_ratings, damped_means, scale_of
from tasks.models._search_space import Range


class Config(ModelConfig):
    """How little is believed of what has few ratings."""

    user_damping: float = Field(default=5.0, ge=0, le=1e6, allow_inf_nan=False)
    """Ratings at the mean added to those of each user."""
    item_damping: float = Field(default=5.0, ge=0, le=1e6, allow_inf_nan=False)
    """Ratings at the mean added to those of each item."""


SPEC = ModelSpec(
    needs=frozenset({Need.RATINGS}),
    offers=frozenset({Capability.RATINGS}),
    search={"user_damping": Range(0.5, 50.0, log=True), "item_damping": Range(0.5, 50.0, log=True)},
    personal=False,
    collaborative=False,
)


@dataclass(frozen=True, eq=False)
class RatingMeans(RatingFactors):
    """Biases alone, which have an opinion on unknown users too: the items that are rated best."""

    @property
    def cold_start(self) -> Scores | None:  # type: ignore[override]
        """Mean ratings of the items, (n_items,)."""
        return self.item_bias


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> RatingMeans:
    """Take the damped means.

    Parameters
    ----------
    matrix
        With ratings.
    config
        Parameters of the model.
    rng
        Not used: counting is not random.
    progress
        Not used: there is one step.

    Returns
    -------
    RatingMeans. Lists are the same for all users: the items that are rated best.

    Raises
    ------
    ValueError
        If there are no ratings, or one is not finite.

    """
    ratings = check_ratings(matrix.ratings)
    mean, users, items = damped_means(ratings, (config.user_damping, config.item_damping))
    none = np.zeros((matrix.n_users, 0), np.float32), np.zeros((matrix.n_items, 0), np.float32)
    bias = (items + mean).astype(np.float32)
    return RatingMeans.of(none[0], none[1], users.astype(np.float32), bias, **scale_of(ratings))
