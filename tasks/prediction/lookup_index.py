"""The step that makes the look-up index of the tables that a run publishes."""

from pathlib import Path

from data_contracts.column_sections import ItemAttributes
from data_contracts.published_files import ITEMS_FILE, TABLES, TITLES, USERS_FILE
from tasks.lookup.index import build
from tasks.preparation.prepared_events import PreparedEvents
from tasks.runtime import store
from tasks.runtime.step import step


@step("index the lists")
def index_lists(
    out: Path,
    predictions: store.ArtifactRef,
    data: PreparedEvents,
    attributes: ItemAttributes,
    *,
    exclude_seen: bool,
) -> store.Facts:
    """Write the columns that look-ups map into memory."""
    tables = {name: predictions.folder / name for name in TABLES.values()}
    tables |= {name: data.vocabularies.folder / name for name in (USERS_FILE, ITEMS_FILE)}
    tables[TITLES] = data.events.folder / ITEMS_FILE
    build(tables, out, separators=attributes.separators(), exclude_seen=exclude_seen)
    return {}
