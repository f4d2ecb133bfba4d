"""The step that makes the look-up index of the tables that a run publishes."""

from pathlib import Path

from data_contracts.column_sections import ItemAttributes
from data_contracts.published_files import (
    BLOCKS,
    ITEMS_FILE,
    PER_CATEGORY,
    POPULAR,
    RESERVED,
    TABLES,
    TITLES,
    USERS_FILE,
)
from tasks.lookup.index import Meaning, build
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
    made = {name: predictions.folder / name for name in (*TABLES.values(), RESERVED, POPULAR, PER_CATEGORY)}
    tables = {name: path for name, path in made.items() if path.exists()}
    tables |= {name: data.vocabularies.folder / name for name in (USERS_FILE, ITEMS_FILE)}
    tables[TITLES] = data.events.folder / ITEMS_FILE
    section = None if rules is None else rules.rules.section
    if rules is not None and rules.rules.blocks is not None:
        tables[BLOCKS] = rules.files.folder / BLOCKS
    by_category = None if section is None else section.per_category
    meaning = Meaning(
        separators=attributes.separators(),
        exclude_seen=exclude_seen,
        at_most={} if section is None else section.at_most,
        category_attribute=None if by_category is None else by_category.attribute,
    )
    build(tables, out, meaning)
    return {}
