"""Autoencoder: an item's ratings through a narrow network and back, which fills in the ones that are not there.

O. Kuchaiev, B. Ginsburg: Training Deep AutoEncoders for Collaborative Filtering, 2017: layers 56, 28, 56 with selu and
dropout, the error taken over the observed ratings alone, and dense re-feeding: what came out goes through once more as
if it were complete, and must come out as it went in. Ratings are what remains beyond the damped means of users and items.
"""

import numpy as np
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._biased_factors import (
    RatingFactors,
    check_ratings,
    damped_means,
    damping_of,
    held_out,
    owners,
    part_of,
    scale_of,
)
from tasks.models._cost import Cost, Sizes
from tasks.models._search_space import Range


class Config(ModelConfig):
    """Size of the network and schedule of its training."""

    n_hidden: int = Field(default=56, ge=1, le=4096)
    """Width of the first and of the last hidden layer."""
    n_code: int = Field(default=28, ge=1, le=4096)
    """Width of the layer in the middle."""
    dropout: float = Field(default=0.8, ge=0, lt=1)
    """Share of the middle layer that is dropped in training."""
    learning_rate: float = Field(default=1e-3, gt=0, le=1, allow_inf_nan=False)
    """Length of a step of Adam."""
    weight_decay: float = Field(default=1e-2, ge=0, le=1e3, allow_inf_nan=False)
    """Pull of all weights towards 0, times the learning rate."""
    refeed: bool = True
    """Whether what came out goes through once more."""
    batch: int = Field(default=256, ge=1, le=1_000_000)
    """Items stepped on at once."""
    epochs: int = Field(default=60, ge=1, le=10_000)
    """Passes at most."""
    validation_share: float = Field(default=0.1, gt=0, lt=1)
    """Share of the ratings that decides when to stop."""
    min_delta: float = Field(default=1e-4, ge=0, le=1e6, allow_inf_nan=False)
    """By how much the loss must fall to count as better."""
    patience: int = Field(default=4, ge=1, le=10_000)
    """Epochs without a better loss after which training stops."""


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: every item against all users, once or twice."""
    per_epoch = 12.0 * sizes.n_items * sizes.n_users * config.n_hidden
    memory = 24.0 * config.n_hidden * sizes.n_users + 40.0 * config.batch * sizes.n_users
    return Cost(config.epochs * per_epoch / 5e10, memory)


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.RATINGS}),
    offers=frozenset({Capability.RATINGS, Capability.SIMILAR_ITEMS}),
    extra="neural",
    search={
        "dropout": Range(0.0, 0.8),
        "learning_rate": Range(1e-4, 1e-2, log=True),
        "weight_decay": Range(1e-4, 1.0, log=True),
    },
    # Its lists are in the order of predicted ratings: that is not what somebody will take next.
    collaborative=False,
)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> RatingFactors:
    """Train on items' ratings, batch by batch; the table of items and users is never whole.

    Parameters
    ----------
    matrix
        With ratings.
    config
        Parameters of the model.
    rng
        Source of the first weights, of the held-out part and of the batches.
    progress
        Called after each epoch with ``loss`` and ``validation_loss``, mean squared errors.

    Returns
    -------
    RatingFactors: an item's last hidden layer and the weights that lead from it to a user.

    Raises
    ------
    ValueError
        If there are no ratings, one is not finite, or training diverges.

    """
    from tasks.models._autoencoder_network import train_autoencoder

    ratings = check_ratings(matrix.ratings)
    held = held_out(ratings, config.validation_share, rng)
    # Means of what is learned from: with the rest in them, no epoch after the first would look better.
    known = part_of(ratings, ~held)
    mean, user_bias, item_bias = damped_means(known, damping_of(known))
    rest = ratings.values - mean - user_bias[owners(ratings)] - item_bias[ratings.indices]
    left = Csr(ratings.indptr, ratings.indices, rest.astype(np.float32), ratings.n_cols)
    users, items, offsets = train_autoencoder(left, held, config, rng, progress)
    total = (user_bias + offsets).astype(np.float32)
    return RatingFactors.of(users, items, total, (item_bias + mean).astype(np.float32), **scale_of(ratings))
