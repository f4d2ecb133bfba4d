"""Lists of codes become tables of ids, block by block, and Parquet files. Pure but for the file that is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.identifiers import Vocabulary
from data_contracts.predictions import PREDICTIONS_SCHEMA, ranked_rows
from data_contracts.scoring import Lists, Mask, Scorer, Scores
from tasks.evaluation.lists import cold_lists
from tasks.numeric.owners import Owners
from tasks.numeric.ranking import recommend, top_scores
from tasks.numeric.slices import mark_new
from tasks.prediction.catalogue import by_id
from tasks.preparation.seen import Seen

BLOCK_USERS = BLOCK_ITEMS = 50_000
"""Users, or items, whose rows are in memory at once, and in one row group of a file."""


@dataclass
class ListLengths:
    """How long lists are, against how long they could be."""

    possible: int = 0
    """Users for whom at least one item is left."""
    short: int = 0
    """Of them, users whose list is shorter than it could be."""

    def add(self, lists: np.ndarray, could_be: np.ndarray) -> None:
        """Count a block: lists padded with -1 (n, k), and the lengths that they could have (n,)."""
        self.possible += int((could_be > 0).sum())
        self.short += int(((lists >= 0).sum(axis=1) < could_be).sum())


def predict(
    everyone: pa.Array,
    users: Vocabulary,
    items: Vocabulary,
    scorer: Scorer,
    cold_start: Scores,
    *,
    k: int,
    seen: Seen | None,
    allow: Mask | None,
    names: tuple[str, str],
    counts: ListLengths,
    owners: Owners | None = None,
) -> Iterator[pa.Table]:
    """Lists of all users, block by block.

    Parameters
    ----------
    everyone
        Ids of all users of the log, sorted; those outside `users` get the cold-start list.
    users, items
        Vocabularies that `scorer` was trained with.
    scorer
        The model.
    cold_start
        Item scores for unknown users, (n_items,).
    k
        Length of the lists.
    seen
        Items to leave out, or None.
    allow
        bool (n_items,): items that may be listed; None allows all.
    names
        What to write into the model column: for known users, for unknown users.
    counts
        Is told how long the lists are, and could be.
    owners
        As for :func:`tasks.numeric.ranking.recommend`.

    Yields
    ------
    Tables of PREDICTIONS_SCHEMA.

    """
    for_cold_start = top_scores(cold_start, k)
    n_allowed = len(items) if allow is None else int(allow.sum())
    for start in range(0, len(everyone), BLOCK_USERS):
        ids = everyone[start : start + BLOCK_USERS]
        codes = users.codes(ids, missing="negative")
        known, left = codes >= 0, np.full(len(codes), n_allowed)
        lists = np.tile(for_cold_start[0], (len(codes), 1))
        scores = np.tile(for_cold_start[1].astype(np.float32), (len(codes), 1))
        exclude = None if seen is None else seen.by_user
        lists[known], scores[known] = recommend(
            scorer, codes[known], k, exclude=exclude, allow=allow, owners=owners
        )
        if seen is not None:
            rows = seen.rows(ids, codes)
            former, had = ~known & (rows >= 0), rows >= 0
            if former.any():
                lists[former], scores[former] = cold_lists(cold_start, rows[former], k, seen.by_row)
            left[had] -= seen.by_row.lengths()[rows[had]]
        counts.add(lists, np.minimum(left, k))
        yield ranked_rows(PREDICTIONS_SCHEMA, ids, items, (lists, scores), np.where(known, *names))


def rows_by_item(
    schema: pa.Schema, items: Vocabulary, others: Vocabulary, lists: Lists, name: str | None
) -> Iterator[pa.Table]:
    """Rows of ids of all items' lists, sorted by id, BLOCK_ITEMS lists at a time.

    Parameters
    ----------
    schema
        USERS_PER_ITEM_SCHEMA or SIMILAR_SCHEMA.
    items, others
        Vocabularies of the lists' owners, and of what stands in the lists.
    lists
        Codes, int32 (n_items, k), short lists padded with -1 at the end, and scores of the same layout.
    name
        What to write into the model column, or None where the schema has none.

    Yields
    ------
    Tables of `schema`.

    """
    every, lists = by_id(items, lists)
    for start in range(0, len(items), BLOCK_ITEMS):
        block = slice(start, start + BLOCK_ITEMS)
        ids = every[block]
        names = None if name is None else np.full(len(ids), name)
        yield ranked_rows(schema, ids, others, (lists[0][block], lists[1][block]), names)


def write_table(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> int:
    """Write tables into one Parquet file, a row group for each; returns the number of rows."""
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            rows += len(table)
    return rows


def count_forbidden(predictions: Path, users: Vocabulary, items: Vocabulary, seen: Seen) -> int:
    """Rows that show a user an item which the user had, read back from the file as a shop would."""
    found = 0
    for batch in pq.ParquetFile(predictions).iter_batches(columns=[USER_ID, ITEM_ID]):
        owners = seen.rows(batch.column(0), users.codes(batch.column(0), missing="negative"))
        shown = items.codes(batch.column(1))
        new = np.empty(len(shown), np.bool_)
        each = np.arange(len(shown) + 1, dtype=np.int64)
        mark_new(owners, each, shown, seen.by_row.indptr, seen.by_row.indices, new)
        found += int((~new).sum())
    return found
