"""Batch prediction: top-K items for every user and top-K users for every item, under the log's own ids."""

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.columns import USER_ID
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
from tasks.evaluation.task import cold_start_opinion
from tasks.models import Capability
from tasks.numeric.fair_owners import fair_owners
from tasks.numeric.owners import Owners
from tasks.numeric.ranking import target, top_scores
from tasks.numeric.similar import similar_by_users
from tasks.numeric.transpose import transposed
from tasks.prediction.catalogue import emptied, without
from tasks.prediction.tables import ListLengths, count_forbidden, predict, rows_by_item, write_table
from tasks.preparation.grouping import load_grouped
from tasks.preparation.mapping import load_vocabularies
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.seen import Seen
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
    allow, counts = models.allowed_items(model.kind, grouped), ListLengths()
    cold_scores = cold_start_opinion(model, scorer, cold_start.kind, cold, grouped)
    had = data.seen(grouped.by_user)
    seen = had if exclude_seen else had.barred
    everyone = _all_users(
        data.events.folder / "events.parquet",
        data.window.uncapped.model_copy(update={"start": None, "threshold": None, "values": "all"}),
        store.scratch(),
    )
    # Where lists are shared out, an item may need more users than one pass keeps.
    on_the_way = (
        lengths.max_items_per_user is None and Capability.OWNERS in models.load_spec(model.kind).offers
    )
    owners = Owners(len(items), lengths.users_per_item_k) if on_the_way else None
    lists = predict(
        everyone,
        users,
        items,
        scorer,
        cold_scores,
        k=lengths.k,
        seen=seen,
        allow=allow,
        names=(model.name, label),
        counts=counts,
        owners=owners,
    )
    facts: store.Facts = {
        "prediction_rows": write_table(out / PREDICTIONS, PREDICTIONS_SCHEMA, lists),
        "users": len(everyone),
        "users_without_history": len(everyone) - len(users),
        "items": len(items),
    }
    forbidden = count_forbidden(out / PREDICTIONS, users, items, seen) if seen else 0
    _check_predictions(out, data, counts, lengths, forbidden)
    if owners is None:
        theirs = _users_for_items(scorer, lengths, None if seen is None else _by_item(seen, grouped), allow)
    else:
        theirs = owners.lists()
    _write_others(out, model, scorer, grouped, (users, items), theirs, lengths.k)
    for_cold_start = top_scores(cold_scores, lengths.k)
    one_list = (for_cold_start[0][None], for_cold_start[1][None])
    cold_start_items = ranked_rows(STRANGERS_SCHEMA, None, items, one_list, np.array([label]))
    write_table(out / STRANGERS, STRANGERS_SCHEMA, iter([cold_start_items]))
    return {**facts, **{each: of_vocabulary[each] for each in ("users_sha256", "items_sha256")}}


def _check_predictions(
    out: Path, data: PreparedEvents, counts: ListLengths, lengths: ExportSection, forbidden: int
) -> None:
    """Hold the table to its contract, read back from the file."""
    counted = prediction_facts(
        out / PREDICTIONS,
        data.vocabularies.folder / ITEMS_FILE,
        eligible=counts.possible,
        k=lengths.k,
        short=counts.short,
        max_short_share=lengths.max_short_lists,
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
    theirs: Lists,
    k: int,
) -> None:
    """Write the tables that are listed by item: `theirs`, the users of each, and the k similar items."""
    users, items = vocabularies
    allow = models.allowed_items(model.kind, grouped)
    tables = rows_by_item(USERS_PER_ITEM_SCHEMA, items, users, emptied(theirs, allow), model.name)
    write_table(out / USERS_PER_ITEM, USERS_PER_ITEM_SCHEMA, tables)
    similar = emptied(without(_similar(model.kind, scorer, grouped, k), allow), allow)
    write_table(
        out / SIMILAR_ITEMS, SIMILAR_SCHEMA, rows_by_item(SIMILAR_SCHEMA, items, items, similar, None)
    )


def _users_for_items(
    scorer: Scorer, lengths: ExportSection, exclude: Csr | None, allow: Mask | None
) -> Lists:
    """Best users of every item; with a limit on a user's lists, of the items in `allow` alone."""
    k, most = lengths.users_per_item_k, lengths.max_items_per_user
    if most is None:
        return target(scorer, None, k, exclude_by_item=exclude)

    def ask(item_codes: npt.NDArray[np.integer], depth: int) -> Lists:
        # An item that is not listed must not use up its users' places.
        lists = target(scorer, item_codes, depth, exclude_by_item=exclude)
        return emptied(lists, None if allow is None else allow[item_codes])

    n_users, n_items = scorer.shape
    return fair_owners(ask, n_items, n_users, k, most)


def _by_item(seen: Seen, grouped: GroupedMatrix) -> Csr:
    """Who had each item, (n_items, n_users)."""
    by_user = seen.by_user
    if by_user is grouped.by_user:
        return grouped.by_item
    return transposed(by_user)


def _similar(kind: str, scorer: Scorer, grouped: GroupedMatrix, k: int) -> Lists:
    """Similar items by the model's own opinion, or by the users who have both."""
    if Capability.SIMILAR_ITEMS in models.load_spec(kind).offers:
        return cast("SimilarityScorer", scorer).similar_items(np.arange(grouped.n_items), k)
    return similar_by_users(grouped, k)
