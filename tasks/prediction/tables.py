"""Lists of codes become tables of ids, block by block, and Parquet files. Pure but for the file that is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.identifiers import Vocabulary
from data_contracts.predictions import PREDICTIONS_SCHEMA, ranked_rows
from data_contracts.scoring import Lists, Mask, Scorer, Scores
from tasks.evaluation.lists import cold_lists, cold_start_lists
from tasks.numeric.list_limits import ListLimits
from tasks.numeric.owners import Owners
from tasks.numeric.permissions import columns_of
from tasks.numeric.ranking import top_scores
from tasks.numeric.slices import mark_new
from tasks.prediction.catalogue import by_id
from tasks.preparation.seen import Seen
from tasks.rules.applied import RankedLists, recommend_within

BLOCK_USERS = BLOCK_ITEMS = 50_000
"""Users, or items, whose rows are in memory at once, and in one row group of a file."""


@dataclass
class ListLengths:
    """How long lists are, against how long they could be."""

    possible: int = 0
    """Users for whom at least one item is left."""
    short: int = 0
    """Of them, users whose list is shorter than it could be."""
    unfilled: int = 0
    """Users whose list has a free place, whatever the reason."""

    def add(self, lists: np.ndarray, could_be: np.ndarray) -> None:
        """Count a block: lists padded with -1 (n, k), and the lengths that they could have (n,)."""
        lengths = (lists >= 0).sum(axis=1)
        self.possible += int((could_be > 0).sum())
        self.short += int((lengths < could_be).sum())
        self.unfilled += int((lengths < lists.shape[1]).sum())

    def include(self, other: "ListLengths") -> None:
        """Count what somebody else counted."""
        self.possible += other.possible
        self.short += other.short
        self.unfilled += other.unfilled


class UserLists(NamedTuple):
    """Ranked lists of a block of users."""

    ids: pa.Array
    """User ids (n_rows,), sorted."""
    lists: Lists
    """Codes and scores, (n_rows, k + reserve) each, after all rules; the first k places are published."""
    names: npt.NDArray[np.str_]
    """Name of the model behind each list, (n_rows,)."""

    def table(self, items: Vocabulary) -> pa.Table:
        """Rows of PREDICTIONS_SCHEMA, the reserve included."""
        return ranked_rows(PREDICTIONS_SCHEMA, self.ids, items, self.lists, self.names)


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
    reserve: int = 0,
    limits: ListLimits | None = None,
) -> Iterator[UserLists]:
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
    reserve
        So many more items are ranked.
    limits
        How many items of a label a list may hold; None limits nothing.

    Yields
    ------
    Lists of a block of users.

    """
    maker = _ListMaker(scorer, cold_start, k, seen, allow, owners, reserve, limits)
    possible = maker.possible_length()
    barred = None if seen is None else columns_of(seen.by_row, allow).lengths()
    for start in range(0, len(everyone), BLOCK_USERS):
        ids = everyone[start : start + BLOCK_USERS]
        codes = users.codes(ids, missing="negative")
        rows = None if seen is None else seen.rows(ids, codes)
        ranked = maker.ranked(codes, rows)
        left = np.full(len(codes), len(items) if allow is None else int(allow.sum()))
        if rows is not None and barred is not None:
            left[rows >= 0] -= barred[rows[rows >= 0]]
        counts.add(ranked.items[:, :k], _could_be(ranked, np.minimum(left, possible), k))
        yield UserLists(ids, (ranked.items, ranked.scores), np.where(codes >= 0, *names))


@dataclass(frozen=True, eq=False)
class _ListMaker:
    """What makes lists of :func:`predict`, whose arguments these are."""

    scorer: Scorer
    cold_start: Scores
    k: int
    seen: Seen | None
    allow: Mask | None
    owners: Owners | None
    reserve: int
    limits: ListLimits | None

    def possible_length(self) -> int:
        """Length that a list can have at most, whoever gets it."""
        return self.k if self.limits is None else min(self.k, self.limits.longest(self.allow))

    def ranked(self, codes: npt.NDArray[np.integer], rows: npt.NDArray[np.integer] | None) -> RankedLists:
        """Lists of a block of users, (n_rows, k + reserve); `whole` is true of users whom the model does not know.

        Parameters
        ----------
        codes
            User codes (n_rows,), -1 = not known to the model.
        rows
            Their rows in `seen`, -1 where they had nothing; None without it.

        """
        known, whole = codes >= 0, codes < 0
        for_unknown = unknown_users_list(self.cold_start, self.k, self.reserve, self.limits)
        lists = np.tile(for_unknown[0], (len(codes), 1))
        scores = np.tile(for_unknown[1].astype(np.float32), (len(codes), 1))
        found = self._by_the_model(codes[known])
        lists[known], scores[known] = found.items, found.scores
        if self.seen is not None and rows is not None:
            former = ~known & (rows >= 0)
            if former.any():
                cold = cold_lists(
                    self.cold_start, rows[former], self.k, self.seen.by_row, self.limits, self.reserve
                )
                lists[former], scores[former] = cold.items, cold.scores
        if found.whole is None:
            return RankedLists(lists, scores)
        whole[known] = found.whole
        return RankedLists(lists, scores, whole)

    def _by_the_model(self, codes: npt.NDArray[np.integer]) -> RankedLists:
        return recommend_within(
            self.scorer,
            codes,
            self.k,
            reserve=self.reserve,
            limits=self.limits,
            exclude=None if self.seen is None else self.seen.by_user,
            allow=self.allow,
            owners=self.owners,
        )


def _could_be(ranked: RankedLists, possible: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.int64]:
    """Length that each list could have, (n_rows,), of what is `possible` by the number of items that are left."""
    if ranked.whole is None:
        return possible
    # Limits may leave less than the number of items says: a whole list is as long as it can be.
    lengths = (ranked.items[:, :k] >= 0).sum(axis=1)
    return np.where(ranked.whole, np.minimum(possible, lengths), possible)


def unknown_users_list(cold_start: Scores, k: int, reserve: int, limits: ListLimits | None) -> Lists:
    """The list of users whom nobody knows: codes and scores, (1, k + reserve) each."""
    if limits is not None:
        return cold_start_lists(cold_start, k, limits=limits, reserve=reserve)[:2]
    items, scores = top_scores(cold_start, k + reserve)
    return items[None], scores[None]


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


def count_denied(predictions: Path, items: Vocabulary, allow: Mask) -> int:
    """Rows whose item nobody may be shown, read back from the file as a shop would."""
    return sum(
        int((~allow[items.codes(batch.column(0))]).sum())
        for batch in pq.ParquetFile(predictions).iter_batches(columns=[ITEM_ID])
    )
