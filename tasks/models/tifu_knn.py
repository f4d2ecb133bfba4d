"""TIFU-KNN: a user's own fading item frequencies, mixed with those of the users most like them.

H. Hu, X. He, J. Gao, Z.-L. Zhang: Modeling Personalized Item Frequency Information for Next-basket Recommendation,
SIGIR 2020. Baskets fade within groups, and groups within the history; neighbours are the nearest in Euclidean distance.
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

Float64 = npt.NDArray[np.float64]


class Config(ModelConfig):
    """As in the paper, whose values for grocery baskets are the defaults."""

    neighbours: int = Field(default=300, ge=1, le=100_000)
    """Nearest users that speak."""
    basket_fade: float = Field(default=0.9, gt=0, le=1)
    """How much a basket counts against the one after it, within a group."""
    group_fade: float = Field(default=0.7, gt=0, le=1)
    """How much a group of baskets counts against the one after it."""
    groups: int = Field(default=7, ge=1, le=1_000)
    """Groups that a history is cut into, of equal numbers of baskets or, the newest of them, one more."""
    own_share: float = Field(default=0.7, ge=0, le=1)
    """Share of the user's own frequencies; the rest is the neighbours'."""
    max_reference_users: int = Field(default=20_000, ge=1, le=MAX_COUNT)
    """Users among whom neighbours are looked for; of more, so many are drawn at random."""
    half_life_days: float = Field(default=21.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Half-life of the popularity that fills lists up."""
    n_kept: int = Field(default=200, ge=1, le=100_000)
    """Scores kept per user, those of past items besides; other items come in order of popularity."""


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: every user against every reference user, by their common items."""
    reference = min(sizes.n_users, config.max_reference_users)
    pairs = sizes.n_users * reference
    per_user = sizes.n_entries / max(1, sizes.n_users)
    return Cost(
        pairs * (2e-8 + 1e-9 * per_user),
        (12.0 * config.n_kept + 24.0 * per_user) * sizes.n_users + BLOCK_BYTES,
    )


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.HISTORY}),
    uses=frozenset({Need.TIMES, Need.BASKETS}),
    search={
        "neighbours": Range(50, 1_000, log=True),
        "basket_fade": Range(0.5, 1.0),
        "group_fade": Range(0.3, 1.0),
        "groups": Range(1, 12),
        "own_share": Range(0.05, 0.95),
    },
)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> PersonalScores:
    """Weigh every user's baskets, and add what the nearest users have.

    Time grows with users x reference users (a row of distances, and the sparse product behind it) and with users x
    neighbours x their items; memory with a block of users x reference users, never with users x items.

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
    baskets = Baskets(matrix.history, matrix.n_items)
    own = baskets.weighed(_weights(baskets, config)).tocsr()
    known = reference_users(own, config.max_reference_users, rng)
    near = Neighbours(own, known, config.neighbours)
    mine = own.multiply(config.own_share).tocsr()

    def scores_of(users: npt.NDArray[np.intp]) -> csr_matrix:
        return (mine[users] + near.mean(users).multiply(1.0 - config.own_share)).tocsr()

    scorer = sparse_scorer(matrix, scores_of, matrix.n_items, config.n_kept, config.half_life_days)
    if progress is not None:
        progress(1, 1, {})
    return scorer


def _weights(baskets: Baskets, config: Config) -> Float64:
    """What each basket counts: faded within its group, the group faded within the history, over the number of groups."""
    total = baskets.per_user[baskets.owner]
    n_groups = np.minimum(total, config.groups)
    size, larger = total // n_groups, total % n_groups
    # Counted from the newest: so many groups, the newest, have one basket more than the others.
    back = total - 1 - baskets.place
    in_larger = back < larger * (size + 1)
    rest = back - larger * (size + 1)
    group = np.where(in_larger, back // (size + 1), larger + rest // size)
    within = np.where(in_larger, back % (size + 1), rest % size)
    members = size + in_larger
    return np.asarray(
        config.basket_fade**within * config.group_fade**group / (members * n_groups), dtype=np.float64
    )


class Neighbours:
    """The nearest users by Euclidean distance of sparse vectors, looked for among some of them.

    Parameters
    ----------
    vectors
        (n_users, n_items), sparse.
    reference
        Codes of the users who may be neighbours.
    k
        How many speak for a user; a user is no neighbour of their own.

    """

    def __init__(self, vectors: csr_matrix, reference: npt.NDArray[np.intp], k: int) -> None:
        self.vectors, self.reference, self.k = vectors, reference, k
        self.others = vectors[reference]
        self._turned = self.others.T.tocsr()
        squared = vectors.multiply(vectors).sum(axis=1)
        self._lengths = np.asarray(squared).ravel()

    def mean(self, users: npt.NDArray[np.intp]) -> csr_matrix:
        """Mean vector of each user's neighbours, (len(users), n_items)."""
        k = min(self.k, len(self.reference))
        chosen = np.empty((len(users), k), np.int64)
        for first in range(0, len(users), 256):
            some = users[first : first + 256]
            common = (self.vectors[some] @ self._turned).toarray()
            distance = self._lengths[self.reference] - 2.0 * common
            distance[self.reference == some[:, None]] = np.inf
            nearest = np.argpartition(distance, k - 1, axis=1)[:, :k]
            chosen[first : first + 256] = np.sort(nearest, axis=1)
        # Where there are no more than k users to choose from, the user is among the chosen.
        heard = self.reference[chosen] != users[:, None]
        share = 1.0 / np.maximum(heard.sum(axis=1), 1)
        rows = np.repeat(np.arange(len(users)), k)
        voice = csr_matrix(
            ((heard * share[:, None]).ravel(), (rows, chosen.ravel())),
            shape=(len(users), len(self.reference)),
        )
        return (voice @ self.others).tocsr()
