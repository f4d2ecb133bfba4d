"""Lists from any trained model: items for users, users for items, and the cold-start list.

Factors are ranked exactly (:mod:`tasks.numeric.topk`), popularity and personal frequency from their common
order, every other scorer from dense blocks. Ties go to the lower code everywhere. Lists longer than what
there is end in -1 and -inf. For factors, nothing depends on how users are cut into blocks; for a scorer
that is ranked from dense blocks, that holds as far as its own scores do not.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Factors, ItemScores, PersonalScores, Scorer
from tasks.numeric.best import keep_best_columns, sort_best
from tasks.numeric.catalogue import Catalogue, Lists
from tasks.numeric.common_order import items_for_users, users_for_items
from tasks.numeric.exclusion import check_exclude, denied_mask, take_rows
from tasks.numeric.parallel import for_each_block
from tasks.numeric.topk import select_top_k

DENSE_BYTES = 64 << 20
"""A dense block of scores is at most this large."""

COLUMNS_PER_THREAD = 1024
BATCH = 16_384


def recommend(
    scorer: Scorer,
    user_codes: npt.NDArray[np.integer],
    k: int,
    *,
    exclude: Csr | None = None,
    deny: npt.ArrayLike | None = None,
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
    deny
        Items nobody may get: a bool mask (n_items,) or their codes.

    Returns
    -------
    items, scores
        int32 and float32 (n_rows, k); short lists end in -1 and -inf.

    Raises
    ------
    ValueError
        If k or a user code is out of range, `exclude` or `deny` does not fit, or a score is NaN.

    """
    items = np.full((len(user_codes), k), -1, dtype=np.int32) if k > 0 else np.zeros((0, 0), np.int32)
    scores = np.full(items.shape, -np.inf, dtype=np.float32)
    for first, some_items, some_scores in recommend_batches(
        scorer, user_codes, k, exclude=exclude, deny=deny
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
    deny: npt.ArrayLike | None = None,
    batch: int = BATCH,
) -> Iterator[tuple[int, npt.NDArray[np.int32], npt.NDArray[np.float32]]]:
    """Like :func:`recommend`, batch by batch: (first row, items, scores) of at most `batch` users.

    Holds the results of one batch, one dense block or tile a thread, and for factors one copy of the item
    factors: nothing that grows with the number of users.
    """
    n_users, n_items = scorer.shape
    codes = _checked_codes("user_codes", user_codes, n_users)
    if k < 1 or batch < 1:
        raise ValueError(f"k and batch must be at least 1; got {k} and {batch}")
    if exclude is not None and exclude.shape != scorer.shape:
        raise ValueError(f"exclude must have shape {scorer.shape}, by user code; got {exclude.shape}")
    ranked = _Ranker(scorer, min(k, n_items), deny)
    for first in range(0, len(codes), batch):
        some = codes[first : first + batch]
        lists = ranked.best(some, None if exclude is None else take_rows(exclude, some))
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
    exclude = None if exclude_by_item is None else take_rows(exclude_by_item, codes)
    width = min(k, n_users)
    if isinstance(scorer, Factors):
        offset = None if scorer.item_bias is None else scorer.item_bias[codes]
        users = Catalogue.of(scorer.user_factors)
        return _widened(users.best(scorer.item_factors[codes], width, exclude=exclude, offset=offset), k)
    if isinstance(scorer, ItemScores | PersonalScores):
        return _widened(users_for_items(scorer).best(codes, width, exclude=exclude, deny=None), k)
    return _widened(_stream_users(scorer, codes, width, exclude), k)


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


class _Ranker:
    """The fastest way to rank one scorer, laid out once for many batches of users."""

    def __init__(self, scorer: Scorer, k: int, deny: npt.ArrayLike | None) -> None:
        self.scorer, self.k, self.deny = scorer, k, deny
        self.catalogue: Catalogue | None = None
        if isinstance(scorer, Factors):
            self.catalogue = Catalogue.of(scorer.item_factors, scorer.item_bias, deny)

    def best(self, codes: npt.NDArray[np.int64], exclude: Csr | None) -> Lists:
        scorer = self.scorer
        if self.catalogue is not None and isinstance(scorer, Factors):
            return self.catalogue.best(scorer.user_factors[codes], self.k, exclude=exclude)
        if isinstance(scorer, ItemScores | PersonalScores):
            return items_for_users(scorer).best(codes, self.k, exclude=exclude, deny=self.deny)
        step = max(1, DENSE_BYTES // (8 * scorer.shape[1]))
        parts = []
        for first in range(0, len(codes), step):
            rows = np.arange(first, min(first + step, len(codes)))
            mine = None if exclude is None else take_rows(exclude, rows)
            parts.append(select_top_k(scorer.scores(codes[rows]), self.k, exclude=mine, deny=self.deny))
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _stream_users(scorer: Scorer, item_codes: npt.NDArray[np.int64], k: int, exclude: Csr | None) -> Lists:
    """Top-k users of each item from dense blocks of users, which come in rising order for ties."""
    n_users, n_items = scorer.shape
    indptr, indices = check_exclude(exclude, (len(item_codes), n_users))
    nobody = denied_mask(None, n_users)
    best_scores = np.full((len(item_codes), k), -np.inf)
    best_codes = np.full((len(item_codes), k), -1, dtype=np.int32)
    step = max(1, DENSE_BYTES // (8 * n_items))
    for first in range(0, n_users, step):
        block = scorer.scores(np.arange(first, min(first + step, n_users)))

        def work(number: int, block: npt.NDArray[np.floating] = block, first: int = first) -> None:
            part = slice(number * COLUMNS_PER_THREAD, (number + 1) * COLUMNS_PER_THREAD)
            scores = np.ascontiguousarray(block[:, item_codes[part]], dtype=np.float64)
            starts = indptr[part.start : part.stop + 1]
            if not keep_best_columns(
                scores, first, starts, indices, nobody, best_scores[part], best_codes[part]
            ):
                raise ValueError(
                    f"scores of users from code {first} on hold NaN; every score must be a number"
                )

        for_each_block(work, -(-len(item_codes) // COLUMNS_PER_THREAD))
    sort_best(best_scores, best_codes)
    return best_codes, best_scores.astype(np.float32)


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
