"""Batch prediction: top-K items for every user and top-K users for every item, under the log's own ids."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.dataset_sections import ExportSection
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.predictions import (
    PREDICTIONS,
    PREDICTIONS_SCHEMA,
    SIMILAR_ITEMS,
    SIMILAR_SCHEMA,
    STRANGERS,
    STRANGERS_SCHEMA,
    USERS_PER_ITEM,
    USERS_PER_ITEM_SCHEMA,
    ranked_rows,
)
from data_contracts.scoring import Lists, Mask, Scorer, SimilarityScorer
from data_contracts.selection import Selection
from tasks import models
from tasks.evaluation.task import cold_start_scores
from tasks.models import Capability
from tasks.numeric.ranking import recommend, target, top_scores
from tasks.numeric.similar import similar_by_users
from tasks.numeric.slices import mark_new
from tasks.preparation.grouping import load_grouped
from tasks.preparation.mapping import load_vocabularies
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.select_events import ITEMS_FILE, select_events
from tasks.runtime import duckdb_engine, store
from tasks.runtime.step import step
from tasks.training.task import load_model
from tasks.training.trained_model import TrainedModel, model_code
from tasks.validation.suites import check_facts
from tasks.validation.table_facts import prediction_facts

BLOCK_USERS = BLOCK_ITEMS = 50_000
"""Users, or items, whose rows are in memory at once, and in one row group of a file."""


def predict(
    everyone: pa.Array,
    users: Vocabulary,
    items: Vocabulary,
    scorer: Scorer,
    for_cold_start: tuple[np.ndarray, np.ndarray],
    *,
    k: int,
    seen: Csr | None,
    allow: Mask | None,
    names: tuple[str, str],
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
    for_cold_start
        Item codes and scores of the cold-start list.
    k
        Length of the lists.
    seen
        Items to leave out, by user code, or None.
    allow
        bool (n_items,): items that may be listed; None allows all.
    names
        What to write into the model column: for known users, for unknown users.

    Yields
    ------
    Tables of PREDICTIONS_SCHEMA.

    """
    for start in range(0, len(everyone), BLOCK_USERS):
        ids = everyone[start : start + BLOCK_USERS]
        codes = users.codes(ids, missing="negative")
        known = codes >= 0
        lists = np.tile(for_cold_start[0], (len(codes), 1))
        scores = np.tile(for_cold_start[1].astype(np.float32), (len(codes), 1))
        lists[known], scores[known] = recommend(scorer, codes[known], k, exclude=seen, allow=allow)
        yield ranked_rows(PREDICTIONS_SCHEMA, ids, items, (lists, scores), np.where(known, *names))


def _all_users(events: Path, end: Selection, scratch: Path) -> pa.Array:
    """Ids of everybody with an event before the run's `as_of`, however long ago."""
    with duckdb_engine.connect(scratch) as connection:
        select_events(connection, events, end)
        ids = duckdb_engine.table(
            connection,
            f"SELECT DISTINCT {USER_ID} FROM events WHERE {USER_ID} IS NOT NULL ORDER BY {USER_ID}",
        )
    return ids.column(0).combine_chunks().cast(pa.large_string())


