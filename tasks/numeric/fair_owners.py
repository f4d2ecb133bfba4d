"""Users per item where no user may stand on more than a few lists: exact, by the order of the scores."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from data_contracts.scoring import Lists
from tasks.numeric.jit import jit

Int32 = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]


def fair_owners(
    target: Callable[[npt.NDArray[np.int64], int], Lists], n_items: int, n_users: int, k: int, most: int
) -> Lists:
    """Best users of every item, each user on at most `most` lists.

    All pairs of an item and a user are gone through from the highest score to the lowest, ties by the lower item code,
    then by the lower user code; a pair is listed where the item has fewer than k users and the user is on fewer than
    `most` lists. Only as many users of an item are looked at as that needs: an item whose list is not full is
    asked for twice as many, and all is gone through again.

    Parameters
    ----------
    target
        For item codes (n,) and a length the best users of each: (n, length) padded with -1, as
        :func:`tasks.numeric.ranking.target`.
    n_items, n_users
        Sizes.
    k
        Length of the lists.
    most
        Lists that a user may stand on, 1 or more.

    Returns
    -------
    users, scores
        int32 and float32 (n_items, k), best first; short lists end in -1 and -inf.

    Raises
    ------
    ValueError
        If k or `most` is less than 1.

    """
    if k < 1 or most < 1:
        raise ValueError(f"k and most must be at least 1; got {k} and {most}")
    found: list[tuple[Int32, Float32]] = [(np.empty(0, np.int32), np.empty(0, np.float32))] * n_items
    depth = np.full(n_items, min(2 * k, n_users))
    asked = np.arange(n_items)
    lists = np.full((n_items, k), -1, np.int32), np.full((n_items, k), -np.inf, np.float32)
    while len(asked):
        depth[asked] = depth[asked].max()
        users, scores = target(asked, int(depth[asked[0]]))
        for row, item in enumerate(asked):
            n = int((users[row] >= 0).sum())
            found[item] = (users[row, :n], scores[row, :n])
        lengths = np.array([len(codes) for codes, _ in found])
        lists = _gone_through(found, lengths, n_users, k, most)
        # An item that named fewer users than it was asked for has no others.
        asked = np.flatnonzero((lists[0][:, -1] < 0) & (lengths == depth) & (depth < n_users))
        depth[asked] = np.minimum(2 * depth[asked], n_users)
    return lists


def _gone_through(
    found: list[tuple[Int32, Float32]], lengths: npt.NDArray[np.intp], n_users: int, k: int, most: int
) -> Lists:
    """Lists from the users that are known of each item."""
    users, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
    items = np.repeat(np.arange(len(found), dtype=np.int32), lengths)
    order = np.lexsort((users, items, -scores))
    codes = np.full((len(found), k), -1, np.int32)
    of_codes = np.full((len(found), k), -np.inf, np.float32)
    _fill(order, items, users, scores, np.full(n_users, most), codes, of_codes)
    return codes, of_codes


@jit()
def _fill(
    order: npt.NDArray[np.intp],
    items: Int32,
    users: Int32,
    scores: Float32,
    left: npt.NDArray[np.intp],
    codes: Int32,
    of_codes: Float32,
) -> None:
    """Fill the lists pair by pair; `left` holds on how many lists each user may still stand."""
    filled = np.zeros(len(codes), np.int64)
    for pair in order:
        item, user = items[pair], users[pair]
        if left[user] > 0 and filled[item] < codes.shape[1]:
            codes[item, filled[item]], of_codes[item, filled[item]] = user, scores[pair]
            filled[item] += 1
            left[user] -= 1
