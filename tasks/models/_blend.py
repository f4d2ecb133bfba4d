"""The scorer of the blend: signals, their weights, and what each pair of user and item gets from them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Scores
from tasks.models._candidate_scorer import CandidateScorer, Parts
from tasks.models._stacked_parts import NO_PARTS, StackedParts
from tasks.models._training_examples import best
from tasks.numeric.candidates import Candidates
from tasks.numeric.scorers import Factors

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Float64 = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer]

PRIOR: Final = {
    "own": 0.0,
    "own baskets": 0.5,
    "own fading baskets": 0.65,
    "own, popular lately": 0.65,
    "own, popular always": -0.55,
    "own, taken again": 2.4,
    "own, taste": 0.75,
    "new, popular lately": 0.8,
    "new, popular always": -0.55,
    "new, popular just now": 0.0,
    "new, taste": 1.0,
    "new, neighbours": 0.25,
}
"""Signals and the weights they have before anything is learned: rounded means of what five inner windows
of Online Retail taught (all before 2011-10-09)."""

N_PLAIN: Final = len(PRIOR)
"""Signals of a blend without further models."""

N_OWN: Final = 7
"""The first so many signals speak of items that the user has had, the others of the rest."""

TASTE_FLOOR, NEAR_FLOOR = 0.03, 0.02
"""Added before the logarithm: what a WALS or neighbour score of 0 still is worth."""

N_TASTE: Final = 10
"""Candidates to learn from by taste alone."""

LEAST_WEIGHT: Final = 0.05
"""Of taste: below it, taste is no help in finding items."""


@dataclass(frozen=True, eq=False)
class Blend(CandidateScorer):
    """A trained blend.

    Parameters
    ----------
    weights
        float64 (n_signals,), in the order of :attr:`names`.
    past
        Csr (n_users, n_items): strength of each past item as a neighbour.
    own
        float32 (nnz, 2), in the order of `past`: logarithms of baskets and of fading baskets.
    items
        float32 (n_items, 4): logarithms of late events, of all, of the latest, and the share of users who
        take it again.
    factors
        The WALS part.
    neighbours
        Csr (n_items, n_items): how much a past item speaks for others.
    cold_start_items
        float64 (n_items,): what unknown users take.
    others
        Further models; each has two more weights, for items had before and for the rest.

    """

    weights: Float64
    past: Csr
    own: Float32
    items: Float32
    factors: Factors
    neighbours: Csr
    cold_start_items: Float64
    others: StackedParts = NO_PARTS

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.past.shape

    @property
    def cold_start(self) -> Scores:
        """What an unknown user gets: what earlier unknown users took."""
        return self.cold_start_items

    @property
    def parts(self) -> Parts:
        """What finds the candidates."""
        return Parts(self.past, self.neighbours, self.factors, self._finder, self._by_popularity, self.others)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the signals: those of :data:`PRIOR`, then two of each further model."""
        return (*PRIOR, *(f"{kind}, {name}" for name in self.others.names for kind in ("own", "new")))

    @cached_property
    def _by_popularity(self) -> Int32:
        """Items never had, best first by what does not depend on the user."""
        return np.argsort(-self._levels[0], kind="stable").astype(np.int32)

    @cached_property
    def _finder(self) -> Factors:
        """Factors whose product orders items without a neighbour as their scores do.

        Such a score is ``w log(taste + floor) + level``, up to a constant; divided by w and taken as an
        exponent it is ``taste * lift + floor * lift`` with ``lift = exp(level / w)``: a product of factors
        and a bias. (A taste below 0 counts less here than there, where it counts as 0.)
        """
        weight = float(self.weights[10])
        if weight < LEAST_WEIGHT:  # taste hardly counts: by popularity alone
            order = np.empty(self.shape[1], dtype=np.float32)
            order[self._by_popularity] = np.arange(self.shape[1], 0, -1)
            return Factors(
                np.zeros((self.shape[0], 1), np.float32), np.zeros((len(order), 1), np.float32), order
            )
        level = self._levels[0].astype(np.float64) / weight
        lift = np.exp(level - level.max()).astype(np.float32)
        return Factors(
            self.factors.user_factors,
            np.ascontiguousarray(self.factors.item_factors * lift[:, None]),
            np.float32(TASTE_FLOOR) * lift,
        )

    @cached_property
    def _levels(self) -> tuple[Float32, Float32]:
        """What an item scores by itself, (n_items,) each: where the user never had it, and where they did."""
        weights = self.weights.astype(np.float32)
        return self.items[:, :3] @ weights[7:10], self.items[:, [0, 1, 3]] @ weights[3:6] + weights[0]

    def weigh(self, found: Candidates) -> Float32:
        """Scores of candidates, float32, in their order: what :meth:`scores` gives for these pairs."""
        taste = log_above(found.taste, TASTE_FLOOR)
        near = log_above(found.near, NEAR_FLOOR)
        weights = self.weights.astype(np.float32)
        new, own = self._levels
        block: Float32 = taste * weights[10]
        block += near * weights[11]
        block += new[found.items]
        if self.others.scorers:
            block += found.others @ weights[N_PLAIN + 1 :: 2]
        at, entries = found.own_entries(self.past.indptr)
        block[at] = own[found.items[at]] + self.own[entries] @ weights[1:3] + taste[at] * weights[6]
        if self.others.scorers:
            block[at] += found.others[at] @ weights[N_PLAIN::2]
        return block

    def signals(self, found: Candidates) -> Float64:
        """Signals of candidates, float64 (len(found.items), n_signals), in their order.

        The score is ``signals @ weights``; a signal is 0 where it does not speak of that pair.
        """
        table = np.zeros((len(found.items), len(self.weights)))
        table[:, 7:10] = self.items[found.items, :3]
        table[:, 10] = taste = log_above(found.taste, TASTE_FLOOR)
        table[:, 11] = log_above(found.near, NEAR_FLOOR)
        table[:, N_PLAIN + 1 :: 2] = found.others
        at, entries = found.own_entries(self.past.indptr)
        table[at] = 0.0
        table[at, 0] = 1.0
        table[at, 1:3] = self.own[entries]
        table[at, 3:6] = self.items[found.items[at]][:, [0, 1, 3]]
        table[at, 6] = taste[at]
        table[at, N_PLAIN::2] = found.others[at]
        return table

    def offer(self, found: Candidates, row: int, scores: Float32, n_new: int) -> npt.NDArray[np.intp]:
        """Places of a row's candidates to learn from: all that the user has had, and the best others.

        So many are taken by score; those by taste alone join, so that taste can be judged by itself.
        """
        part, n_own = found.row(row), int(found.n_own[row])
        new = slice(part.start + n_own, part.stop)
        others = np.union1d(best(scores[new], n_new), best(found.taste[new], min(n_new, N_TASTE)))
        return part.start + np.concatenate([np.arange(n_own), n_own + others])


def log_above(values: Float32, floor: float) -> Float32:
    """Logarithm of values, of which none counts as less than 0, plus `floor`."""
    logs: Float32 = np.log(np.maximum(values, 0.0) + np.float32(floor))
    return logs
