"""Content cosine: items whose features are those of what a user has had.

Pazzani, Billsus: Content-Based Recommendation Systems, The Adaptive Web, 2007: a user is the weighted mean of the
profiles of past items, and an item scores by the cosine with it. What nobody has taken yet is scored like all else.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.limits import MAX_DAYS
from data_contracts.scoring import Codes, Lists, Scores
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason
from tasks.models._item_profiles import BlockWeights, check_profiles, item_profiles, unit_rows
from tasks.models._search_space import Categorical, Range
from tasks.numeric.common_order import rank_fractions
from tasks.numeric.csr import Weighting, value_weights, weighed
from tasks.numeric.dense import DENSE_BYTES, DenseScorer
from tasks.numeric.exclusion import take_rows
from tasks.numeric.reasons import strongest
from tasks.numeric.topk import select_top_k

Float64 = npt.NDArray[np.float64]

TIES: Final = 1e-6
"""Popularity is worth less than this: it orders items that are as like a user, and all items for users without any."""


class Config(ModelConfig):
    """What each kind of feature counts, and how a user's past is weighed."""

    labels: float = Field(default=1.0, ge=0, le=1e6, allow_inf_nan=False)
    """Weight of each labels attribute, such as genres."""
    titles: float = Field(default=1.0, ge=0, le=1e6, allow_inf_nan=False)
    """Weight of the words of the title."""
    numbers: float = Field(default=0.25, ge=0, le=1e6, allow_inf_nan=False)
    """Weight of each number, such as a price."""
    dates: float = Field(default=0.25, ge=0, le=1e6, allow_inf_nan=False)
    """Weight of each date, and of a year in brackets at the end of titles."""
    n_buckets: int = Field(default=10, ge=2, le=1_000)
    """A number or date is one of so many ranges that hold about as many items each."""
    min_items: int = Field(default=1, ge=1, le=1_000_000)
    """A word that fewer items have is left out; one that no other item has makes an item less like others."""
    weighting: Weighting = "count"
    """How a past item speaks: evenly, by its value, or by log(1 + value)."""
    half_life_days: float = Field(default=21.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Half-life of the popularity that orders ties, and that unknown users get."""


SPEC = ModelSpec(
    needs=frozenset({Need.ITEM_FEATURES}),
    uses=frozenset({Need.TIMES}),
    offers=frozenset(
        {Capability.SIMILAR_ITEMS, Capability.NEW_ITEMS, Capability.FOLD_IN, Capability.EXPLANATIONS}
    ),
    search={
        "labels": Range(0.05, 5.0, log=True),
        "titles": Range(0.05, 5.0, log=True),
        "weighting": Categorical(("count", "log", "binary")),
    },
    collaborative=False,
)


@dataclass(frozen=True, eq=False)
class ContentScores(DenseScorer):
    """Cosines of users' profiles, which are made when asked for, and items'.

    Parameters
    ----------
    own
        Csr (n_users, n_items): what each past item weighs, at least 0.
    profiles
        Csr (n_items, n_features): rows of length 1, or empty.
    popular
        float64 (n_items,): what an unknown user gets, and the order of ties.

    """

    own: Csr
    profiles: Csr
    popular: Float64

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.own.shape

    @property
    def cold_start(self) -> Scores:
        """What is popular."""
        return self.popular

    def scores(self, user_codes: Codes) -> Scores:
        """Cosines and a crumb of popularity, float64 (len(user_codes), n_items)."""
        past = take_rows(self.own, np.asarray(user_codes, dtype=np.int64)).to_scipy()
        found = self._cosines(unit_rows(past @ self._items))
        found += self._ties
        return found

    def similar_items(self, item_codes: Codes, k: int) -> Lists:
        """Items by the cosine of their profiles; one that has nothing in common with an item is not like it."""
        codes = np.asarray(item_codes, dtype=np.int64)
        n_items = self.shape[1]
        items = np.full((len(codes), min(k, n_items)), -1, np.int32)
        scores = np.full(items.shape, -np.inf, np.float32)
        step = max(1, DENSE_BYTES // (8 * n_items))
        for first in range(0, len(codes), step):
            part = slice(first, first + step)
            cosines = self._cosines(self._items[codes[part]])
            cosines[np.arange(len(cosines)), codes[part]] = -np.inf
            cosines[cosines <= 0] = -np.inf
            items[part], scores[part] = select_top_k(cosines, items.shape[1])
        return items, scores

    def _cosines(self, rows: csr_matrix) -> Float64:
        """Products of some rows with all items, float64 (n_rows, n_items)."""
        found = np.empty((rows.shape[0], self.shape[1]))
        step = max(1, DENSE_BYTES // (8 * max(1, self.profiles.n_cols)))
        for first in range(0, len(found), step):
            part = slice(first, first + step)
            found[part] = (self._items @ rows[part].T.toarray()).T
        return found

    @cached_property
    def _items(self) -> csr_matrix:
        return self.profiles.to_scipy().astype(np.float64)

    @cached_property
    def _ties(self) -> Float64:
        """Ranks by popularity, below :data:`TIES`; equal ones by the lower code."""
        return TIES * rank_fractions(self.popular)


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> ContentScores:
    """Describe the items, and weigh what each user has had.

    Parameters
    ----------
    matrix
        With item features.
    config
        Weights of the features.
    rng
        Not used: nothing is random.
    progress
        Not used: there is one step.

    Raises
    ------
    ValueError
        If the features say nothing: all items are alike, or the weights leave all features out.

    """
    if matrix.item_features is None:
        raise ValueError(
            f"content_cosine needs item features of the {matrix.n_items} items; the matrix has none"
        )
    weights = BlockWeights(config.labels, config.titles, config.numbers, config.dates)
    profiles = item_profiles(
        matrix.item_features,
        matrix.n_items,
        weights=weights,
        n_buckets=config.n_buckets,
        min_items=config.min_items,
    )
    check_profiles(profiles, "name features that differ under [columns] or [items], or take this model out")
    popular = matrix.item_events(config.half_life_days)
    return ContentScores(weighed(matrix.by_user, config.weighting), profiles, popular)


def fold_in(scorer: ContentScores, by_user: Csr, config: Config) -> ContentScores:
    """A scorer of some new users, from what they had: `by_user` (n_new_users, n_items)."""
    return ContentScores(weighed(by_user, config.weighting), scorer.profiles, scorer.popular)


def explain(
    scorer: ContentScores, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Past items by what each adds to the cosine: its own with the item, times what it weighs."""
    past, values = by_user.row(user_code)
    items = scorer.profiles.to_scipy()
    cosines = (items[np.asarray(item_codes)] @ items[past].T).toarray().astype(np.float64)
    found = strongest(cosines * value_weights(values, config.weighting), past, n)
    return [
        Reason(each, "features in common with past items" if each else "popular, and nothing in common")
        for each in found
    ]
