"""Factors with the bias of users and items, for chances and for ratings."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Codes, Lists, Scores
from tasks.numeric.scorers import Factors

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


MOST_DAMPING = 1e6
"""Ratings at the mean added where nothing can be told apart."""


@dataclass(frozen=True, eq=False)
class BiasedFactors(Factors):
    """Factors whose last column is the user's bias, times 1.

    The order of a user's items does without that bias; that of an item's users does not, and no rating does.
    """

    @classmethod
    def of(cls, users: Float32, items: Float32, user_bias: Float32, item_bias: Float32, **more: Any) -> Self:
        """From factors (n_users, n_factors) and (n_items, n_factors) and biases (n_users,) and (n_items,)."""
        ones = np.ones((len(items), 1), np.float32)
        return cls(
            np.ascontiguousarray(np.hstack([users, user_bias[:, None]]), dtype=np.float32),
            np.ascontiguousarray(np.hstack([items, ones]), dtype=np.float32),
            np.asarray(item_bias, dtype=np.float32),
            **more,
        )

    def similar_items(self, item_codes: Codes, k: int) -> Lists:
        """Items by the cosine of their tastes alone: a column of ones would make all of them alike."""
        return self._tastes.similar_items(item_codes, k)

    @cached_property
    def _tastes(self) -> Factors:
        return Factors(self.user_factors[:, :-1].copy(), self.item_factors[:, :-1].copy())


@dataclass(frozen=True, eq=False)
class RatingFactors(BiasedFactors):
    """Factors and biases that add up to a rating; lists are in the order of the predicted ratings.

    Parameters
    ----------
    lowest, highest
        Ends of the log's scale, which no prediction goes beyond.

    """

    lowest: float = -np.inf
    highest: float = np.inf

    @property
    def cold_start(self) -> Scores | None:
        """What an unknown user would rate: the item's bias alone."""
        return self.item_bias

    def predict_ratings(self, user_codes: Codes, item_codes: Codes) -> Float32:
        """Predicted values of some pairs, (n_pairs,); code -1 is an unknown user, who has no bias and no taste."""
        users, items = np.asarray(user_codes), np.asarray(item_codes)
        known = users >= 0
        assert self.item_bias is not None
        found = self.item_bias[items].astype(np.float64)
        rows = self.user_factors[users[known]].astype(np.float64)
        found[known] += np.einsum("ij,ij->i", rows, self.item_factors[items[known]])
        return np.clip(found, self.lowest, self.highest).astype(np.float32)


def owners(ratings: Csr) -> npt.NDArray[np.int64]:
    """User code of each rating, int64 (n_ratings,)."""
    return np.repeat(np.arange(ratings.shape[0]), ratings.lengths())


def part_of(ratings: Csr, kept: npt.NDArray[np.bool_]) -> Csr:
    """Some of the ratings, by a mask of their number."""
    lengths = np.bincount(owners(ratings)[kept], minlength=ratings.shape[0])
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Csr(indptr, ratings.indices[kept], ratings.values[kept], ratings.n_cols)


def held_out(ratings: Csr, share: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which ratings say when to stop, bool (n_ratings,): a draw of about a share, or none where that would be all."""
    held = rng.random(ratings.nnz) < share
    return held if not held.all() else np.zeros(ratings.nnz, np.bool_)


def damped_means(
    ratings: Csr, damping: tuple[float, float], rounds: int = 10
) -> tuple[float, Float64, Float64]:
    """Mean rating, and what users and items add to it; what has few ratings is drawn towards 0.

    Parameters
    ----------
    ratings
        Csr (n_users, n_items), at least one.
    damping
        Ratings of 0 added to those of each user, and of each item.
    rounds
        Alternations between the two, each given the other.

    Returns
    -------
    mean, user biases float64 (n_users,), item biases float64 (n_items,)

    """
    n_users, n_items = ratings.shape
    users = owners(ratings)
    mean = float(ratings.values.mean(dtype=np.float64))
    rest = ratings.values - mean
    user_bias, item_bias = np.zeros(n_users), np.zeros(n_items)
    per_user = np.bincount(users, minlength=n_users) + damping[0]
    per_item = np.bincount(ratings.indices, minlength=n_items) + damping[1]
    for _ in range(rounds):
        item_bias = np.bincount(ratings.indices, rest - user_bias[users], n_items) / np.maximum(
            per_item, 1e-9
        )
        user_bias = np.bincount(users, rest - item_bias[ratings.indices], n_users) / np.maximum(
            per_user, 1e-9
        )
    return mean, user_bias, item_bias


def damping_of(ratings: Csr) -> tuple[float, float]:
    """How little to believe of users and of items that have few ratings: the best damping, from the ratings themselves.

    The variance within over the variance between, by the analysis of variance of one-way random effects (S. Searle, G.
    Casella, C. McCulloch: Variance Components, 1992, chapter 3): items first, then users on what items leave. Where
    users or items differ by no more than chance, it is :data:`MOST_DAMPING`, and nothing is left but the mean.

    Returns
    -------
    damping of users, damping of items

    """
    users, items = owners(ratings), ratings.indices
    rest = ratings.values - ratings.values.mean(dtype=np.float64)
    of_items = _damping(items, rest, ratings.n_cols)
    _, _, item_bias = damped_means(ratings, (MOST_DAMPING, of_items), rounds=1)
    return _damping(users, rest - item_bias[items], ratings.shape[0]), of_items


def _damping(group: npt.NDArray[np.integer], values: Float64, n_groups: int) -> float:
    counts = np.bincount(group, minlength=n_groups)
    there = counts > 0
    means = np.bincount(group, values, n_groups)[there] / counts[there]
    n, k = len(values), int(there.sum())
    if k < 2 or n <= k:
        return MOST_DAMPING
    between = float(np.sum(counts[there] * (means - values.mean()) ** 2))
    within = float(np.sum(values**2) - np.sum(counts[there] * means**2)) / (n - k)
    spread = (between - (k - 1) * within) / (n - float(np.sum(counts[there] ** 2.0)) / n)
    return min(MOST_DAMPING, max(within / spread, 0.0)) if spread > 0 else MOST_DAMPING


def scale_of(ratings: Csr) -> dict[str, float]:
    """Lowest and highest rating, as :class:`RatingFactors` takes them."""
    return {"lowest": float(ratings.values.min()), "highest": float(ratings.values.max())}


def check_ratings(ratings: Csr | None) -> Csr:
    """The ratings of a matrix.

    Raises
    ------
    ValueError
        If there are none, or one is not finite.

    """
    if ratings is None or ratings.nnz == 0:
        raise ValueError("the matrix has no entries with ratings; a model of ratings needs at least 1")
    if not np.isfinite(ratings.values).all():
        raise ValueError("ratings must be finite")
    return ratings
