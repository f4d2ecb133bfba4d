"""Base of scorers that are dearer than a product of factors: they score candidates only, never all items."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Codes, Lists, Mask, Scores
from tasks.models._stacked_parts import StackedParts
from tasks.numeric.candidates import Candidates, best_candidates, retrieve, room
from tasks.numeric.exclusion import take_rows
from tasks.numeric.owners import Owners
from tasks.numeric.parallel import for_each_block
from tasks.numeric.scorers import Factors
from tasks.numeric.transpose import transposed

N_FOUND: Final = 20
"""Candidates by taste and popularity beyond the length of the list, the user's own items left out."""
LEAST_FOUND: Final = 50
"""The same at least: lists of up to 30 items are then beginnings of each other."""
N_POPULAR: Final = 20
"""Candidates by popularity alone: for users whose taste nothing is known of, or counts against an item."""
BLOCK_USERS: Final = 8_192
"""Users whose candidates by taste are found by one call, on all threads."""
BLOCK_CANDIDATES: Final = 1 << 19
"""Candidates that one thread has room for at a time."""


class Parts(NamedTuple):
    """What finds candidates."""

    past: Csr
    """(n_users, n_items): strength of each past item."""
    neighbours: Csr
    """(n_items, n_items): how much a past item speaks for others."""
    factors: Factors
    """Taste."""
    finder: Factors
    """Ranks items without a neighbour as :meth:`CandidateScorer.weigh` does, by one product."""
    popular: npt.NDArray[np.int32]
    """int32 (n_items,): items by popularity, best first."""
    others: StackedParts
    """Further models."""


class CandidateScorer:
    """Ranks users' candidates by :meth:`weigh`; a subclass says what finds them and what they are worth."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.parts.past.shape

    @property
    def parts(self) -> Parts:
        """What finds the candidates."""
        raise NotImplementedError

    def weigh(self, found: Candidates) -> npt.NDArray[np.float32]:
        """Scores of candidates, in their order."""
        raise NotImplementedError

    def everything(self, users: npt.NDArray[np.int64]) -> Candidates:
        """Candidates that are the whole catalogue: dear, for one user's explanation or a small log."""
        parts, n_items = self.parts, self.shape[1]
        none = np.empty((len(users), 0), dtype=np.int32)
        factors = parts.factors.user_factors, parts.factors.item_factors
        everything = np.arange(n_items, dtype=np.int32)
        found = retrieve(users, parts.past, parts.neighbours, factors, none, everything, n_items)
        return parts.others.judge(found, parts.others.find(users, parts.past, None)[1])

    def scores(self, user_codes: Codes) -> Scores:
        """Dense scores, float32 (len(user_codes), n_items)."""
        block = np.empty((len(user_codes), self.shape[1]), dtype=np.float32)
        found = self.everything(np.asarray(user_codes, dtype=np.int64))
        values = self.weigh(found)
        for at in range(len(block)):
            block[at, found.items[found.row(at)]] = values[found.row(at)]
        return block

    def top_k(
        self, user_codes: Codes, k: int, *, exclude: Csr | None = None, allow: Mask | None = None
    ) -> Lists:
        """Best of each user's candidates, ties by the lower code."""
        return self.top_k_and_owners(user_codes, k, None, exclude=exclude, allow=allow)

    def top_k_and_owners(
        self,
        user_codes: Codes,
        k: int,
        owners: Owners | None,
        *,
        exclude: Csr | None = None,
        allow: Mask | None = None,
    ) -> Lists:
        """:meth:`top_k`, and every candidate is offered to the lists of its item."""
        codes = np.asarray(user_codes, dtype=np.int64)
        items = np.full((len(codes), k), -1, dtype=np.int32)
        scores = np.full((len(codes), k), -np.inf, dtype=np.float32)

        def rank(rows: slice, found: Candidates) -> None:
            mine = None if exclude is None else take_rows(exclude, found.users)
            values = self.weigh(found)
            items[rows], scores[rows] = best_candidates(found, values, k, mine, allow)
            if owners is not None:
                owners.offer(found, values, mine)

        self.for_candidates(codes, rank, allow=allow, n_found=k)
        return items, scores

    def top_users(self, item_codes: Codes, k: int, *, exclude: Csr | None = None) -> Lists:
        """Best users of some items among those whose candidate the item is."""
        owners = Owners(self.shape[1], k)
        theirs = None if exclude is None else transposed(exclude)
        self.top_k_and_owners(np.arange(self.shape[0]), 1, owners, exclude=theirs)
        codes, scores = owners.lists()
        return codes[item_codes], scores[item_codes]

    def for_candidates(
        self,
        users: npt.NDArray[np.int64],
        work: Callable[[slice, Candidates], None],
        *,
        allow: Mask | None = None,
        n_found: int = 0,
    ) -> None:
        """Call ``work(rows, candidates of users[rows])`` for blocks of users, on several threads.

        Parameters
        ----------
        users
            User codes.
        work
            Writes what belongs to its rows, and nothing that another block reads or writes.
        allow
            bool (n_items,): the only items that may be found by taste and popularity; None allows all.
        n_found
            Length of the lists that are to be made of the candidates.

        """
        parts = self.parts
        popular = parts.popular if allow is None else parts.popular[allow[parts.popular]]
        n_found = min(max(n_found + N_FOUND, LEAST_FOUND), self.shape[1])
        for first in range(0, len(users), BLOCK_USERS):
            block = users[first : first + BLOCK_USERS]
            tasteful, _ = parts.finder.top_k(block, n_found, exclude=parts.past, allow=allow)
            more, scale = parts.others.find(block, parts.past, allow)
            tasteful = np.concatenate([tasteful, more], axis=1)
            bounds = _bounds(room(parts.past, parts.neighbours, block, tasteful.shape[1] + N_POPULAR))

            def collect(
                number: int,
                block: npt.NDArray[np.int64] = block,
                first: int = first,
                tasteful: npt.NDArray[np.int32] = tasteful,
                bounds: npt.NDArray[np.int64] = bounds,
                scale: npt.NDArray[np.float32] = scale,
            ) -> None:
                part = slice(int(bounds[number]), int(bounds[number + 1]))
                factors = parts.factors.user_factors, parts.factors.item_factors
                found = retrieve(
                    block[part], parts.past, parts.neighbours, factors, tasteful[part], popular, N_POPULAR
                )
                work(slice(first + part.start, first + part.stop), parts.others.judge(found, scale[part]))

            for_each_block(collect, len(bounds) - 1)


def _bounds(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Cut rows into blocks of about BLOCK_CANDIDATES."""
    ends = np.cumsum(sizes)
    n_blocks = int(ends[-1] // BLOCK_CANDIDATES) + 1
    cuts = np.searchsorted(ends, np.arange(1, n_blocks) * (ends[-1] / n_blocks))
    return np.unique(np.concatenate([[0], cuts, [len(sizes)]])).astype(np.int64)
