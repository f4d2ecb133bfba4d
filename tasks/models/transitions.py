"""Transitions: what users took in the basket after their last one, a Markov chain of first order.

The baseline that every model of sequences must beat; see S. Rendle, C. Freudenthaler, L. Schmidt-Thieme: Factorizing
Personalized Markov Chains for Next-Basket Recommendation, WWW 2010, for the chain without factors. Items of one basket
have no honest order, so baskets are sets: each item of a basket is followed by each of the next one's n items with
weight 1/n, and by none of its own basket. Where the log has no baskets, events of one moment are one.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.limits import MAX_DAYS
from data_contracts.scoring import Codes, Lists, Mask, Scores, Sequences
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._chain import Chain, chain_of, last_baskets, last_items
from tasks.models._search_space import Range
from tasks.models._sparse_scores import Baskets, by_blocks
from tasks.numeric.common_order import CommonOrder, by_column
from tasks.numeric.csr import check_matrix
from tasks.numeric.exclusion import take_rows

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


class Config(ModelConfig):
    """How far a step reaches, and how much popularity counts against it."""

    reach: int = Field(default=10, ge=1, le=100)
    """Baskets after a basket that count as following it, the d-th with 1/d; with 1 the chain is of first order strictly."""
    last: int = Field(default=10, ge=1, le=1_000)
    """Latest baskets of a user that speak, the d-th from the end with 1/d; of a sequence, which has no baskets, items."""
    smoothing: float = Field(default=10.0, gt=1e-6, le=1e6, allow_inf_nan=False)
    """Steps by popularity that are added to those seen from an item: what was seen rarely says little."""
    half_life_days: float = Field(default=21.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Half-life of that popularity, which unknown users get alone."""
    followers: int = Field(default=1_000, ge=1, le=100_000)
    """Items kept that follow an item, the most likely ones."""
    n_kept: int = Field(default=200, ge=1, le=100_000)
    """Scores kept per user, those of past items besides; other items come in order of popularity."""


SPEC = ModelSpec(
    needs=frozenset({Need.HISTORY}),
    uses=frozenset({Need.TIMES, Need.BASKETS}),
    offers=frozenset({Capability.SEQUENCES}),
    search={
        "reach": Range(1, 20, log=True),
        "last": Range(1, 20, log=True),
        "smoothing": Range(0.1, 1_000.0, log=True),
        "half_life_days": Range(2.0, 365.0, log=True),
    },
)


@dataclass(frozen=True, eq=False)
class TransitionScores:
    """What may follow each user's last baskets, and what follows any sequence.

    The chance of item j after items with voices v_i is the sum over i of ``v_i (n_ij + s p_j) / (n_i + s)``, where
    p is popularity and s the smoothing. All p_j have one factor in common, ``c = sum v_i s / (n_i + s)``; the score
    is the chance over c, so that the order of popularity serves all users: ``lift_j + p_j``.

    Parameters
    ----------
    lifts
        Csr (n_users, n_items): what the user's last baskets add to an item's popularity.
    popularity
        float64 (n_items,): shares of recent events.
    steps
        Csr (n_items, n_items): ``n_ij / (n_i + s)``, how often the column came after the row.
    unseen
        float64 (n_items,): ``s / (n_i + s)``, the share of popularity in what follows an item.
    last
        Latest items of a sequence that speak.

    """

    lifts: Csr
    popularity: Float64
    steps: Csr
    unseen: Float64
    last: int

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.lifts.shape

    @property
    def cold_start(self) -> Scores:
        """Popularity."""
        return self.popularity

    def scores(self, user_codes: Codes) -> Scores:
        """Dense scores, float64 (len(user_codes), n_items)."""
        return self.popularity + take_rows(self.lifts, user_codes).to_scipy().toarray().astype(np.float64)

    def top_k(
        self, user_codes: Codes, k: int, *, exclude: Csr | None = None, allow: Mask | None = None
    ) -> Lists:
        """What is lifted, merged into the order of popularity."""
        return self._order.best(user_codes, k, exclude=exclude, allow=allow)

    def top_users(self, item_codes: Codes, k: int, *, exclude: Csr | None = None) -> Lists:
        """Users to whose last baskets an item owes most, then the lower codes."""
        rows = CommonOrder.turned("popularity", self.popularity, self.shape[0], by_column(self.lifts), 0.0)
        return rows.best(item_codes, k, exclude=exclude)

    def next_scores(self, sequences: Sequences) -> Scores:
        """Scores of all items as the next one of each sequence, (n_sequences, n_items)."""
        voices = last_items(sequences, self.last, self.shape[1])
        return self.popularity + np.asarray(self._chain.lifts(voices).toarray())

    @cached_property
    def _order(self) -> CommonOrder:
        """The items, sorted once for many batches of users."""
        return CommonOrder.of("popularity", self.popularity, self.shape[0], self.lifts, 0.0)

    @cached_property
    def _chain(self) -> Chain:
        return Chain(self.steps, self.unseen)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> TransitionScores:
    """Count what followed what: the cost is that of all pairs of items in consecutive baskets.

    Parameters
    ----------
    matrix
        With a history.
    config
        Parameters of the model.
    rng
        Not used: counting is not random.
    progress
        Called after the steps and after the scores.

    Raises
    ------
    ValueError
        If the matrix has no entries or a value is not finite.

    """
    check_matrix(matrix)
    assert matrix.history is not None
    baskets = Baskets(matrix.history, matrix.n_items)
    chain = chain_of(baskets, config.reach, config.smoothing, config.followers)
    if progress is not None:
        progress(1, 2, {})
    voices = last_baskets(baskets, config.last)
    lifts = by_blocks(
        matrix.by_user,
        lambda users: chain.lifts(voices[users]),
        matrix.n_items,
        config.n_kept,
    )
    if progress is not None:
        progress(2, 2, {})
    events = matrix.item_events(config.half_life_days)
    return TransitionScores(
        lifts, events / max(events.sum(), np.finfo(float).tiny), chain.steps, chain.unseen, config.last
    )
