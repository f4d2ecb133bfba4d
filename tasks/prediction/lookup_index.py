"""The step that makes the look-up index of the tables that a run publishes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.column_sections import ItemAttributes
from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.published_files import (
    BLOCKS,
    ITEMS_FILE,
    PER_CATEGORY,
    POPULAR,
    RESERVED,
    SIMILAR_RESERVED,
    TABLES,
    TITLES,
    USERS_FILE,
)
from tasks.lookup.index import Meaning, build
from tasks.preparation.grouping import load_grouped
from tasks.preparation.mapping import load_vocabularies
from tasks.preparation.prepared_events import PreparedEvents
from tasks.rules.task import RulesOfRun
from tasks.runtime import store
from tasks.runtime.step import step


@step("index the lists")
def index_lists(
    out: Path,
    predictions: store.ArtifactRef,
    data: PreparedEvents,
    attributes: ItemAttributes,
    rules: RulesOfRun | None,
    *,
    exclude_seen: bool,
) -> store.Facts:
    """Write the columns that look-ups map into memory."""
    made = {
        name: predictions.folder / name
        for name in (*TABLES.values(), RESERVED, SIMILAR_RESERVED, POPULAR, PER_CATEGORY)
    }
    tables = {name: path for name, path in made.items() if path.exists()}
    tables |= {name: data.vocabularies.folder / name for name in (USERS_FILE, ITEMS_FILE)}
    tables[TITLES] = data.events.folder / ITEMS_FILE
    section = None if rules is None else rules.rules.section
    if (pairs := _blocked_pairs(data, rules)) is not None:
        tables[BLOCKS] = store.scratch() / f"{out.name}-{BLOCKS}"
        pq.write_table(pairs, tables[BLOCKS])
    by_category = None if section is None else section.per_category
    meaning = Meaning(
        separators=attributes.separators(),
        exclude_seen=exclude_seen,
        at_most={} if section is None else section.at_most,
        category_attribute=None if by_category is None else by_category.attribute,
    )
    build(tables, out, meaning)
    tables.pop(BLOCKS, out / BLOCKS).unlink(missing_ok=True)
    return {}


def _blocked_pairs(data: PreparedEvents, rules: RulesOfRun | None) -> pa.Table | None:
    """Pairs of users and items that no look-up may bring together: blocked by the shop, or by what users did."""
    found = []
    if rules is not None and rules.rules.blocks is not None:
        found.append(pq.read_table(rules.files.folder / BLOCKS))
    # Only where the past is kept beside the matrix may it say what is blocked.
    seen = None if data.past is None else data.seen(load_grouped(data.matrix, ()).by_user)
    if seen is not None and seen.blocked is not None:
        users, items = load_vocabularies(data.vocabularies)
        rows = np.repeat(np.arange(seen.blocked.shape[0]), seen.blocked.lengths())
        owners = pa.concat_arrays([users.ids, seen.former.ids])
        pairs = {USER_ID: owners.take(pa.array(rows)), ITEM_ID: items.take(seen.blocked.indices)}
        found.append(pa.table(pairs))
    return pa.concat_tables(found) if found else None
