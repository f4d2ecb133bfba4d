"""Transitions: what users took right after what they took last, a Markov chain of first order.

The baseline that every model of sequences must beat; see S. Rendle, C. Freudenthaler, L. Schmidt-Thieme: Factorizing
Personalized Markov Chains for Next-Basket Recommendation, WWW 2010, for the chain without factors. Items of one basket
have no order of their own: they are taken in the order in which the log has them.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix, History
from data_contracts.limits import MAX_DAYS
from data_contracts.scoring import Scores, Sequences
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._search_space import Range
from tasks.models._sparse_scores import below, by_blocks
from tasks.numeric.csr import check_matrix, ranges
from tasks.numeric.scorers import PersonalScores

Int64 = npt.NDArray[np.int64]


class Config(ModelConfig):
    """How far a step reaches, and how much popularity counts against it."""

    reach: int = Field(default=1, ge=1, le=100)
    """Items after an item that count as following it, the d-th with 1/d."""
    last: int = Field(default=1, ge=1, le=1_000)
    """Latest items of a user that speak, the d-th from the end with 1/d."""
    smoothing: float = Field(default=5.0, ge=0, le=1e6, allow_inf_nan=False)
    """Steps added to those seen from an item: what was seen rarely says little."""
    half_life_days: float = Field(default=21.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Half-life of the popularity that orders items which never followed."""
    n_kept: int = Field(default=200, ge=1, le=100_000)
    """Scores kept per user, those of past items besides; other items come in order of popularity."""


SPEC = ModelSpec(
    needs=frozenset({Need.HISTORY}),
    uses=frozenset({Need.TIMES}),
    offers=frozenset({Capability.SEQUENCES}),
    search={
        "reach": Range(1, 20, log=True),
        "last": Range(1, 20, log=True),
        "smoothing": Range(0.1, 100.0, log=True),
    },
    # It knows what follows an item, whoever took it, and nothing of who is like whom.
    collaborative=False,
)


@dataclass(frozen=True, eq=False)
class TransitionScores(PersonalScores):
    """Scores of what may follow each user's last items, and of what follows any sequence.

    Parameters
    ----------
    steps
        Csr (n_items, n_items): chance of the column right after the row, drawn towards 0 where little was seen.
    last
        Latest items of a sequence that speak.

    """

    steps: Csr
    last: int

    def next_scores(self, sequences: Sequences) -> Scores:
        """Scores of all items as the next one of each sequence, (n_sequences, n_items)."""
        voices = _voices(sequences.indptr, sequences.items, self.last, self.steps.n_cols)
        seen = np.asarray((voices @ self._steps).toarray())
        return np.where(seen > 0, seen + self.fill, self.fill - 1.0)

    @cached_property
    def _steps(self) -> csr_matrix:
        return self.steps.to_scipy()


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> TransitionScores:
    """Count what followed what.

    Parameters
    ----------
    matrix
        With a history.
    config
        Parameters of the model.
    rng
        Not used: counting is not random.
    progress
        Not used: there is one step.

    Raises
    ------
    ValueError
        If the matrix has no entries or a value is not finite.

    """
    check_matrix(matrix)
    assert matrix.history is not None
    steps = _steps(matrix.history, matrix.n_items, config)
    voices = _voices(matrix.history.indptr, matrix.history.items, config.last, matrix.n_items)
    table = steps.to_scipy()
    width = config.last * int(steps.lengths().max(initial=1))
    own = by_blocks(matrix.by_user, lambda users: (voices[users] @ table).tocsr(), width, config.n_kept)
    popular = matrix.item_events(config.half_life_days)
    fill = below(own, popular) * min(1.0, float(steps.values.min(initial=1.0)) / max(1, config.last))
    return TransitionScores(own, fill, popular, steps, config.last)


def _steps(history: History, n_items: int, config: Config) -> Csr:
    owner = np.repeat(np.arange(len(history.indptr) - 1), np.diff(history.indptr))
    sources, targets, weights = [], [], []
    for distance in range(1, config.reach + 1):
        together = owner[distance:] == owner[:-distance]
        sources.append(history.items[:-distance][together])
        targets.append(history.items[distance:][together])
        weights.append(np.full(len(sources[-1]), 1.0 / distance))
    counts = csr_matrix(
        (np.concatenate(weights), (np.concatenate(sources), np.concatenate(targets))),
        shape=(n_items, n_items),
    )
    counts.sum_duplicates()
    totals = np.asarray(counts.sum(axis=1)).ravel() + config.smoothing
    values = counts.data / np.repeat(totals, np.diff(counts.indptr))
    return Csr(
        counts.indptr.astype(np.int64), counts.indices.astype(np.int32), values.astype(np.float32), n_items
    )


def _voices(indptr: Int64, items: npt.NDArray[np.int32], last: int, n_items: int) -> csr_matrix:
    """The last items of each sequence, (n_sequences, n_items): the d-th from the end with 1/d."""
    lengths = np.minimum(np.diff(indptr), last)
    places = ranges(np.asarray(indptr)[1:] - lengths, lengths)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    distance = np.asarray(indptr)[1:][owner] - places
    return csr_matrix((1.0 / distance, (owner, np.asarray(items)[places])), shape=(len(lengths), n_items))
