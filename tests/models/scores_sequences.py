"""First-order transitions: what users took right after each item. A toy that scores sequences."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix, History
from data_contracts.scoring import Codes, Scores, Sequences
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.numeric.dense import DenseScorer

SPEC = ModelSpec(needs=frozenset({Need.HISTORY}), offers=frozenset({Capability.SEQUENCES}))


class Config(ModelConfig):
    """Parameters of the transitions."""

    fading: float = Field(default=0.8, gt=0, lt=1)
    """What the item before counts against the last one."""


@dataclass(frozen=True, eq=False)
class TransitionScorer(DenseScorer):
    """Transitions from the items of a sequence, those of the last ones counting most."""

    transitions: Csr
    """(n_items, n_items): share of the events after an item that were of each other item."""
    popular: npt.NDArray[np.float64]
    """(n_items,): share of all events; below any transition, for sequences that say nothing."""
    starts: npt.NDArray[np.int64]
    """(n_users + 1,): histories of the known users."""
    items: npt.NDArray[np.int32]
    """(n_events,): their items, oldest first."""
    fading: float

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return len(self.starts) - 1, self.transitions.n_cols

    @property
    def cold_start(self) -> Scores:
        """What is popular."""
        return self.popular

    def scores(self, user_codes: Codes) -> Scores:
        """What follows the users' own histories."""
        parts = [self.items[self.starts[code] : self.starts[code + 1]] for code in user_codes]
        lengths = [len(part) for part in parts]
        indptr = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        items = np.concatenate([np.empty(0, np.int32), *parts]).astype(np.int32)
        return self.next_scores(Sequences(indptr, items, np.asarray(user_codes, dtype=np.int32)))

    def next_scores(self, sequences: Sequences) -> Scores:
        """Faded sum of the transitions from each item, and a little popularity."""
        lengths = np.diff(sequences.indptr)
        ends = np.repeat(sequences.indptr[1:], lengths)
        weights = self.fading ** (ends - 1 - np.arange(len(ends)))
        shape = (len(lengths), self.shape[1])
        sums = csr_matrix((weights, sequences.items, sequences.indptr), shape=shape)
        found: Scores = (sums @ self.transitions.to_scipy()).toarray() + 1e-6 * self.popular
        return found


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> TransitionScorer:
    """Count which item followed which."""
    history = matrix.history
    assert history is not None
    if not len(history.items):
        raise ValueError("matrix has no entries: transitions need some events of known users")
    before, after = _steps(history)
    counts = csr_matrix((np.ones(len(before)), (before, after)), shape=(matrix.n_items, matrix.n_items))
    counts.sum_duplicates()
    totals = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1.0)
    transitions = Csr(
        counts.indptr.astype(np.int64),
        counts.indices.astype(np.int32),
        (counts.data / np.repeat(totals, np.diff(counts.indptr))).astype(np.float32),
        matrix.n_items,
    )
    popular = np.bincount(history.items, minlength=matrix.n_items) / len(history.items)
    if progress is not None:
        progress(1, 1, {"transitions": float(transitions.nnz)})
    starts, items = np.array(history.indptr), np.array(history.items)
    return TransitionScorer(transitions, popular, starts, items, config.fading)


def _steps(history: History) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Items of each event but a user's last, and of the event after it."""
    users = np.repeat(np.arange(len(history.indptr) - 1), np.diff(history.indptr))
    same = users[1:] == users[:-1]
    return history.items[:-1][same], history.items[1:][same]
