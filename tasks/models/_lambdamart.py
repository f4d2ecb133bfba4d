"""The scorer of LambdaMART: the blend's best candidates of each user, put in order by trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from data_contracts.scoring import Scores
from tasks.models._blend import Blend, Codes
from tasks.models._lambdamart_signals import ABSENT, ITEM_SIGNALS, PAIR_SIGNALS, USER_SIGNALS, Signals
from tasks.models._training_examples import best, best_others
from tasks.numeric.dense import DenseScorer
from tasks.numeric.rank_trees import Forests

Float32 = npt.NDArray[np.float32]

MODEL_SIGNALS: Final = (
    "the blend's score",
    "the blend's place",
    "distance from the blend's best",
    "had before",
    "taste",
    "place by taste",
    "neighbours",
    "fading baskets",
)
NAMES: Final = (*ITEM_SIGNALS, *USER_SIGNALS, *PAIR_SIGNALS, *MODEL_SIGNALS)
"""Columns of the table that the trees see."""


@dataclass(frozen=True, eq=False)
class LambdaMart(DenseScorer):
    """A trained LambdaMART.

    Parameters
    ----------
    blend
        Finds the candidates, and orders what the trees do not see.
    signals
        What the trees see besides.
    trees
        LightGBM's text of each forest; none where the log taught nothing, then the blend decides alone.
    n_own, n_new
        Candidates of a user: so many of the items had before, and so many of the others.

    """

    blend: Blend
    signals: Signals
    trees: tuple[str, ...]
    n_own: int
    n_new: int

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.blend.shape

    @property
    def cold_start(self) -> Scores:
        """What an unknown user gets: the blend's list."""
        return self.blend.cold_start

    @cached_property
    def forests(self) -> Forests:
        """The trees, ready for use."""
        return Forests(self.trees)

    def scores(self, user_codes: Codes) -> Scores:
        """Dense scores, float32 (len(user_codes), n_items): the blend's, lifted or lowered by the trees.

        Items that are no candidates go down as far as the user's lowest candidate, so that of two items
        of one kind the candidate stays before the other.
        """
        if not self.trees:
            return self.blend.scores(user_codes)
        block, candidates, table = self.seen(user_codes)
        if not len(table):
            return block
        lifts = self.forests.lift(table, n_threads=numba.get_num_threads()).astype(np.float32)
        ends = np.cumsum([len(items) for items in candidates])
        for scores, items, lift in zip(block, candidates, np.split(lifts, ends[:-1]), strict=True):
            if len(items):
                lifted = scores[items] + lift
                scores += lift.min()
                scores[items] = lifted
        return block

    def seen(self, user_codes: Codes) -> tuple[Float32, list[Codes], Float32]:
        """The blend's scores of some users, their candidates, and what the trees see of those.

        Returns
        -------
        block
            float32 (len(user_codes), n_items).
        candidates
            For each user item codes; none for a user without a history.
        table
            float32 (sum of their lengths, len(NAMES)); ABSENT where a signal does not apply.

        """
        taste, near = self.blend.dense(user_codes)
        block = self.blend.weighed(user_codes, taste, near)
        candidates = [self._candidates(int(code), block[line]) for line, code in enumerate(user_codes)]
        parts = [
            self._table(int(code), items, block[line, items], taste[line, items], near[line, items])
            for line, (code, items) in enumerate(zip(user_codes, candidates, strict=True))
        ]
        table = np.concatenate(parts) if parts else np.empty((0, len(NAMES)), dtype=np.float32)
        return block, candidates, table

    def _candidates(self, code: int, scores: Float32) -> Codes:
        mine, _ = self.blend.past.row(code)
        if not len(mine):
            return mine
        own = mine[best(scores[mine], self.n_own)]
        return np.concatenate([own, best_others(scores, mine, self.n_new)])

    def _table(self, code: int, items: Codes, scores: Float32, taste: Float32, near: Float32) -> Float32:
        """Signals of one user's candidates, the user's own first, float32 (n_candidates, len(NAMES))."""
        table = np.full((len(items), len(NAMES)), ABSENT, dtype=np.float32)
        if not len(items):
            return table
        own, pairs = self.blend.held(code, items)
        first = len(ITEM_SIGNALS)
        second = first + len(USER_SIGNALS)
        third = second + len(PAIR_SIGNALS)
        table[:, :first] = self.signals.items[items]
        table[:, first:second] = self.signals.users[code]
        table[own, second:third] = self.signals.pairs[pairs]
        fading = np.zeros(len(items))
        fading[own] = self.blend.own[pairs, 1]
        columns: Sequence[npt.NDArray[np.generic]] = (
            scores,
            _places(scores),
            scores - scores.max(),
            own,
            taste,
            _places(taste),
            near,
            fading,
        )
        table[:, third:] = np.column_stack(columns)
        return table


def _places(scores: Float32) -> npt.NDArray[np.intp]:
    """Place of each score from the highest on, 1 = best."""
    places = np.empty(len(scores), dtype=np.intp)
    places[best(scores, len(scores))] = np.arange(1, len(scores) + 1)
    return places
