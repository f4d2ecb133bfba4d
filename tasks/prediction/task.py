"""Batch prediction: top-K items for every user and top-K users for every item, under the log's own ids."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.cluster_section import ClusterSection
from data_contracts.columns import RANK, USER_ID
from data_contracts.dataset_sections import ExportSection
from data_contracts.predictions import (
    PER_CATEGORY,
    PER_CATEGORY_SCHEMA,
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
from data_contracts.published_files import POPULAR, RESERVED, RULES_FILE, SIMILAR_RESERVED
from data_contracts.scoring import Lists
from data_contracts.selection import Selection
from data_contracts.shop_rules import ShopRules
from tasks.prediction.catalogue import emptied
from tasks.prediction.categories import MOST_CATEGORIES, rows_per_category
from tasks.prediction.list_inputs import ListInputs
from tasks.prediction.ranking import LocalRanking, Ranking
from tasks.prediction.rule_effects import rule_effects
from tasks.prediction.tables import ListLengths, rows_by_item, unknown_users_list, write_table
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.select_events import ITEMS_FILE, select_events
from tasks.rules.masks import aligned, category_masks, list_limits
from tasks.rules.task import load_item_rules
from tasks.runtime import duckdb_engine, store
from tasks.runtime.step import step
from tasks.training.trained_model import TrainedModel, model_code
from tasks.validation.suites import check_facts
from tasks.validation.table_facts import prediction_facts

MOST_POPULAR = 1000
"""Places of the unknown users' list that look-ups fill lists from, so that a category or exclusions leave enough."""


@step("predict with {model.name}", code=model_code("model"), contracts=("predictions",))
def export(
    out: Path,
    model: TrainedModel,
    cold_start: TrainedModel,
    data: PreparedEvents,
    lengths: ExportSection,
    *,
    exclude_seen: bool,
    rules: ShopRules | None = None,
    ruled: store.ArtifactRef | None = None,
    places: dict[str, str] | None = None,
    cluster: ClusterSection | None = None,
) -> store.Facts:
    """Write the tables of predictions: items for users, users for items, unknown users, similar items.

    With a `cluster`, its workers rank.
    `ruled` says which items `rules` let be shown; `places` says where the files of the rules lie: that is published,
    so in another place they make another export.
    """
    what = ListInputs.of(model, cold_start, data, lengths, load_item_rules(ruled), exclude_seen=exclude_seen)
    everyone = _all_users(
        data.events.folder / "events.parquet",
        data.window.uncapped.model_copy(update={"start": None, "threshold": None, "values": "all"}),
        store.scratch(),
    )
    facts: store.Facts = {
        "users": len(everyone),
        "users_without_history": len(everyone) - len(what.users),
        "items": len(what.items),
    }
    with _ranking(out, what, everyone, ruled, cluster, exclude_seen=exclude_seen) as ranking:
        tables, counts = ranking.users()
        facts["prediction_rows"] = _write_predictions(out, tables, lengths.k)
        _check_predictions(out, data, counts, lengths, what.forbidden_rows(out / PREDICTIONS))
        _write_others(out, what, ranking.users_for_items())
    if rules is not None and what.rules is not None:
        facts |= _write_ruled(out, what, rules, everyone, counts)
    of_vocabulary = data.vocabularies.facts
    return {**facts, **{each: of_vocabulary[each] for each in ("users_sha256", "items_sha256")}}


@contextmanager
def _ranking(
    out: Path,
    what: ListInputs,
    everyone: pa.Array,
    ruled: store.ArtifactRef | None,
    cluster: ClusterSection | None,
    *,
    exclude_seen: bool,
) -> Iterator[Ranking]:
    """Who ranks: this machine, or the workers of a cluster."""
    if cluster is None:
        yield LocalRanking(what, everyone)
        return
    from tasks.prediction.on_workers import ranking_on_workers

    with ranking_on_workers(out, what, everyone, ruled, cluster, exclude_seen=exclude_seen) as ranking:
        yield ranking


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


