"""The rules of one window in the order of its codes, and lists ranked under them. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Lists, Mask, Scorer
from tasks.numeric.list_limits import ListLimits
from tasks.numeric.owners import Owners
from tasks.numeric.ranking import recommend
from tasks.preparation.seen import Seen

MOST_ENTRIES = 25_000_000
"""Places of longer lists that are ranked at once where lists are not full, 200 MB; beyond, some stay short."""


class RankedLists(NamedTuple):
    """Lists, best first, short ones padded at the end."""

    items: npt.NDArray[np.int32]
    """Codes (n_rows, length), padded with -1."""
    scores: npt.NDArray[np.float32]
    """Of the same shape, padded with -inf."""
    whole: Mask | None = None
    """bool (n_rows,): lists to which nothing could be added; None where no limit kept anything out."""


@dataclass(frozen=True, eq=False)
class ItemRules:
    """The rules of one window.

    Parameters
    ----------
    forbidden
        For each rule bool (n_items,): items that it forbids by itself.
    allow
        bool (n_items,): items that no rule forbids.
    limits
        What ``at_most`` says; None where it says nothing.
    blocked
        Pairs that must not meet, rows as :class:`tasks.preparation.seen.Seen` has them; None where there are none.

    """

    forbidden: dict[str, Mask]
    allow: Mask
    limits: ListLimits | None = None
    blocked: Seen | None = None


def recommend_within(
    scorer: Scorer,
    user_codes: npt.NDArray[np.integer],
    k: int,
    *,
    reserve: int = 0,
    limits: ListLimits | None = None,
    exclude: Csr | None = None,
    allow: Mask | None = None,
    owners: Owners | None = None,
) -> RankedLists:
    """Lists as :func:`tasks.numeric.ranking.recommend` makes them, with at most so many items of a label.

    Parameters
    ----------
    k, reserve
        ``k + reserve`` items are ranked. Where limits leave fewer than k of them, more are, to the end if need be.
    limits
        None leaves lists as they are.
    scorer, user_codes, exclude, allow, owners
        As for :func:`~tasks.numeric.ranking.recommend`.

    Returns
    -------
    Lists (n_rows, k + reserve).

    """
    lists = recommend(scorer, user_codes, k + reserve, exclude=exclude, allow=allow, owners=owners)
    if limits is None:
        return RankedLists(*lists)

    def again(rows: npt.NDArray[np.integer], depth: int) -> Lists:
        return recommend(scorer, user_codes[rows], depth, exclude=exclude, allow=allow)

    wanted = min(k, limits.longest(allow))
    return limited(lists, again, limits, wanted, scorer.shape[1])


def limited(
    lists: Lists,
    again: Callable[[npt.NDArray[np.integer], int], Lists],
    limits: ListLimits,
    wanted: int,
    n_items: int,
) -> RankedLists:
    """Lists under limits, those that come out short asked for again in a greater length.

    Parameters
    ----------
    lists
        Codes and scores, (n_rows, length) each.
    again
        Longer lists of some rows.
    limits
        How many items of a label a list may hold.
    wanted
        Places that each list should have.
    n_items
        Length at which there is nothing more.

    Returns
    -------
    Lists of the same shape.

    """
    length = lists[0].shape[1]
    items, scores = limits.applied(lists)
    whole = np.ones(len(items), np.bool_)
    if wanted == 0:
        return RankedLists(items, scores, whole)
    # A list that ends early holds all there is.
    short = np.flatnonzero((items[:, wanted - 1] < 0) & (lists[0][:, -1] >= 0))
    depth = length
    while len(short) and depth < n_items and len(short) * min(4 * depth, n_items) <= MOST_ENTRIES:
        depth = min(4 * depth, n_items)
        longer = again(short, depth)
        found = limits.applied(longer)
        items[short], scores[short] = found[0][:, :length], found[1][:, :length]
        short = short[(found[0][:, wanted - 1] < 0) & (longer[0][:, -1] >= 0)]
    whole[short] = depth >= n_items
    return RankedLists(items, scores, whole)