def _write(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> int:
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            rows += len(table)
    return rows


def _write_others(
    out: Path,
    model: TrainedModel,
    scorer: Scorer,
    grouped: GroupedMatrix,
    vocabularies: tuple[Vocabulary, Vocabulary],
    lengths: ExportSection,
    *,
    exclude_seen: bool,
) -> None:
    """Write the tables that are listed by item."""
    users, items = vocabularies
    exclude = grouped.by_item if exclude_seen else None
    owners = target(scorer, None, lengths.users_per_item_k, exclude_by_item=exclude)
    tables = rows_by_item(USERS_PER_ITEM_SCHEMA, items, users, owners, model.name)
    _write(out / USERS_PER_ITEM, USERS_PER_ITEM_SCHEMA, tables)
    similar = _similar(model.kind, scorer, grouped, lengths.k)
    _write(out / SIMILAR_ITEMS, SIMILAR_SCHEMA, rows_by_item(SIMILAR_SCHEMA, items, items, similar, None))


def rows_by_item(
    schema: pa.Schema, items: Vocabulary, others: Vocabulary, lists: Lists, name: str | None
) -> Iterator[pa.Table]:
    """Rows of ids of all items' lists, BLOCK_ITEMS lists at a time.

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
    for start in range(0, len(items), BLOCK_ITEMS):
        block = slice(start, start + BLOCK_ITEMS)
        ids = items.ids[block]
        names = None if name is None else np.full(len(ids), name)
        yield ranked_rows(schema, ids, others, (lists[0][block], lists[1][block]), names)


def _similar(kind: str, scorer: Scorer, grouped: GroupedMatrix, k: int) -> Lists:
    """Similar items by the model's own opinion, or by the users who have both."""
    if Capability.SIMILAR_ITEMS in models.load_spec(kind).offers:
        return cast("SimilarityScorer", scorer).similar_items(np.arange(grouped.n_items), k)
    return similar_by_users(grouped, k)


def _forbidden(predictions: Path, users: Vocabulary, items: Vocabulary, seen: Csr) -> int:
    """Rows that show a user an item which the user had, read back from the file as a shop would."""
    found = 0
    for batch in pq.ParquetFile(predictions).iter_batches(columns=[USER_ID, ITEM_ID]):
        owners = users.codes(batch.column(0), missing="negative")
        shown = items.codes(batch.column(1))
        new = np.empty(len(shown), np.bool_)
        each = np.arange(len(shown) + 1, dtype=np.int64)
        mark_new(owners, each, shown, seen.indptr, seen.indices, new)
        found += int((~new).sum())
    return found


@step("predict with {model.name}", code=model_code("model"), contracts=("predictions",))
def export(
    out: Path,
    model: TrainedModel,
    cold_start: TrainedModel,
    data: PreparedEvents,
    lengths: ExportSection,
    *,
    exclude_seen: bool,
) -> store.Facts:
    """Write the tables of predictions: items for users, users for items, unknown users, similar items."""
    users, items = load_vocabularies(data.vocabularies)
    of_vocabulary = data.vocabularies.facts
    scorer, cold = (load_model(each.artifact, of_vocabulary) for each in (model, cold_start))
    grouped = load_grouped(data.matrix)
    label = cold_start.name if scorer.cold_start is None else model.name
    for_cold_start = top_scores(cold_start_scores(model.name, scorer, cold), lengths.k)
    everyone = _all_users(
        data.events.folder / "events.parquet",
        data.window.model_copy(update={"start": None, "threshold": None}),
        store.scratch(),
    )
    lists = predict(
        everyone,
        users,
        items,
        scorer,
        for_cold_start,
        k=lengths.k,
        seen=grouped.by_user if exclude_seen else None,
        allow=models.allowed_items(model.kind, grouped),
        names=(model.name, label),
    )
    facts: store.Facts = {
        "prediction_rows": _write(out / PREDICTIONS, PREDICTIONS_SCHEMA, lists),
        "users": len(everyone),
        "users_without_history": len(everyone) - len(users),
        "items": len(items),
    }
    counted = prediction_facts(
        out / PREDICTIONS,
        data.vocabularies.folder / ITEMS_FILE,
        eligible=len(everyone),
        k=lengths.k,
        n_items=len(items),
        forbidden=_forbidden(out / PREDICTIONS, users, items, grouped.by_user) if exclude_seen else 0,
        scratch=store.scratch(),
    )
    check_facts("predictions", counted)
    _write_others(out, model, scorer, grouped, (users, items), lengths, exclude_seen=exclude_seen)
    one_list = (for_cold_start[0][None], for_cold_start[1][None])
    cold_start_items = ranked_rows(STRANGERS_SCHEMA, None, items, one_list, np.array([label]))
    _write(out / STRANGERS, STRANGERS_SCHEMA, iter([cold_start_items]))
    return {**facts, **{each: of_vocabulary[each] for each in ("users_sha256", "items_sha256")}}
