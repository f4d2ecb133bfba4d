"""A rating is the mean, plus what the user and the item deviate from it. A toy that predicts ratings."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import GroupedMatrix
from data_contracts.scoring import Codes, Float32, Scores
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.numeric.dense import DenseScorer

SPEC = ModelSpec(
    needs=frozenset({Need.RATINGS}),
    offers=frozenset({Capability.RATINGS}),
    # What a user deviates by is the same for all items: it orders nothing.
    personal=False,
    collaborative=False,
)


class Config(ModelConfig):
    """Parameters of the means."""

    damping: float = Field(default=5.0, ge=0, le=1e6)
    """Ratings of the mean that every user and item starts with."""


@dataclass(frozen=True, eq=False)
class MeanRatings(DenseScorer):
    """Deviations of users and items from the mean of all ratings."""

    mean: float
    users: npt.NDArray[np.float64]
    items: npt.NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return len(self.users), len(self.items)

    @property
    def cold_start(self) -> Scores:
        """Mean ratings of the items."""
        return self.mean + self.items

    def scores(self, user_codes: Codes) -> Scores:
        """Predicted ratings, (len(user_codes), n_items)."""
        return self.mean + self.users[user_codes][:, None] + self.items

    def predict_ratings(self, user_codes: Codes, item_codes: Codes) -> Float32:
        """Predicted ratings of pairs; an unknown user (-1) deviates by nothing."""
        users = np.where(user_codes < 0, 0.0, self.users[user_codes])
        return (self.mean + users + self.items[item_codes]).astype(np.float32)


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> MeanRatings:
    """Deviations of items first, then of users from what is left."""
    ratings = matrix.ratings
    assert ratings is not None
    mean = float(ratings.values.mean()) if ratings.nnz else 0.0
    users = np.repeat(np.arange(matrix.n_users), ratings.lengths())
    left = ratings.values.astype(np.float64) - mean
    of_items = _means(ratings.indices, left, matrix.n_items, config.damping)
    of_users = _means(users, left - of_items[ratings.indices], matrix.n_users, config.damping)
    return MeanRatings(mean, of_users, of_items)


def _means(
    codes: npt.NDArray[np.integer], values: npt.NDArray[np.float64], n: int, damping: float
) -> npt.NDArray[np.float64]:
    counts = np.bincount(codes, minlength=n) + damping
    return np.bincount(codes, weights=values, minlength=n) / np.where(counts > 0, counts, 1.0)
