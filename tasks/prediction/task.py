"""Batch prediction: top-K items for every user and top-K users for every item, under the log's own ids."""

from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa

from data_contracts.columns import USER_ID
from data_contracts.dataset_sections import ExportSection
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import GroupedMatrix
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
from data_contracts.scoring import Lists, Scorer, SimilarityScorer
from data_contracts.selection import Selection
from tasks import models
from tasks.evaluation.task import cold_start_scores, listable
from tasks.models import Capability
from tasks.numeric.ranking import target, top_scores
from tasks.numeric.similar import similar_by_users
from tasks.prediction.catalogue import emptied, without
from tasks.prediction.tables import count_forbidden, predict, rows_by_item, write_table
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
    grouped = load_grouped(data.matrix, ())
    label = cold_start.name if scorer.cold_start is None else model.name
    allow = models.allowed_items(model.kind, grouped)
    cold_kind = model.kind if scorer.cold_start is not None else cold_start.kind
    opinion = listable(cold_start_scores(model.name, scorer, cold), models.allowed_items(cold_kind, grouped))
    for_cold_start = top_scores(opinion, lengths.k)
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
        allow=allow,
        names=(model.name, label),
    )
    facts: store.Facts = {
        "prediction_rows": write_table(out / PREDICTIONS, PREDICTIONS_SCHEMA, lists),
        "users": len(everyone),
        "users_without_history": len(everyone) - len(users),
        "items": len(items),
    }
    forbidden = count_forbidden(out / PREDICTIONS, users, items, grouped.by_user) if exclude_seen else 0
    n_listable = len(items) if allow is None else int(allow.sum())
    _check_predictions(out, data, (len(everyone), n_listable, lengths.k), forbidden)
    _write_others(out, model, scorer, grouped, (users, items), lengths, exclude_seen=exclude_seen)
    one_list = (for_cold_start[0][None], for_cold_start[1][None])
    cold_start_items = ranked_rows(STRANGERS_SCHEMA, None, items, one_list, np.array([label]))
    write_table(out / STRANGERS, STRANGERS_SCHEMA, iter([cold_start_items]))
    return {**facts, **{each: of_vocabulary[each] for each in ("users_sha256", "items_sha256")}}


def _check_predictions(out: Path, data: PreparedEvents, sizes: tuple[int, int, int], forbidden: int) -> None:
    """Hold the table to its contract, read back from the file.

    `sizes` are the users who must have a list, the items that may stand in one, and its length.
    """
    counted = prediction_facts(
        out / PREDICTIONS,
        data.vocabularies.folder / ITEMS_FILE,
        eligible=sizes[0],
        k=sizes[2],
        n_items=sizes[1],
        forbidden=forbidden,
        scratch=store.scratch(),
    )
    check_facts("predictions", counted)


def _all_users(events: Path, end: Selection, scratch: Path) -> pa.Array:
    """Ids of everybody with an event before the run's `as_of`, however long ago."""
    with duckdb_engine.connect(scratch) as connection:
        select_events(connection, events, end)
        ids = duckdb_engine.table(
            connection,
            f"SELECT DISTINCT {USER_ID} FROM events WHERE {USER_ID} IS NOT NULL ORDER BY {USER_ID}",
        )
    return ids.column(0).combine_chunks().cast(pa.large_string())


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
    allow = models.allowed_items(model.kind, grouped)
    owners = emptied(target(scorer, None, lengths.users_per_item_k, exclude_by_item=exclude), allow)
    tables = rows_by_item(USERS_PER_ITEM_SCHEMA, items, users, owners, model.name)
    write_table(out / USERS_PER_ITEM, USERS_PER_ITEM_SCHEMA, tables)
    similar = emptied(without(_similar(model.kind, scorer, grouped, lengths.k), allow), allow)
    write_table(
        out / SIMILAR_ITEMS, SIMILAR_SCHEMA, rows_by_item(SIMILAR_SCHEMA, items, items, similar, None)
    )


def _similar(kind: str, scorer: Scorer, grouped: GroupedMatrix, k: int) -> Lists:
    """Similar items by the model's own opinion, or by the users who have both."""
    if Capability.SIMILAR_ITEMS in models.load_spec(kind).offers:
        return cast("SimilarityScorer", scorer).similar_items(np.arange(grouped.n_items), k)
    return similar_by_users(grouped, k)
