"""Rating means: the mean of all ratings, plus how high the user rates and how well the item is rated.

The baseline that every model of ratings must beat: Y. Koren, "Factorization Meets the Neighborhood", KDD 2008, section
2.1; the damping of what has few ratings follows S. Funk (2006).
"""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from data_contracts.interactions import GroupedMatrix
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._biased_factors import RatingFactors, check_ratings, damped_means, damping_of, scale_of
from tasks.models._search_space import Range

Damping = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Auto = Literal["auto"]


class Config(ModelConfig):
    """How little is believed of what has few ratings."""

    user_damping: Damping | Auto = "auto"
    """Ratings at the mean added to those of each user; "auto" takes as many as the spread of users asks for."""
    item_damping: Damping | Auto = "auto"
    """Ratings at the mean added to those of each item; "auto" as for users."""

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Replace each "auto" by a number; nothing is drawn."""
        if (
            "auto" not in {self.user_damping, self.item_damping}
            or matrix.ratings is None
            or not matrix.ratings.nnz
        ):
            return self
        users, items = damping_of(matrix.ratings)
        found = {"user_damping": users, "item_damping": items}
        return self.model_copy(update={key: found[key] for key in found if getattr(self, key) == "auto"})


SPEC = ModelSpec(
    needs=frozenset({Need.RATINGS}),
    offers=frozenset({Capability.RATINGS}),
    search={"user_damping": Range(0.5, 50.0, log=True), "item_damping": Range(0.5, 50.0, log=True)},
    personal=False,
    collaborative=False,
)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> RatingFactors:
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
    RatingFactors. Lists are the same for all users: the items that are rated best.

    Raises
    ------
    ValueError
        If there are no ratings, or one is not finite.

    """
    ratings = check_ratings(matrix.ratings)
    config = config.settled(matrix, rng=rng)
    assert config.user_damping != "auto"
    assert config.item_damping != "auto"
    mean, users, items = damped_means(ratings, (config.user_damping, config.item_damping))
    none = np.zeros((matrix.n_users, 0), np.float32), np.zeros((matrix.n_items, 0), np.float32)
    bias = (items + mean).astype(np.float32)
    return RatingFactors.of(none[0], none[1], users.astype(np.float32), bias, **scale_of(ratings))
