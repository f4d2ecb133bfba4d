"""The scorer of the blend: signals, their weights, and what each pair of user and item gets from them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Scores
from tasks.numeric.dense import DenseScorer
from tasks.numeric.neighbours import neighbour_scores
from tasks.numeric.parallel import single_threaded_blas
from tasks.numeric.scorers import Factors

Float32 = npt.NDArray[np.float32]
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

N_OWN: Final = 7
"""The first so many signals speak of items that the user has had, the others of the rest."""

TASTE_FLOOR, NEAR_FLOOR = 0.03, 0.02
"""Added before the logarithm: what a WALS or neighbour score of 0 still is worth."""


@dataclass(frozen=True, eq=False)
class Blend(DenseScorer):
    """A trained blend.

    Parameters
    ----------
    weights
        float64 (n_signals,), in the order of :data:`PRIOR`.
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
    unknown users
        float64 (n_items,): what unknown users take.

    """

    weights: Float64
    past: Csr
    own: Float32
    items: Float32
    factors: Factors
    neighbours: Csr
    cold_start_items: Float64

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.past.shape

    @property
    def cold_start(self) -> Scores:
        """What an unknown user gets: what earlier unknown users took."""
        return self.cold_start_items

    def scores(self, user_codes: Codes) -> Scores:
        """Dense scores, float32 (len(user_codes), n_items)."""
        return self.weighed(user_codes, *self.dense(user_codes))

    def weighed(self, user_codes: Codes, taste: Float32, near: Float32) -> Float32:
        """Scores from what :meth:`dense` returns, float32 (len(user_codes), n_items)."""
        weights = self.weights.astype(np.float32)
        own_of_item = self.items[:, [0, 1, 3]] @ weights[3:6] + weights[0]
        of_item = self.items[:, :3] @ weights[7:10]
        block: Float32 = taste * weights[10]
        block += near * weights[11]
        block += of_item
        for line, code in enumerate(user_codes):
            entries = slice(int(self.past.indptr[code]), int(self.past.indptr[code + 1]))
            mine = self.past.indices[entries]
            block[line, mine] = own_of_item[mine] + self.own[entries] @ weights[1:3]
            block[line, mine] += taste[line, mine] * weights[6]
        return block

    def signals(self, user_codes: Codes, candidates: list[npt.NDArray[np.integer]]) -> Float64:
        """Signals of some items for some users: score = signals @ weights.

        Parameters
        ----------
        user_codes
            Users.
        candidates
            For each user the item codes asked for.

        Returns
        -------
        float64 (sum of lengths, n_signals): 0 where a signal does not speak of that pair

        """
        taste, near = self.dense(user_codes)
        parts = [
            self._signals_of(int(code), items, taste[line, items], near[line, items])
            for line, (code, items) in enumerate(zip(user_codes, candidates, strict=True))
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(PRIOR)))

    def held(self, code: int, items: Codes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
        """Which of some items a user has had, bool (n_items asked for,), and the entries of `past` that say so."""
        start = int(self.past.indptr[code])
        mine, _ = self.past.row(code)
        if not len(mine):
            return np.zeros(len(items), dtype=np.bool_), np.empty(0, dtype=np.intp)
        place = np.minimum(np.searchsorted(mine, items), len(mine) - 1)
        had = mine[place] == items
        return had, start + place[had]

    def dense(self, user_codes: Codes) -> tuple[Float32, Float32]:
        """Logarithms of the WALS and the neighbour scores, float32 (len(user_codes), n_items)."""
        with single_threaded_blas():
            taste = np.asarray(self.factors.scores(user_codes), dtype=np.float32)
        near = neighbour_scores(self.past, self.neighbours, user_codes)
        for block, floor in ((taste, TASTE_FLOOR), (near, NEAR_FLOOR)):
            np.maximum(block, 0.0, out=block)
            block += np.float32(floor)
            np.log(block, out=block)
        return taste, near

    def _signals_of(self, code: int, items: Codes, taste: Float32, near: Float32) -> Float64:
        had, entries = self.held(code, items)
        table = np.zeros((len(items), len(PRIOR)))
        mine, new = items[had], items[~had]
        table[had, 0] = 1.0
        table[had, 1:3] = self.own[entries]
        table[had, 3:6] = self.items[mine][:, [0, 1, 3]]
        table[had, 6] = taste[had]
        table[~had, 7:10] = self.items[new, :3]
        table[~had, 10] = taste[~had]
        table[~had, 11] = near[~had]
        return table
