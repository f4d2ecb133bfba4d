"""The scorer of LambdaMART: the blend's best candidates of each user, put in order by trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from data_contracts.scoring import Scores
from tasks.models._blend import NEAR_FLOOR, TASTE_FLOOR, Blend, Codes, log_above
from tasks.models._candidate_scorer import CandidateScorer, Parts
from tasks.models._lambdamart_signals import ABSENT, ITEM_SIGNALS, PAIR_SIGNALS, USER_SIGNALS, Signals
from tasks.models._training_examples import best
from tasks.numeric.candidates import Candidates
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
"""Columns of the table that the trees see; one for each further part of the blend comes after them."""


@dataclass(frozen=True, eq=False)
class LambdaMart(CandidateScorer):
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
    def cold_start(self) -> Scores:
        """What an unknown user gets: the blend's list."""
        return self.blend.cold_start

    @cached_property
    def forests(self) -> Forests:
        """The trees, ready for use."""
        return Forests(self.trees)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what the trees see, column by column."""
        return (*NAMES, *self.blend.others.names)

    @property
    def parts(self) -> Parts:
        """The blend's: it finds the candidates."""
        return self.blend.parts

    def weigh(self, found: Candidates) -> Float32:
        """The blend's scores of candidates, lifted or lowered by the trees.

        Only the blend's best of each user are shown to the trees. The others go down as far as the user's
        lowest of these, so that of two items of one kind the one that the trees saw stays before the other.
        """
        scores = self.blend.weigh(found)
        if not self.trees:
            return scores
        seen, table = self.seen(found, scores)
        if not len(table):
            return scores
        lifts = self.forests.lift(table, n_threads=numba.get_num_threads()).astype(np.float32)
        ends = np.cumsum([len(places) for places in seen])
        for row, (places, lift) in enumerate(zip(seen, np.split(lifts, ends[:-1]), strict=True)):
            if len(places):
                lifted = scores[places] + lift
                scores[found.row(row)] += lift.min()
                scores[places] = lifted
        return scores

    def seen(self, found: Candidates, scores: Float32) -> tuple[list[npt.NDArray[np.intp]], Float32]:
        """Places of each user's candidates that the trees see, none without a history, and what they see.

        The table is float32 (sum of their lengths, len(self.names)); ABSENT where a signal does not apply.
        """
        fading = np.zeros(len(found.items), dtype=np.float32)
        pairs = np.full(len(found.items), -1, dtype=np.int64)
        own, entries = found.own_entries(self.blend.past.indptr)
        fading[own], pairs[own] = self.blend.own[entries, 1], entries
        columns = (scores, log_above(found.taste, TASTE_FLOOR), log_above(found.near, NEAR_FLOOR), fading)
        seen = [self._chosen(found, row, scores) for row in range(len(found.users))]
        parts = [
            self._table(
                int(user),
                found.items[places],
                pairs[places],
                found.others[places],
                *(each[places] for each in columns),
            )
            for user, places in zip(found.users, seen, strict=True)
        ]
        table = np.concatenate(parts) if parts else np.empty((0, len(self.names)), dtype=np.float32)
        return seen, table

    def _chosen(self, found: Candidates, row: int, scores: Float32) -> npt.NDArray[np.intp]:
        part, n_own = found.row(row), int(found.n_own[row])
        if not n_own:
            return np.empty(0, dtype=np.intp)
        first_new = part.start + n_own
        own = part.start + best(scores[part.start : first_new], self.n_own)
        return np.concatenate([own, first_new + best(scores[first_new : part.stop], self.n_new)])

    def _table(
        self,
        code: int,
        items: Codes,
        pairs: Codes,
        others: Float32,
        scores: Float32,
        taste: Float32,
        near: Float32,
        fading: Float32,
    ) -> Float32:
        """Signals of one user's candidates, the user's own first, float32 (n_candidates, len(self.names))."""
        table = np.full((len(items), len(self.names)), ABSENT, dtype=np.float32)
        if not len(items):
            return table
        own = pairs >= 0
        first = len(ITEM_SIGNALS)
        second = first + len(USER_SIGNALS)
        third = second + len(PAIR_SIGNALS)
        table[:, :first] = self.signals.items[items]
        table[:, first:second] = self.signals.users[code]
        table[own, second:third] = self.signals.pairs[pairs[own]]
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
        table[:, third : len(NAMES)] = np.column_stack(columns)
        table[:, len(NAMES) :] = others
        return table


def _places(scores: Float32) -> npt.NDArray[np.intp]:
    """Place of each score from the highest on, 1 = best."""
    places = np.empty(len(scores), dtype=np.intp)
    places[best(scores, len(scores))] = np.arange(1, len(scores) + 1)
    return places
