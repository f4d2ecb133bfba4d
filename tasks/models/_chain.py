"""A Markov chain over items: how often what came after what, and what that says of the next item.

Steps of several baskets' reach count less the farther they go; see :mod:`tasks.models.transitions`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr
from data_contracts.scoring import Sequences
from tasks.models._sparse_scores import Baskets, best_rows
from tasks.numeric.csr import ranges

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps that were counted.

    Parameters
    ----------
    steps
        Csr (n_items, n_items): ``n_ij / (n_i + s)``, how often the column came after the row, s the smoothing.
    unseen
        float64 (n_items,): ``s / (n_i + s)``, the share of popularity in what follows an item.

    """

    steps: Csr
    unseen: Float64

    def lifts(self, voices: csr_matrix) -> csr_matrix:
        """What each row of voices, (n_rows, n_items), adds to the popularity of items."""
        common = voices @ self.unseen
        found = (voices @ self._table).tocsr()
        found.data /= np.repeat(np.where(common > 0, common, 1.0), np.diff(found.indptr))
        return found

    @cached_property
    def _table(self) -> csr_matrix:
        return self.steps.to_scipy()


def chain_of(baskets: Baskets, reach: int, smoothing: float, followers: int) -> Chain:
    """Count steps: each item of a basket is followed by each of the d-th basket after it with weight 1 / (d n).

    Parameters
    ----------
    baskets
        Of all users.
    reach
        The largest d.
    smoothing
        Steps by popularity that are added to those seen from an item.
    followers
        Items kept that follow an item, the most likely ones.

    """
    content = baskets.content()
    n_baskets, sizes = content.shape[0], np.diff(content.indptr)
    sources, targets, weights = [], [], []
    for distance in range(1, reach + 1):
        follows = np.flatnonzero(baskets.place >= distance)
        sources.append(follows - distance)
        targets.append(follows)
        weights.append(1.0 / (distance * sizes[follows]))
    where = np.concatenate(sources), np.concatenate(targets)
    chain = csr_matrix((np.concatenate(weights), where), shape=(n_baskets, n_baskets))
    after, holders = (chain @ content).tocsr(), content.T.tocsr()
    totals = holders @ np.asarray(after.sum(axis=1)).ravel() + smoothing

    def shares(items: npt.NDArray[np.intp]) -> csr_matrix:
        found = (holders[items] @ after).tocsr()
        found.data /= np.repeat(totals[items], np.diff(found.indptr))
        return found

    steps = best_rows(shares, content.shape[1], content.shape[1], followers)
    return Chain(steps, smoothing / totals)


def last_baskets(baskets: Baskets, last: int) -> csr_matrix:
    """(n_users, n_items): the d-th basket from the end speaks with 1/d, each of its items with an equal share."""
    back = baskets.per_user[baskets.owner] - baskets.place
    sizes = np.maximum(np.bincount(baskets.basket, minlength=len(back)), 1)
    voices = baskets.weighed(np.where(back <= last, 1.0 / (back * sizes), 0.0)).tocsr()
    voices.eliminate_zeros()
    return voices


def last_items(sequences: Sequences, last: int, n_items: int) -> csr_matrix:
    """(n_sequences, n_items): the d-th item from the end speaks with 1/d."""
    ends = np.asarray(sequences.indptr)[1:]
    lengths = np.minimum(np.diff(sequences.indptr), last)
    places = ranges(ends - lengths, lengths)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    voices = 1.0 / (ends[owner] - places)
    items = np.asarray(sequences.items)[places]
    return csr_matrix((voices, (owner, items)), shape=(len(lengths), n_items))