def _write_predictions(out: Path, tables: Iterator[pa.Table], k: int) -> int:
    """Write the lists of users, and beside them those with the reserve; returns the rows of the first."""
    with pq.ParquetWriter(out / RESERVED, PREDICTIONS_SCHEMA, compression="zstd") as reserved:

        def published() -> Iterator[pa.Table]:
            for table in tables:
                reserved.write_table(table)
                yield table.filter(pc.less_equal(table.column(RANK), k))

        return write_table(out / PREDICTIONS, PREDICTIONS_SCHEMA, published())


def _write_others(out: Path, what: ListInputs, theirs: Lists) -> None:
    """Write the tables that are listed by item, `theirs` being the users of each, and the unknown users' list."""
    k, items = what.lengths.k, what.items
    tables = rows_by_item(
        USERS_PER_ITEM_SCHEMA, items, what.users, emptied(theirs, what.allow), what.model.name
    )
    write_table(out / USERS_PER_ITEM, USERS_PER_ITEM_SCHEMA, tables)
    alike, likeness = what.similar()
    for file, length in ((SIMILAR_ITEMS, k), (SIMILAR_RESERVED, alike.shape[1])):
        tables = rows_by_item(SIMILAR_SCHEMA, items, items, (alike[:, :length], likeness[:, :length]), None)
        write_table(out / file, SIMILAR_SCHEMA, tables)
    longest = max(k + what.reserve, min(MOST_POPULAR, len(items)))
    codes, scores = unknown_users_list(what.cold_scores, k, longest - k, what.limits)
    for file, length in ((STRANGERS, k), (POPULAR, longest)):
        one_list = (codes[:, :length], scores[:, :length])
        rows = ranked_rows(STRANGERS_SCHEMA, None, items, one_list, np.array([what.label]))
        write_table(out / file, STRANGERS_SCHEMA, iter([rows]))


def _write_ruled(
    out: Path, what: ListInputs, rules: ShopRules, everyone: pa.Array, counts: ListLengths
) -> store.Facts:
    """Write the rules, and the lists by category; returns what the rules changed."""
    assert what.rules is not None
    (out / RULES_FILE).write_text(rules.model_dump_json(indent=2) + "\n", encoding="utf-8")
    effects = rule_effects(
        what.scorer, what.rules, what.lengths.k, seen=what.seen_alone, allow=what.allowed_by_model
    )
    facts: store.Facts = {
        "compared_users": effects.users,
        "compared_places": effects.places,
        "taken": effects.taken,
        "lists": len(everyone),
        "unfilled_lists": counts.unfilled,
    }
    warnings = []
    if counts.unfilled:
        warnings.append(
            f"{counts.unfilled:,} of {len(everyone):,} lists have fewer than {what.lengths.k} items under the rules; of "
            f"{counts.short:,} more would have been possible: raise reserve under [export], or loosen [rules]"
        )
    if rules.section.per_category is not None:
        facts["category_rows"], remarks = _write_categories(out, what, rules, everyone)
        warnings += remarks
    return {"rules": facts, "warnings": warnings}


def _write_categories(
    out: Path, what: ListInputs, rules: ShopRules, everyone: pa.Array
) -> tuple[int, list[str]]:
    """Write the lists by category; returns the rows, and what people should look at."""
    wanted = rules.section.per_category
    assert wanted is not None
    table = aligned(pq.read_table(what.data.events.folder / ITEMS_FILE), what.items.ids)
    allow = np.ones(len(what.items), np.bool_) if what.allow is None else what.allow
    masks = category_masks(rules, table, allow)
    kept = dict(list(masks.items())[:MOST_CATEGORIES]) if not wanted.values else masks
    rows = rows_per_category(
        everyone,
        what.users,
        what.items,
        what.scorer,
        what.cold_scores,
        kept,
        k=wanted.k,
        reserve=what.reserve,
        seen=what.seen,
        limits=list_limits(rules, table, without=wanted.attribute),
    )
    remarks = []
    if len(kept) < len(masks):
        remarks.append(
            f"rules.per_category: {len(masks):,} values of {wanted.attribute!r}; lists are made of the {len(kept)} with "
            "the most items; name others under values"
        )
    return write_table(out / PER_CATEGORY, PER_CATEGORY_SCHEMA, rows), remarks
