"""The rules of one window in the order of its codes, and lists ranked under them. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Lists, Mask, Scorer
from tasks.numeric.list_limits import ListLimits
from tasks.numeric.owners import Owners
from tasks.numeric.ranking import recommend
from tasks.preparation.seen import Seen

DEEPEST = 8
"""So many times the ranked length is looked through at most where a list is not full; further down, it is short."""


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
) -> Lists:
    """Lists as :func:`tasks.numeric.ranking.recommend` makes them, with at most so many items of a label.

    Parameters
    ----------
    k, reserve
        ``k + reserve`` items are ranked. Where limits leave fewer than k of them, the list is ranked again, up to
        :data:`DEEPEST` times as long.
    limits
        None leaves lists as they are.
    scorer, user_codes, exclude, allow, owners
        As for :func:`~tasks.numeric.ranking.recommend`.

    Returns
    -------
    items, scores
        int32 and float32 (n_rows, k + reserve); short lists end in -1 and -inf.

    """
    lists = recommend(scorer, user_codes, k + reserve, exclude=exclude, allow=allow, owners=owners)
    if limits is None:
        return lists

    def again(rows: npt.NDArray[np.integer], depth: int) -> Lists:
        return recommend(scorer, user_codes[rows], depth, exclude=exclude, allow=allow)

    return limited(lists, again, limits, k, min(scorer.shape[1], DEEPEST * (k + reserve)), allow)


def limited(
    lists: Lists,
    again: Callable[[npt.NDArray[np.integer], int], Lists],
    limits: ListLimits,
    k: int,
    deepest: int,
    allow: Mask | None,
) -> Lists:
    """Lists under limits, those that come out short asked for again in a greater length.

    Parameters
    ----------
    lists
        Codes and scores, (n_rows, depth) each.
    again
        Longer lists of some rows.
    limits, k, allow
        As for :func:`recommend_within`.
    deepest
        Length that is asked for at most.

    Returns
    -------
    Lists of the same shape.

    """
    depth = lists[0].shape[1]
    items, scores = limits.applied(lists)
    wanted = min(k, limits.longest(allow))
    if wanted == 0:
        return items, scores
    # A list that ends early holds all there is.
    short = np.flatnonzero((items[:, wanted - 1] < 0) & (lists[0][:, -1] >= 0))
    length = depth
    while len(short) and length < deepest:
        length = min(4 * length, deepest)
        longer = again(short, length)
        found = limits.applied(longer)
        items[short], scores[short] = found[0][:, :depth], found[1][:, :depth]
        short = short[(found[0][:, wanted - 1] < 0) & (longer[0][:, -1] >= 0)]
    return items, scores
