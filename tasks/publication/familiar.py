"""Does tonight's log speak of the users and items that are live? If hardly, its ids are written differently."""

from pathlib import Path
from typing import Any

import duckdb

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.published_files import ITEMS_FILE, USERS_FILE
from tasks.publication.registry import Publication
from tasks.runtime import duckdb_engine, store
from tasks.runtime.duckdb_engine import path_literal
from tasks.runtime.step import step

LITTLE = 0.2
"""Share of the live users, or items, below which people are told: not so many leave in a night."""


def compare_ids(events: Path, published: Path, scratch: Path) -> list[str]:
    """Warn where few of the published users or items have an event in a log.

    Parameters
    ----------
    events
        events.parquet of the ingestion.
    published
        Folder of a publication. Where its vocabularies cannot be read nothing is compared: that is for others to say.
    scratch
        Where DuckDB may spill.

    """
    found = []
    with duckdb_engine.connect(scratch) as connection:
        for what, column, file in (("users", USER_ID, USERS_FILE), ("items", ITEM_ID, ITEMS_FILE)):
            here = f"(SELECT DISTINCT {column} AS id FROM read_parquet({path_literal(events)}) WHERE {column} IS NOT NULL)"
            there = f"(SELECT {column} AS id FROM read_parquet({path_literal(published / file)}))"
            try:
                row: Any = connection.execute(
                    f"SELECT count(*), count(*) FILTER (id IN {here}), min(id) FILTER (id NOT IN {here}), "
                    f"(SELECT min(id) FROM {here} WHERE id NOT IN {there}) FROM {there}"
                ).fetchall()[0]
            except duckdb.Error:
                continue
            n, known, published_id, log_id = row
            if known < LITTLE * n:
                found.append(
                    f"{known:,} of {n:,} {what} of the live publication are known in tonight's log: the log has "
                    f"{log_id!r}, the publication {published_id!r}; if ids are written differently now, see id_format, "
                    "strip_ids and upper_case_items under [cleaning]"
                )
    return found


@step("compare ids with what is live")
def familiar(out: Path, events: store.ArtifactRef, live: Publication) -> store.Facts:
    """Compare the ids of a log with those of a publication; writes nothing but what it has to say."""
    return {"warnings": compare_ids(events.folder / "events.parquet", live.folder, store.scratch())}
