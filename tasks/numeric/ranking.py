"""Lists from any trained model: items for users, users for items, and the cold-start list.

The scorer ranks; what stands here checks what is asked, cuts it into batches and pads the answers. Lists
longer than what there is end in -1 and -inf.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import cast

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Lists, Mask, Scorer
from tasks.numeric.owners import Owners, OwnersScorer
from tasks.numeric.topk import select_top_k

BATCH = 16_384
"""Users whose lists are made at once: what a batch needs does not grow with the number of users."""


def recommend(
    scorer: Scorer,
    user_codes: npt.NDArray[np.integer],
    k: int,
    *,
    exclude: Csr | None = None,
    allow: Mask | None = None,
    owners: Owners | None = None,
) -> Lists:
    """Best k items of some users.

    Parameters
    ----------
    scorer
        The trained model.
    user_codes
        (n_rows,), each from 0 to n_users - 1.
    k
        Length of the lists, 1 or more.
    exclude
        (n_users, n_items), by USER CODE: items that user must not get.
    allow
        bool (n_items,): items that anybody may get; None allows all.
    owners
        Offered the users of every item meanwhile, by a scorer with the capability ``owners``.

    Returns
    -------
    items, scores
        int32 and float32 (n_rows, k); short lists end in -1 and -inf.

    Raises
    ------
    ValueError
        If k or a user code is out of range, `exclude` or `allow` does not fit, or a score is NaN.

    """
    items = np.full((len(user_codes), k), -1, dtype=np.int32) if k > 0 else np.zeros((0, 0), np.int32)
    scores = np.full(items.shape, -np.inf, dtype=np.float32)
    for first, some_items, some_scores in recommend_batches(
        scorer, user_codes, k, exclude=exclude, allow=allow, owners=owners
    ):
        items[first : first + len(some_items)] = some_items
        scores[first : first + len(some_items)] = some_scores
    return items, scores


def recommend_batches(
    scorer: Scorer,
    user_codes: npt.NDArray[np.integer],
    k: int,
    *,
    exclude: Csr | None = None,
    allow: Mask | None = None,
    owners: Owners | None = None,
    batch: int = BATCH,
) -> Iterator[tuple[int, npt.NDArray[np.int32], npt.NDArray[np.float32]]]:
    """Like :func:`recommend`, batch by batch: (first row, items, scores) of at most `batch` users."""
    n_users, n_items = scorer.shape
    codes = _checked_codes("user_codes", user_codes, n_users)
    if k < 1 or batch < 1:
        raise ValueError(f"k and batch must be at least 1; got {k} and {batch}")
    if exclude is not None and exclude.shape != scorer.shape:
        raise ValueError(f"exclude must have shape {scorer.shape}, by user code; got {exclude.shape}")
    if allow is not None and (allow.shape != (n_items,) or allow.dtype != np.bool_):
        raise ValueError(f"allow must be a bool mask of shape ({n_items},); got {allow.dtype} {allow.shape}")
    rank: Callable[..., Lists] = scorer.top_k
    if owners is not None:
        rank = partial(cast("OwnersScorer", scorer).top_k_and_owners, owners=owners)
    for first in range(0, len(codes), batch):
        lists = rank(codes[first : first + batch], min(k, n_items), exclude=exclude, allow=allow)
        yield first, *_widened(lists, k)


def target(
    scorer: Scorer,
    item_codes: npt.NDArray[np.integer] | None,
    k: int,
    *,
    exclude_by_item: Csr | None = None,
) -> Lists:
    """Best k users of some items: whom to tell about it.

    Parameters
    ----------
    scorer
        The trained model.
    item_codes
        (n_rows,), or None for all items.
    k
        Length of the lists, 1 or more.
    exclude_by_item
        (n_items, n_users), by ITEM CODE: users who must not be listed, as those who have the item.

    Returns
    -------
    users, scores
        int32 and float32 (n_rows, k); short lists end in -1 and -inf. For factors a score has the same
        bytes as in :func:`recommend`.

    Raises
    ------
    ValueError
        As for :func:`recommend`.

    """
    n_users, n_items = scorer.shape
    codes = np.arange(n_items) if item_codes is None else _checked_codes("item_codes", item_codes, n_items)
    if k < 1:
        raise ValueError(f"k must be at least 1; got {k}")
    if exclude_by_item is not None and exclude_by_item.shape != (n_items, n_users):
        raise ValueError(
            f"exclude_by_item must have shape {(n_items, n_users)}, by item code; got {exclude_by_item.shape}"
        )
    return _widened(scorer.top_users(codes, min(k, n_users), exclude=exclude_by_item), k)


def top_scores(
    scores: npt.NDArray[np.floating], k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Best k of one row of item scores (n_items,): codes and scores, (k,) each, padded with -1 and -inf."""
    if k < 1:
        raise ValueError(f"k must be at least 1; got {k}")
    items, values = _widened(select_top_k(scores[None], min(k, len(scores))), k)
    return items[0], values[0]


def cold_start_list(scores: npt.NDArray[np.floating], k: int) -> npt.NDArray[np.int32]:
    """What an unknown user gets: the best k item codes, int32 (k,), padded with -1."""
    return top_scores(scores, k)[0]


def _checked_codes(name: str, codes: npt.NDArray[np.integer], n_codes: int) -> npt.NDArray[np.int64]:
    rows = np.asarray(codes, dtype=np.int64)
    if rows.size and (rows.min() < 0 or rows.max() >= n_codes):
        raise ValueError(f"{name} must lie in 0 to {n_codes - 1}; got {rows.min()} to {rows.max()}")
    return rows


def _widened(lists: Lists, k: int) -> Lists:
    """The same lists with k places."""
    items, scores = lists
    missing = k - items.shape[1]
    if missing == 0:
        return lists
    return (
        np.pad(items, ((0, 0), (0, missing)), constant_values=-1),
        np.pad(scores, ((0, 0), (0, missing)), constant_values=-np.inf),
    )
