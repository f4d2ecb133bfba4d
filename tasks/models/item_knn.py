"""Item neighbours: an item scores by how much the user's past items are like it.

G. Linden, B. Smith, J. York: Amazon.com Recommendations: Item-to-Item Collaborative Filtering, IEEE Internet
Computing 2003; the shrinkage of rare pairs follows R. Bell, Y. Koren, ICDM 2007.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.sparse import csr_matrix, identity

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.limits import MAX_DAYS
from data_contracts.scoring import Codes, Lists
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason
from tasks.models._search_space import Range
from tasks.models._sparse_scores import below, by_blocks
from tasks.numeric.csr import Weighting, check_matrix, value_weights, weighed
from tasks.numeric.neighbours import item_neighbours
from tasks.numeric.reasons import strongest
from tasks.numeric.scorers import PersonalScores


class Config(ModelConfig):
    """Size of the neighbourhoods."""

    neighbours: int = Field(default=100, ge=1, le=10_000)
    """Neighbours kept per item."""
    shrinkage: float = Field(default=50.0, ge=0, le=1e6, allow_inf_nan=False)
    """How much weight in common a pair of items needs before it is believed."""
    weighting: Weighting = "log"
    """How a past item speaks: evenly, by its value, or by log(1 + value)."""
    itself: float = Field(default=2.0, ge=0, le=1e6, allow_inf_nan=False)
    """How much a past item speaks for itself; a neighbour that is always taken with it would speak with 1."""
    half_life_days: float = Field(default=21.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Half-life of the popularity that fills lists up."""
    n_kept: int = Field(default=200, ge=1, le=100_000)
    """Scores kept per user, those of past items besides; other items come in order of popularity."""


SPEC = ModelSpec(
    uses=frozenset({Need.TIMES}),
    offers=frozenset({Capability.SIMILAR_ITEMS, Capability.FOLD_IN, Capability.EXPLANATIONS}),
    search={
        "neighbours": Range(10, 500, log=True),
        "shrinkage": Range(0.1, 1_000.0, log=True),
        "itself": Range(0.1, 10.0, log=True),
    },
)


@dataclass(frozen=True, eq=False)
class KnnScores(PersonalScores):
    """Scores of some items per user, and the neighbours that they come from.

    Parameters
    ----------
    neighbours
        Csr (n_items, n_items): how much a past item, the row, speaks for others.

    """

    neighbours: Csr

    def similar_items(self, item_codes: Codes, k: int) -> Lists:
        """Items that have an item among their neighbours, most like it first."""
        rows = self._by_target[np.asarray(item_codes)]
        lengths = np.diff(rows.indptr)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        order = np.lexsort((rows.indices, -rows.data, owner))
        place = np.arange(len(order)) - np.repeat(rows.indptr[:-1], lengths)
        shown = place < k
        items = np.full((len(lengths), k), -1, np.int32)
        scores = np.full((len(lengths), k), -np.inf, np.float32)
        items[owner[shown], place[shown]] = rows.indices[order][shown]
        scores[owner[shown], place[shown]] = np.minimum(rows.data[order][shown], 1.0)
        return items, scores

    @cached_property
    def _by_target(self) -> csr_matrix:
        """The neighbours of each item, row by row."""
        return self.neighbours.to_scipy().T.tocsr()


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> KnnScores:
    """Find each item's neighbours, and add up those of every user's items.

    Parameters
    ----------
    matrix
        Users x items.
    config
        Parameters of the model.
    rng
        Not used: counting is not random.
    progress
        Called after the neighbours and after the scores.

    Raises
    ------
    ValueError
        If the matrix has no entries or a value that is negative or not finite.

    """
    check_matrix(matrix)
    neighbours = item_neighbours(matrix, config.neighbours, shrinkage=config.shrinkage)
    if progress is not None:
        progress(1, 2, {})
    own = _scores(matrix.by_user, neighbours, config)
    if progress is not None:
        progress(2, 2, {})
    popular = matrix.item_events(config.half_life_days)
    return KnnScores(own, below(own, popular), popular, neighbours)


def _scores(by_user: Csr, neighbours: Csr, config: Config) -> Csr:
    past = weighed(by_user, config.weighting).to_scipy()
    voices = (neighbours.to_scipy() + config.itself * identity(by_user.shape[1], np.float32, "csr")).tocsr()
    width = min(by_user.shape[1], (config.neighbours + 1) * int(by_user.lengths().max(initial=1)))
    return by_blocks(by_user, lambda users: (past[users] @ voices).tocsr(), width, config.n_kept)


def fold_in(scorer: KnnScores, by_user: Csr, config: Config) -> KnnScores:
    """A scorer of some new users, from what they had: `by_user` (n_new_users, n_items)."""
    own = _scores(by_user, scorer.neighbours, config)
    fill = below(own, scorer.cold_start_items)
    return KnnScores(own, fill, scorer.cold_start_items, scorer.neighbours)


def explain(
    scorer: KnnScores, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Past items by what each adds to the score."""
    past, values = by_user.row(user_code)
    weights = value_weights(values, config.weighting).astype(np.float64)
    voices = scorer.neighbours.to_scipy()[past][:, np.asarray(item_codes)].toarray().T
    itself = config.itself * (np.asarray(item_codes)[:, None] == past)
    shares: npt.NDArray[np.float64] = (voices + itself) * weights
    how = "what is taken together with past items"
    return [Reason(found, how if found else "popular") for found in strongest(shares, past, n)]
