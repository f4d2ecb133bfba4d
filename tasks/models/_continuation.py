"""What speaks for a next item beside a network's state: what came after the last ones, and that it was taken before.

A network of a few hundred numbers remembers few single steps; a chain of counts remembers them all, and knows nothing
else. Their scores are added as logarithms, the chain's by how much likelier than by chance a step is (a log-linear
mixture, as of language models: D. Klakow, ICSLP 1998). How much each counts is tried out on held-out users.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from data_contracts.interactions import History
from data_contracts.scoring import Scores, Sequences
from tasks.models._chain import Chain, chain_of, last_baskets, last_items
from tasks.models._next_item import states_of_users
from tasks.models._sequence_windows import last_moments
from tasks.models._sparse_scores import Baskets, as_csr, best_rows
from tasks.numeric.adjusted_factors import AdjustedFactors
from tasks.numeric.attention import Attention
from tasks.numeric.csr import ranges
from tasks.numeric.recurrent import Recurrent

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

REACH: Final = 10
"""Baskets that a step reaches, and latest ones of a user that speak; the default of the model `transitions`."""
SMOOTHING, FOLLOWERS = 10.0, 1_000
"""The same."""
KEPT: Final = 200
"""Items that the chain speaks for, of a user, at most."""

WEIGHTS: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
REPEATS: Final = (0.0, 1.0, 2.0, 4.0, 8.0, -1.0, -2.0, -4.0, -100.0)
"""What is tried out: of equals the first is taken."""
TRIED: Final = 40_000_000
"""Scores of held-out users that they are tried out on, at most."""
TARGETS: Final = 5
"""Items of a held-out moment that are asked for, at most."""
BLOCK_SCORES: Final = 4_000_000
"""Scores in memory at once."""


@dataclass(frozen=True, eq=False)
class Continuation:
    """What is added to the scores of a network.

    Parameters
    ----------
    chain
        Steps between items.
    weight
        Of the logarithm of a step's lift.
    repeat
        Of an item that was taken before.

    """

    chain: Chain
    weight: float
    repeat: float

    def added(self, voices: csr_matrix, taken: csr_matrix) -> csr_matrix:
        """Additions (n_rows, n_items), from what speaks and what was taken, a 1 each."""
        return self.weight * log_lifts(self.chain, voices) + self.repeat * taken


def log_lifts(chain: Chain, voices: csr_matrix) -> csr_matrix:
    """Logarithms of 1 plus how often as by chance an item follows, (n_rows, n_items)."""
    found = chain.lifts(voices)
    np.log1p(found.data * found.shape[1], out=found.data)
    return found


@dataclass(frozen=True, eq=False)
class ContinuedFactors(AdjustedFactors):
    """States of users after their last event, the items' vectors, and what else speaks for an item.

    Parameters
    ----------
    network
        Makes a state of any sequence.
    more
        Added to the scores of sequences; `added` is the same for the users.

    """

    network: Recurrent | Attention | None = None
    more: Continuation | None = None

    def next_scores(self, sequences: Sequences) -> Scores:
        """Scores of all items as the next one of each sequence, float32 (n_sequences, n_items)."""
        assert self.network is not None
        assert self.more is not None
        block: Float32 = self.network.states(sequences) @ self.item_factors.T
        if self.item_bias is not None:
            block += self.item_bias
        n_items = self.shape[1]
        owner = np.repeat(np.arange(len(block)), np.diff(sequences.indptr))
        taken = _ones(owner, np.asarray(sequences.items), len(block), n_items)
        added = self.more.added(last_items(sequences, REACH, n_items), taken).tocoo()
        block[added.row, added.col] += added.data.astype(np.float32)
        return block


def continued(
    network: Recurrent | Attention, items: Float32, bias: Float32, history: History, held: Mask
) -> ContinuedFactors:
    """Add to a network what else speaks for an item, as held-out users say.

    Parameters
    ----------
    network, items, bias
        As trained; items float32 (n_items, n_factors), bias float32 (n_items,).
    history
        Of all users.
    held
        bool (n_users,): users whose last moment the network was not trained on. Without any, nothing is added but the
        chain with weight 1.

    """
    n_items = len(items)
    weight, repeat = _tried(network, items, bias, history, held) if held.any() else (1.0, 0.0)
    baskets = Baskets(history, n_items)
    more = Continuation(chain_of(baskets, REACH, SMOOTHING, FOLLOWERS), weight, repeat)
    voices, taken = last_baskets(baskets, REACH), _taken(history, n_items)
    lifted = best_rows(
        lambda users: log_lifts(more.chain, voices[users]), n_items, n_items, KEPT, csr_matrix(taken.shape)
    )
    added = (weight * lifted.to_scipy() + repeat * taken).tocsr()
    added.eliminate_zeros()
    added.sort_indices()
    states = states_of_users(network, history)
    return ContinuedFactors(states, items, bias, as_csr([added], n_items), network, more)


def _tried(
    network: Recurrent | Attention, items: Float32, bias: Float32, history: History, held: Mask
) -> tuple[float, float]:
    """The weight of the chain and that of repeats with the best mean reciprocal rank of held-out items."""
    ends = np.where(held, last_moments(history), history.indptr[1:])
    before = _pieces(history, np.asarray(history.indptr[:-1]), ends)
    users = np.flatnonzero(held)[: max(20, TRIED // len(items))]
    baskets = Baskets(before, len(items))
    chain, voices = chain_of(baskets, REACH, SMOOTHING, FOLLOWERS), last_baskets(baskets, REACH)
    taken, tries = _taken(before, len(items)), list(product(WEIGHTS, REPEATS))
    sums, size = np.zeros(len(tries)), max(1, BLOCK_SCORES // len(items))
    for some in np.array_split(users, -(-len(users) // size)):
        theirs = _pieces(before, before.indptr[some], before.indptr[some + 1])
        scores = states_of_users(network, theirs) @ items.T + bias
        lifts, had = log_lifts(chain, voices[some]).toarray(), taken[some].toarray()
        rows, targets = _targets(history, ends, some)
        for at, (weight, repeat) in enumerate(tries):
            sums[at] += _reciprocal_ranks(scores + weight * lifts + repeat * had, rows, targets)
    return tries[int(np.argmax(sums))]


def _reciprocal_ranks(scores: Float64, rows: npt.NDArray[np.int64], targets: npt.NDArray[np.int32]) -> float:
    """Sum over the rows of the mean reciprocal rank of each one's targets, behind all that score the same."""
    found = scores[rows]
    own = found[np.arange(len(rows)), targets][:, None]
    return float((1.0 / (found >= own).sum(axis=1) / np.bincount(rows)[rows]).sum())


def _targets(
    history: History, ends: npt.NDArray[np.int64], users: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Rows and items of what is asked for: the first few of each user's held-out moment."""
    lengths = np.minimum(history.indptr[users + 1] - ends[users], TARGETS)
    return np.repeat(np.arange(len(users)), lengths), history.items[ranges(ends[users], lengths)]


def _pieces(history: History, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> History:
    """A history of one row for each piece of another one."""
    at = ranges(starts, ends - starts)
    indptr = np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int64)
    return History(indptr, history.items[at], history.ages[at], history.values[at])


def _taken(history: History, n_items: int) -> csr_matrix:
    owner = np.repeat(np.arange(len(history.indptr) - 1), np.diff(history.indptr))
    return _ones(owner, history.items, len(history.indptr) - 1, n_items)


def _ones(rows: npt.NDArray[np.int64], items: npt.NDArray[np.int32], n_rows: int, n_items: int) -> csr_matrix:
    """(n_rows, n_items): 1 where a row has an item, however often."""
    found = csr_matrix((np.ones(len(rows)), (rows, items)), shape=(n_rows, n_items))
    found.data[:] = 1.0
    return found
