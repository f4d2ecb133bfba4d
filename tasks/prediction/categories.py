"""Lists for each user and each value of an attribute. Pure but for the file that is written."""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from data_contracts.identifiers import Vocabulary
from data_contracts.predictions import PER_CATEGORY_SCHEMA
from data_contracts.scoring import Lists, Mask, Scorer, Scores
from tasks.numeric.list_limits import ListLimits
from tasks.prediction.tables import BLOCK_USERS, ListLengths, predict
from tasks.preparation.seen import Seen

MOST_CATEGORIES = 200
"""Values that get lists where the dataset file names none: those with the most items."""

BLOCK_ROWS = 2_000_000
"""Rows in memory at once."""


def rows_per_category(
    everyone: pa.Array,
    users: Vocabulary,
    items: Vocabulary,
    scorer: Scorer,
    cold_start: Scores,
    categories: Mapping[str, Mask],
    *,
    k: int,
    reserve: int,
    seen: Seen | None,
    limits: ListLimits | None,
) -> Iterator[pa.Table]:
    """Lists of all users by category, block by block of users.

    Parameters
    ----------
    categories
        By name bool (n_items,): the items that may stand on its lists.
    k, reserve
        Length of the lists, and what is ranked beyond it where they are limited.
    everyone, users, items, scorer, cold_start, seen, limits
        As for :func:`tasks.prediction.tables.predict`.

    Yields
    ------
    Tables of PER_CATEGORY_SCHEMA.

    """
    names = sorted(categories, key=lambda name: name.encode())
    more = reserve if limits is not None else 0
    size = min(BLOCK_USERS, max(1, BLOCK_ROWS // max(1, len(names) * (k + more))))
    for start in range(0, len(everyone), size):
        ids = everyone[start : start + size]
        codes = np.empty((len(ids), len(names), k), np.int32)
        scores = np.empty(codes.shape, np.float32)
        for at, name in enumerate(names):
            allow = categories[name]
            lists = _lists(ids, users, items, scorer, cold_start, allow, k, more, seen, limits)
            codes[:, at], scores[:, at] = lists[0][:, :k], lists[1][:, :k]
        yield _table(ids, names, items, (codes, scores))


def _lists(
    ids: pa.Array,
    users: Vocabulary,
    items: Vocabulary,
    scorer: Scorer,
    cold_start: Scores,
    allow: Mask,
    k: int,
    reserve: int,
    seen: Seen | None,
    limits: ListLimits | None,
) -> Lists:
    (block,) = predict(
        ids,
        users,
        items,
        scorer,
        np.where(allow, cold_start, -np.inf),
        k=k,
        seen=seen,
        allow=allow,
        names=("", ""),
        counts=ListLengths(),
        reserve=reserve,
        limits=limits,
    )
    return block.lists


def _table(ids: pa.Array, names: list[str], items: Vocabulary, lists: Lists) -> pa.Table:
    codes, scores = lists
    there = codes >= 0
    lines, places, ranks = np.nonzero(there)
    columns = [
        ids.take(pa.array(lines)),
        pa.array(names, pa.large_string()).take(pa.array(places)),
        pa.array(ranks.astype(np.int32) + 1),
        items.take(codes[there]),
        pa.array(scores[there]),
    ]
    return pa.Table.from_arrays(columns, schema=PER_CATEGORY_SCHEMA)
