"""Candidates of users for models that are too dear to score a whole catalogue: retrieve, then rank.

Candidates are everything a user has had, every neighbour of that, the best other items by taste and the
best other items by popularity. Anything else lies behind all of these in taste and in popularity and has no
neighbour: it can hardly reach a list.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Lists, Mask
from tasks.numeric.best import is_allowed, is_worse, replace_worst, sort_best
from tasks.numeric.csr import ranges
from tasks.numeric.exclusion import check_exclude
from tasks.numeric.gather import dots
from tasks.numeric.jit import jit

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Candidates:
    """Items of some users side by side; row j's are ``items[starts[j] : starts[j] + counts[j]]``.

    Parameters
    ----------
    users
        int64 (n_rows,): user codes.
    starts, counts, n_own
        int64 (n_rows,): where a row begins, its length, and how many of its items, the first ones, the user
        has had.
    items
        int32: item codes; what lies between two rows means nothing, here and below.
    taste, near
        float32: product of the user's and the item's factors, and the neighbour score.
    others
        float32 (len(items), n_parts): what further models say of them; without a column where there are none.

    """

    users: Int64
    starts: Int64
    counts: Int64
    n_own: Int64
    items: Int32
    taste: Float32
    near: Float32
    others: Float32

    def row(self, at: int) -> slice:
        """Where the items of a row are."""
        return slice(int(self.starts[at]), int(self.starts[at] + self.counts[at]))

    def own_entries(self, past_indptr: Int64) -> tuple[Int64, Int64]:
        """Places of all items that their users have had, and the entries of `past` that say so."""
        return ranges(self.starts, self.n_own), ranges(past_indptr[self.users], self.n_own)


def room(past: Csr, neighbours: Csr, users: Int64, n_more: int) -> Int64:
    """Most candidates that each user can have, int64 (len(users),)."""
    longest = int(neighbours.lengths().max(initial=0))
    own = past.indptr[users + 1] - past.indptr[users]
    return np.minimum(own * (1 + longest) + n_more, past.n_cols)


def retrieve(
    users: Int64,
    past: Csr,
    neighbours: Csr,
    factors: tuple[Float32, Float32],
    tasteful: Int32,
    popular: Int32,
    n_popular: int,
) -> Candidates:
    """Collect the candidates of some users, and what the parts say of them.

    Parameters
    ----------
    users
        int64 (n_rows,).
    past
        Csr (n_users, n_items): strength of each past item.
    neighbours
        Csr (n_items, n_items): how much a past item speaks for others.
    factors
        User factors (n_users, n_factors) and item factors (n_items, n_factors).
    tasteful
        int32 (n_rows, n): other items by taste, padded with -1.
    popular
        int32: items by popularity, best first.
    n_popular
        So many of these are taken that the user has not had.

    """
    sizes = room(past, neighbours, users, tasteful.shape[1] + n_popular)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    items = np.zeros(starts[-1], np.int32)
    taste, near = np.zeros(starts[-1], np.float32), np.zeros(starts[-1], np.float32)
    counts, n_own = np.empty(len(users), np.int64), np.empty(len(users), np.int64)
    _collect(
        users,
        (past.indptr, past.indices, past.values),
        (neighbours.indptr, neighbours.indices, neighbours.values),
        factors,
        tasteful,
        popular,
        n_popular,
        starts,
        (counts, n_own, items, taste, near),
    )
    none = np.empty((len(items), 0), np.float32)
    return Candidates(users, starts[:-1], counts, n_own, items, taste, near, none)


def best_candidates(
    found: Candidates, scores: Float32, k: int, exclude: Csr | None, allow: Mask | None
) -> Lists:
    """Best k candidates of each row, ties by the lower code.

    Parameters
    ----------
    found, scores
        The candidates and what each is worth.
    k
        Length of the lists; where there are fewer candidates they end in -1 and -inf.
    exclude
        Csr (n_rows, n_items): row j must not get these.
    allow
        bool (n_items,); None allows all.

    """
    n_rows = len(found.users)
    shape = (n_rows, 0 if exclude is None else exclude.n_cols)
    indptr, indices = check_exclude(exclude, shape)
    denied = np.zeros(0, np.bool_) if allow is None else ~allow
    best_scores = np.full((n_rows, k), -np.inf, dtype=np.float32)
    best_codes = np.full((n_rows, k), -1, dtype=np.int32)
    _keep(found.starts, found.counts, found.items, scores, indptr, indices, denied, best_scores, best_codes)
    return best_codes, best_scores


@jit()
def _keep(
    starts: Int64,
    counts: Int64,
    items: Int32,
    scores: Float32,
    indptr: Int64,
    indices: Int32,
    denied: Any,
    best_scores: Float32,
    best_codes: Int32,
) -> None:
    for row in range(len(starts)):
        excluded = indices[indptr[row] : indptr[row + 1]]
        heap_scores, heap_codes = best_scores[row], best_codes[row]
        for at in range(starts[row], starts[row] + counts[row]):
            code = items[at]
            if is_worse(heap_scores[0], heap_codes[0], scores[at], code) and is_allowed(
                code, excluded, denied
            ):
                replace_worst(heap_scores, heap_codes, scores[at], code)
    sort_best(best_scores, best_codes)


@jit()
def _collect(
    users: Int64,
    past: Any,
    neighbours: Any,
    factors: Any,
    tasteful: Int32,
    popular: Int32,
    n_popular: int,
    starts: Int64,
    out: Any,
) -> None:
    past_starts, past_items, strengths = past
    near_starts, targets, likeness = neighbours
    user_factors, item_factors = factors
    counts, n_own, items, taste, near = out
    # 0 = not met, 1 = the user's own, 2 = another candidate.
    mark = np.zeros(len(item_factors), np.int8)
    score = np.zeros(len(item_factors), np.float32)
    for row in range(len(users)):
        user, first = users[row], starts[row]
        count = first
        own = slice(past_starts[user], past_starts[user + 1])
        for item in past_items[own]:
            mark[item] = 1
            items[count] = item
            count += 1
        n_own[row] = count - first
        for at in range(own.start, own.stop):
            for place in range(near_starts[past_items[at]], near_starts[past_items[at] + 1]):
                score[targets[place]] += strengths[at] * likeness[place]
                count = _add(targets[place], mark, items, count)
        for item in tasteful[row]:
            if item >= 0:
                count = _add(item, mark, items, count)
        count = _add_popular(popular, n_popular, mark, items, count)
        counts[row] = count - first
        dots(item_factors, items[first:count], user_factors[user], taste[first:count])
        for at in range(first, count):
            near[at] = score[items[at]]
            mark[items[at]] = 0
            score[items[at]] = 0.0


@jit()
def _add(item: int, mark: Any, items: Any, count: int) -> int:
    """Take an item in that is not there yet; returns how many there are."""
    if mark[item] == 0:
        mark[item] = 2
        items[count] = item
        return count + 1
    return count


@jit()
def _add_popular(popular: Int32, n_popular: int, mark: Any, items: Any, count: int) -> int:
    """Take in the first of the popular items that the user has not had, whether they are there or not."""
    for item in popular:
        if n_popular == 0:
            break
        if mark[item] != 1:
            n_popular -= 1
            count = _add(item, mark, items, count)
    return count
