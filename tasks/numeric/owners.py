"""Users per item, gathered while lists are made for users: the same pass, turned around."""

from threading import Lock
from typing import Protocol

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Codes, Lists, Mask, Scorer
from tasks.numeric.best import is_allowed, is_worse, replace_worst, sort_best
from tasks.numeric.candidates import Candidates
from tasks.numeric.exclusion import check_exclude
from tasks.numeric.jit import jit

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


class Owners:
    """The best k users of every item among those whose candidate it was; threads may offer at the same time."""

    def __init__(self, n_items: int, k: int) -> None:
        self.scores = np.full((n_items, k), -np.inf, dtype=np.float32)
        self.codes = np.full((n_items, k), -1, dtype=np.int32)
        self.turn = Lock()

    def offer(self, found: Candidates, scores: Float32, exclude: Csr | None) -> None:
        """Offer each user to all of the user's candidates; row j of `exclude` names items that must not list user j."""
        shape = (len(found.users), len(self.scores))
        with self.turn:
            _offer(found.users, found.starts, found.counts, found.items, scores,
                   *check_exclude(exclude, shape), self.scores, self.codes)  # fmt: skip

    def entries(self) -> tuple[Int64, Int32, Float32]:
        """Items, user codes and scores of all that is kept so far, (n,) each and in no order: for :meth:`include`."""
        items, places = np.nonzero(self.codes >= 0)
        return items, self.codes[items, places], self.scores[items, places]

    def include(self, items: Int64, codes: Int32, scores: Float32) -> None:
        """Offer what others keep: users `codes` to `items`, one each; whoever is offered first, the best stay."""
        with self.turn:
            _include(items, codes, scores, self.scores, self.codes)

    def lists(self) -> Lists:
        """The users of every item, best first, ties by the lower code; (n_items, k) each."""
        codes, scores = self.codes.copy(), self.scores.copy()
        sort_best(scores, codes)
        return codes, scores


class OwnersScorer(Scorer, Protocol):
    """Capability ``owners``: the model ranks candidates, and can offer each to the lists of its item on the way."""

    def top_k_and_owners(
        self,
        user_codes: Codes,
        k: int,
        owners: Owners | None,
        *,
        exclude: Csr | None = None,
        allow: Mask | None = None,
    ) -> Lists:
        """The lists of ``top_k``; `owners` is offered the same users, without what `exclude` names."""
        ...


@jit()
def _offer(
    users: Int64,
    starts: Int64,
    counts: Int64,
    items: Int32,
    scores: Float32,
    indptr: Int64,
    indices: Int32,
    best_scores: Float32,
    best_codes: Int32,
) -> None:
    none_denied = np.zeros(0, np.bool_)
    for row in range(len(users)):
        user = users[row]
        excluded = indices[indptr[row] : indptr[row + 1]]
        for at in range(starts[row], starts[row] + counts[row]):
            item = items[at]
            if is_worse(best_scores[item, 0], best_codes[item, 0], scores[at], user) and is_allowed(
                item, excluded, none_denied
            ):
                replace_worst(best_scores[item], best_codes[item], scores[at], user)


@jit()
def _include(items: Int64, codes: Int32, scores: Float32, best_scores: Float32, best_codes: Int32) -> None:
    for at in range(len(items)):
        item = items[at]
        if is_worse(best_scores[item, 0], best_codes[item, 0], scores[at], codes[at]):
            replace_worst(best_scores[item], best_codes[item], scores[at], codes[at])
