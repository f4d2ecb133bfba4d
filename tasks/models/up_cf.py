"""UP-CF: users who bought much the same speak by how often they bought an item in their last baskets.

G. Faggioli, M. Polato, F. Aiolli: Recency Aware Collaborative Filtering for Next Basket Recommendation, UMAP 2020.
"""

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from data_contracts.limits import MAX_COUNT, MAX_DAYS
from tasks.models import ModelConfig, ModelSpec, Need, Progress
from tasks.models._cost import Cost, Sizes
from tasks.models._search_space import Range
from tasks.models._sparse_scores import BLOCK_BYTES, Baskets, reference_users, sparse_scorer
from tasks.numeric.csr import check_matrix
from tasks.numeric.scorers import PersonalScores


class Config(ModelConfig):
    """As in the paper, which has 10, 0.75 and 10 for Ta-Feng; the defaults were better on windows of three logs."""

    recent_baskets: int = Field(default=25, ge=1, le=100_000)
    """Latest baskets of a user in which items are counted."""
    asymmetry: float = Field(default=0.75, ge=0, le=1)
    """Whose items divide the common ones: 1 = the user's, 0 = the other's, 0.5 = the cosine."""
    locality: float = Field(default=3.0, gt=0, le=1_000, allow_inf_nan=False)
    """Power of the likeness: the higher, the fewer others speak."""
    max_reference_users: int = Field(default=20_000, ge=1, le=MAX_COUNT)
    """Users who may speak besides the user; of more, so many are drawn at random."""
    half_life_days: float = Field(default=21.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Half-life of the popularity that fills lists up."""
    n_kept: int = Field(default=200, ge=1, le=100_000)
    """Scores kept per user, those of past items besides; other items come in order of popularity."""


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: every user against every reference user, by their common items."""
    reference = min(sizes.n_users, config.max_reference_users)
    per_user = sizes.n_entries / max(1, sizes.n_users)
    return Cost(
        sizes.n_users * reference * (4e-8 + 1e-9 * per_user),
        (12.0 * config.n_kept + 24.0 * per_user) * sizes.n_users + BLOCK_BYTES,
    )


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.HISTORY}),
    uses=frozenset({Need.TIMES, Need.BASKETS}),
    search={
        "recent_baskets": Range(1, 100, log=True),
        "asymmetry": Range(0.0, 1.0),
        "locality": Range(1.0, 100.0, log=True),
    },
)

LEAST = 1e-12
"""Likeness to the power of `locality` below which somebody has no voice."""

VOICE_ENTRIES = 4
"""Numbers held at once for each pair of a user and a reference user, measured in entries of sparse scores."""


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> PersonalScores:
    """Compare users by what they had, and add up what those alike took lately.

    Time grows with the pairs of users and reference users who share an item, times the items of one; memory with a
    block of users x reference users, never with users x items.

    Parameters
    ----------
    matrix
        With a history; where the log has no baskets, events of one moment are one.
    config
        Parameters of the model.
    rng
        Draws the reference users where there are more than `max_reference_users`.
    progress
        Called once, after the last user.

    Raises
    ------
    ValueError
        If the matrix has no entries or a value is not finite.

    """
    check_matrix(matrix)
    assert matrix.history is not None
    recent, had = _recent(Baskets(matrix.history, matrix.n_items), config.recent_baskets)
    known = reference_users(had, config.max_reference_users, rng)
    others, theirs = had[known].T.tocsr(), recent[known]
    sizes = np.maximum(np.diff(had.indptr), 1).astype(np.float64)
    inverse = sizes[known] ** -(1.0 - config.asymmetry)

    def scores_of(users: npt.NDArray[np.intp]) -> csr_matrix:
        alike = (had[users] @ others).tocsr()
        rows = np.repeat(np.arange(len(users)), np.diff(alike.indptr))
        likeness = alike.data * sizes[users][rows] ** -config.asymmetry * inverse[alike.indices]
        # The user's own voice is added whole, whether drawn or not.
        voice = np.where(known[alike.indices] == users[rows], 0.0, likeness**config.locality)
        strong = voice > LEAST
        heard = csr_matrix((voice[strong], (rows[strong], alike.indices[strong])), shape=alike.shape)
        return (heard @ theirs + recent[users]).tocsr()

    width = max(matrix.n_items, VOICE_ENTRIES * len(known))
    scorer = sparse_scorer(matrix, scores_of, width, config.n_kept, config.half_life_days)
    if progress is not None:
        progress(1, 1, {})
    return scorer


def _recent(baskets: Baskets, n: int) -> tuple[csr_matrix, csr_matrix]:
    """Share of each user's last n baskets that hold an item, and what they ever had, (n_users, n_items) each."""
    total = baskets.per_user[baskets.owner]
    late = baskets.place >= total - n
    shares = baskets.weighed(np.where(late, 1.0 / np.minimum(total, n), 0.0)).tocsr()
    shares.sum_duplicates()
    had = shares.copy()
    had.data[:] = 1.0
    shares.eliminate_zeros()
    return shares, had
