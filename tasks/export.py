"""Batch prediction: top-K items for every user and top-K users for every item, under the log's own ids."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.columns import USER_ID
from data_contracts.dataset_sections import ExportSection, ModelChoice
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr
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
from data_contracts.scoring import Scorer
from data_contracts.selection import Selection
from tasks import engine, store
from tasks.grouping import load_grouped
from tasks.mapping import load_vocabularies
from tasks.numeric.ranking import recommend, target, top_scores
from tasks.numeric.similar import similar_items
from tasks.selecting import select_events
from tasks.step import step
from tasks.training import load_model

BLOCK_USERS = 50_000
"""Users per batch of rows: the memory of the export does not grow with the number of users."""


def predict(
    everyone: pa.Array,
    users: Vocabulary,
    items: Vocabulary,
    scorer: Scorer,
    for_strangers: tuple[np.ndarray, np.ndarray],
    *,
    k: int,
    seen: Csr | None,
    names: tuple[str, str],
) -> Iterator[pa.Table]:
    """Lists of all users, block by block.

    Parameters
    ----------
    everyone
        Ids of all users of the log, sorted; those outside `users` get the strangers' list.
    users, items
        Vocabularies that `scorer` was trained with.
    scorer
        The model.
    for_strangers
        Item codes and scores of the strangers' list.
    k
        Length of the lists.
    seen
        Items to leave out, by user code, or None.
    names
        What to write into the model column: for known users, for strangers.

    Yields
    ------
    Tables of PREDICTIONS_SCHEMA.

    """
    for start in range(0, len(everyone), BLOCK_USERS):
        ids = everyone[start : start + BLOCK_USERS]
        codes = users.codes(ids, missing="negative")
        known = codes >= 0
        lists = np.tile(for_strangers[0], (len(codes), 1))
        scores = np.tile(for_strangers[1].astype(np.float32), (len(codes), 1))
        lists[known], scores[known] = recommend(scorer, codes[known], k, exclude=seen)
        model = np.where(known, *names)
        yield ranked_rows(PREDICTIONS_SCHEMA, ids, items, lists, scores, model)


def _all_users(events: Path, end: Selection, scratch: Path) -> pa.Array:
    """Ids of everybody with an event before the run's `as_of`, however long ago."""
    with engine.connect(scratch) as connection:
        select_events(connection, events, end)
        ids = engine.table(
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


def _model_code(given: dict[str, Any]) -> tuple[str, ...]:
    return (f"tasks.models.{given['choice'].kind}",)


@step("predict with {name}", code=_model_code)
def export(
    out: Path,
    name: str,
    choice: ModelChoice,
    model: store.ArtifactRef,
    stranger_name: str,
    stranger: store.ArtifactRef,
    events: store.ArtifactRef,
    selection: Selection,
    vocabulary: store.ArtifactRef,
    matrix: store.ArtifactRef,
    lengths: ExportSection,
    *,
    exclude_seen: bool,
) -> store.Facts:
    """Write the tables of predictions: items for users, users for items, strangers, similar items."""
    from tasks.contracts import check_facts

    users, items = load_vocabularies(vocabulary)
    scorer, cold = load_model(model, vocabulary.facts), load_model(stranger, vocabulary.facts)
    grouped = load_grouped(matrix)
    own = scorer.stranger
    label = stranger_name if own is None else name
    for_strangers = top_scores(cold.stranger if own is None else own, lengths.k)
    everyone = _all_users(
        events.folder / "events.parquet", selection.model_copy(update={"start": None}), store.scratch()
    )
    lists = predict(
        everyone,
        users,
        items,
        scorer,
        for_strangers,
        k=lengths.k,
        seen=grouped.by_user if exclude_seen else None,
        names=(name, label),
    )
    codes, scores = (each[None] for each in for_strangers)
    found = target(
        scorer, None, lengths.users_per_item_k, exclude_by_item=grouped.by_item if exclude_seen else None
    )
    alike = similar_items(scorer, grouped, lengths.k)
    labels = np.array([label]), np.full(len(items), name)
    facts: store.Facts = {
        "prediction_rows": _write(out / PREDICTIONS, PREDICTIONS_SCHEMA, lists),
        "users": len(everyone),
        "users_without_history": len(everyone) - len(users),
        "items": len(items),
    }
    tables = (
        (STRANGERS, STRANGERS_SCHEMA, ranked_rows(STRANGERS_SCHEMA, None, items, codes, scores, labels[0])),
        (
            USERS_PER_ITEM,
            USERS_PER_ITEM_SCHEMA,
            ranked_rows(USERS_PER_ITEM_SCHEMA, items.ids, users, *found, labels[1]),
        ),
        (SIMILAR_ITEMS, SIMILAR_SCHEMA, ranked_rows(SIMILAR_SCHEMA, items.ids, items, *alike, None)),
    )
    for file, schema, table in tables:
        facts[f"{file.removesuffix('.parquet')}_rows"] = _write(out / file, schema, iter([table]))
    check_facts("predictions", facts | prediction_facts(out / PREDICTIONS, store.scratch(), lengths.k))
    return {**facts, **{each: vocabulary.facts[each] for each in ("users_sha256", "items_sha256")}}
