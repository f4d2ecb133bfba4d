"""Steps of users through their items: what they had before (the state), and what they took next (the targets)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.numeric.csr import ranges

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class States:
    """What some users have had lately, one row each.

    Parameters
    ----------
    indptr
        int64 (n_states + 1,).
    items
        int32 (n_entries,): item codes, oldest first; an item may come again.
    weights
        float32 (n_entries,): rising within a state, adding up to 1.

    """

    indptr: Int64
    items: Int32
    weights: Float32

    @classmethod
    def of(cls, items: Int32, starts: Int64, ends: Int64, n_last: int, half_life: float | None) -> "States":
        """States from the `n_last` events before each end.

        Parameters
        ----------
        items
            int32 (n_events,): item codes in order.
        starts, ends
            int64 (n_states,): where what each state may see begins, and one behind its last event.
        n_last
            Events of a state, at most.
        half_life
            Events after which one counts half; None counts all alike.

        """
        lengths = np.minimum(ends - starts, n_last)
        places = ranges(ends - lengths, lengths)
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        ages = np.repeat(ends, lengths) - 1 - places
        weights = np.exp2(-ages / half_life) if half_life else np.ones(len(ages))
        owner = np.repeat(np.arange(len(lengths)), lengths)
        weights /= np.bincount(owner, weights, minlength=len(lengths))[owner]
        return cls(indptr, np.asarray(items)[places], weights.astype(np.float32))

    def mean(self, vectors: Float32) -> Float32:
        """Weighted mean of the vectors, float32 (n_items, n), of each state's items; 0 for an empty state."""
        shape = (len(self.indptr) - 1, len(vectors))
        found = csr_matrix((self.weights, self.items, self.indptr), shape=shape) @ vectors
        return np.asarray(found, dtype=np.float32)

    def counts(self, n_items: int) -> Csr:
        """How strongly each item is there: log(1 + events), Csr (n_states, n_items)."""
        owner = np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int64), np.diff(self.indptr))
        pairs, counts = np.unique(owner * n_items + self.items, return_counts=True)
        rows = np.arange(len(self.indptr), dtype=np.int64) * n_items
        indptr = np.searchsorted(pairs, rows).astype(np.int64)
        return Csr(
            indptr, (pairs % max(1, n_items)).astype(np.int32), np.log1p(counts).astype(np.float32), n_items
        )


@dataclass(frozen=True, eq=False)
class Steps:
    """Events in order, and the places at which somebody took something next.

    Parameters
    ----------
    items
        int32 (n_events,): item codes.
    starts
        int64 (n_steps,): where the user's events begin.
    begins, ends
        int64 (n_steps,): the targets are ``items[begins:ends]``, the state is what stands between `starts` and `begins`.

    """

    items: Int32
    starts: Int64
    begins: Int64
    ends: Int64

    def some(self, chosen: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> "Steps":
        """Some of the steps, in the order given."""
        return Steps(self.items, self.starts[chosen], self.begins[chosen], self.ends[chosen])


def steps_of(matrix: GroupedMatrix, rng: np.random.Generator) -> Steps:
    """The steps of all users.

    With a history, each of a user's moments (a basket, or events of one time) is a step from all that came before
    it; without one, half of a user's items, drawn anew at each call, is a step from the other half.
    """
    history = matrix.history
    if history is None or not len(history.items):
        return _halves(matrix.by_user, rng)
    owner = np.repeat(np.arange(matrix.n_users), np.diff(history.indptr))
    mark = history.ages if history.baskets is None else history.baskets
    first = np.concatenate([[True], (owner[1:] != owner[:-1]) | (mark[1:] != mark[:-1])])
    begins = np.flatnonzero(first).astype(np.int64)
    ends = np.append(begins[1:], len(owner)).astype(np.int64)
    return Steps(np.asarray(history.items), np.asarray(history.indptr)[owner[begins]], begins, ends)


def _halves(by_user: Csr, rng: np.random.Generator) -> Steps:
    lengths = by_user.lengths()
    owner = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((rng.permutation(by_user.nnz), owner))
    some = lengths > 0
    starts = by_user.indptr[:-1][some]
    return Steps(by_user.indices[order], starts, starts + lengths[some] // 2, starts + lengths[some])
