"""GMF: a rating from the product, number by number, of a user's and an item's vector, weighed and added up.

Generalized matrix factorization (X. He et al.: Neural Collaborative Filtering, WWW 2017) with a rating head: squared
loss, Adagrad. The best epoch on a held-out part of the ratings is kept.
"""

import numpy as np
from pydantic import Field

from data_contracts.interactions import GroupedMatrix
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._biased_factors import RatingFactors, check_ratings, scale_of
from tasks.models._cost import Cost, Sizes, factorisation
from tasks.models._search_space import Doubling, Range


class Config(ModelConfig):
    """Size of the model and schedule of its training."""

    n_factors: int = Field(default=32, ge=1, le=4096)
    """Length of the vectors."""
    learning_rate: float = Field(default=0.05, gt=0, le=10, allow_inf_nan=False)
    """Length of a step of Adagrad."""
    regularization: float = Field(default=0.2, ge=0, le=1e3, allow_inf_nan=False)
    """Pull of the vectors that a step meets towards 0."""
    batch: int = Field(default=1_024, ge=1, le=10_000_000)
    """Ratings stepped on at once."""
    epochs: int = Field(default=40, ge=1, le=10_000)
    """Passes at most."""
    validation_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the ratings that decides when to stop."""
    min_delta: float = Field(default=1e-4, ge=0, le=1e6, allow_inf_nan=False)
    """By how much the loss must fall to count as better."""
    patience: int = Field(default=3, ge=1, le=10_000)
    """Epochs without a better loss after which training stops."""


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes."""
    return factorisation(sizes, config.n_factors + 50, config.epochs, 2e-8, 0.0, 60, 4.0)


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.RATINGS}),
    offers=frozenset({Capability.RATINGS, Capability.SIMILAR_ITEMS}),
    extra="neural",
    search={
        "n_factors": Doubling(8, 64),
        "learning_rate": Range(3e-3, 0.2, log=True),
        "regularization": Range(1e-3, 0.3, log=True),
    },
    # Its lists are in the order of predicted ratings: that is not what somebody will take next.
    collaborative=False,
)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> RatingFactors:
    """Train on the ratings as they are.

    Parameters
    ----------
    matrix
        With ratings.
    config
        Parameters of the model.
    rng
        Source of the first vectors, of the held-out part and of the batches.
    progress
        Called after each epoch with ``loss`` and ``validation_loss``, mean squared errors.

    Returns
    -------
    RatingFactors: the weights of the head are multiplied into the users' vectors. Users and items without ratings have
    no vector, only the mean.

    Raises
    ------
    ValueError
        If there are no ratings, one is not finite, or training diverges.

    """
    from tasks.models._rating_network import train_on_ratings

    ratings = check_ratings(matrix.ratings)
    users, items, user_bias, item_bias = train_on_ratings(ratings, config, rng, progress)
    return RatingFactors.of(users, items, user_bias, item_bias, **scale_of(ratings))
