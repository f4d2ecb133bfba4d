"""Batch prediction: top-K items for every user and top-K users for every item, under the log's own ids."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.dataset_sections import ExportSection, ModelSection
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
from tasks.preparation.select_events import ITEMS_FILE, select_events
from tasks.runtime import duckdb_engine, store
from tasks.runtime.step import step
from tasks.training.task import load_model
from tasks.validation.suites import check_facts
from tasks.validation.table_facts import prediction_facts

BLOCK_USERS = 50_000
"""Users per batch of rows: the memory of the export does not grow with the number of users."""


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
    scorer: Scorer,
    grouped: GroupedMatrix,
    vocabularies: tuple[Vocabulary, Vocabulary],
    lengths: ExportSection,
    *,
    exclude_seen: bool,
    name: str,
    kind: str,
) -> None:
    """Write the tables that are listed by item."""
    users, items = vocabularies
    found = target(
        scorer, None, lengths.users_per_item_k, exclude_by_item=grouped.by_item if exclude_seen else None
    )
    names = np.full(len(items), name)
    rows = ranked_rows(USERS_PER_ITEM_SCHEMA, items.ids, users, found, names)
    _write(out / USERS_PER_ITEM, USERS_PER_ITEM_SCHEMA, iter([rows]))
    alike = _similar(kind, scorer, grouped, lengths.k)
    _write(
        out / SIMILAR_ITEMS,
        SIMILAR_SCHEMA,
        iter([ranked_rows(SIMILAR_SCHEMA, items.ids, items, alike, None)]),
    )


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


def _model_code(given: dict[str, Any]) -> tuple[str, ...]:
    return (models.module_name(given["choice"].kind),)


@step("predict with {name}", code=_model_code, contracts=("predictions",))
def export(
    out: Path,
    name: str,
    choice: ModelSection,
    model: store.ArtifactRef,
    cold_start_name: str,
    cold_start: store.ArtifactRef,
    events: store.ArtifactRef,
    selection: Selection,
    vocabulary: store.ArtifactRef,
    matrix: store.ArtifactRef,
    lengths: ExportSection,
    *,
    exclude_seen: bool,
) -> store.Facts:
    """Write the tables of predictions: items for users, users for items, unknown users, similar items."""
    users, items = load_vocabularies(vocabulary)
    scorer, cold = load_model(model, vocabulary.facts), load_model(cold_start, vocabulary.facts)
    grouped = load_grouped(matrix)
    label = cold_start_name if scorer.cold_start is None else name
    for_cold_start = top_scores(cold_start_scores(name, scorer, cold), lengths.k)
    everyone = _all_users(
        events.folder / "events.parquet",
        selection.model_copy(update={"start": None, "threshold": None}),
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
        allow=models.allowed_items(choice.kind, grouped),
        names=(name, label),
    )
    facts: store.Facts = {
        "prediction_rows": _write(out / PREDICTIONS, PREDICTIONS_SCHEMA, lists),
        "users": len(everyone),
        "users_without_history": len(everyone) - len(users),
        "items": len(items),
    }
    counted = prediction_facts(
        out / PREDICTIONS,
        vocabulary.folder / ITEMS_FILE,
        eligible=len(everyone),
        k=lengths.k,
        n_items=len(items),
        forbidden=_forbidden(out / PREDICTIONS, users, items, grouped.by_user) if exclude_seen else 0,
        scratch=store.scratch(),
    )
    check_facts("predictions", counted)
    _write_others(
        out, scorer, grouped, (users, items), lengths, exclude_seen=exclude_seen, name=name, kind=choice.kind
    )
    one_list = (for_cold_start[0][None], for_cold_start[1][None])
    cold_start_items = ranked_rows(STRANGERS_SCHEMA, None, items, one_list, np.array([label]))
    _write(out / STRANGERS, STRANGERS_SCHEMA, iter([cold_start_items]))
    return {**facts, **{each: vocabulary.facts[each] for each in ("users_sha256", "items_sha256")}}
