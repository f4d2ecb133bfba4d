"""How much published lists change from one night to the next."""

from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, USER_ID

N_ROWS = 50_000
"""Rows of each table that are compared: lists are sorted by user, so the first of both are those of much the same users."""

Lists = dict[Any, set[Any]]


@lru_cache(maxsize=1024)  # publications never change
def changed_share(new: Path, old: Path, n_rows: int = N_ROWS) -> float | None:
    """Share of the places of tonight's lists, of users who had a list before, whose item was not on that list.

    Parameters
    ----------
    new, old
        Two ``predictions.parquet``.
    n_rows
        At most so many rows of each are read.

    Returns
    -------
    0 to 1; None where a table cannot be read, or no user is in both.

    """
    try:
        after, before = _lists(new, n_rows), _lists(old, n_rows)
    except (OSError, ValueError, KeyError):  # pyarrow's own errors are among these
        return None
    both = after.keys() & before.keys()
    places = sum(len(after[user]) for user in both)
    return sum(len(after[user] - before[user]) for user in both) / places if places else None


def _lists(path: Path, n_rows: int) -> Lists:
    """Items by user, of the users whose whole list is among the first rows."""
    found: Lists = {}
    read, last = 0, None
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(min(n_rows, 10_000), columns=[USER_ID, ITEM_ID]):
            for user, item in zip(
                *(batch.column(name).to_pylist() for name in (USER_ID, ITEM_ID)), strict=True
            ):
                found.setdefault(user, set()).add(item)
                last = user
            read += len(batch)
            if read >= n_rows:
                if read < file.metadata.num_rows:
                    found.pop(last, None)
                break
    return found


def churn(tables: list[Path]) -> list[float | None]:
    """For each table, oldest first, the share that changed since the one before; None for the first."""
    return [None, *(changed_share(new, old) for old, new in pairwise(tables))]
