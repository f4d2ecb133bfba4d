"""Selections as SQL: the view of the events that mapping, grouping and splitting read."""

from pathlib import Path

import duckdb

from data_contracts.columns import EVENT_TIME, ITEM_ID, USER_ID, VALUE
from data_contracts.published_files import ITEMS_FILE, USERS_FILE
from data_contracts.selection import Selection
from tasks.runtime import duckdb_engine

__all__ = ["ITEMS_FILE", "USERS_FILE"]  # of the vocabularies beside the events

ROW = "event_row"


def select_events(connection: duckdb.DuckDBPyConnection, events: Path, selection: Selection) -> None:
    """Create the view ``events``: the rows of `selection`, with their position in the file as `event_row`."""
    wanted = ["true"]
    if selection.start is not None:
        wanted.append(f"{EVENT_TIME} >= TIMESTAMPTZ '{selection.start.isoformat()}'")
    if selection.end is not None:
        wanted.append(f"{EVENT_TIME} < TIMESTAMPTZ '{selection.end.isoformat()}'")
    if selection.threshold is not None:
        wanted.append(f"{VALUE} >= {selection.threshold!r}")
    path = str(events).replace("'", "''")
    rows = (
        f"SELECT * EXCLUDE (file_row_number), file_row_number AS {ROW} "
        f"FROM read_parquet('{path}', file_row_number = true) WHERE {' AND '.join(wanted)}"
    )
    if selection.split != "none":
        for _ in range(selection.within):
            rows = _divided(selection, rows, "train")
        rows = _divided(selection, rows, selection.part)
    connection.execute(f"CREATE VIEW events AS {rows}")


def _divided(selection: Selection, rows: str, part: str) -> str:
    """One side of the split of `rows`."""
    held_out = _held_out(selection)
    side = held_out if part == "holdout" else f"NOT ({held_out})"
    return f"SELECT * EXCLUDE (place, owned) FROM ({_numbered(selection, rows)}) WHERE {side}"


def _numbered(selection: Selection, rows: str) -> str:
    """Add `place` (1 = first to be held out) and `owned` (events of the user) to each row."""
    order = f"{EVENT_TIME} DESC, {ROW} DESC"
    if selection.split == "random":
        # A hash of the ids, not of the row: the same log in another order splits the same way.
        order = f"md5({selection.seed} || ':' || {USER_ID} || ':' || {ITEM_ID}), {ROW}"
    return (
        f"SELECT *, row_number() OVER (PARTITION BY {USER_ID} ORDER BY {order}) AS place, "
        f"count(*) OVER (PARTITION BY {USER_ID}) AS owned FROM ({rows})"
    )


def _held_out(selection: Selection) -> str:
    # Somebody with a single event stays on the training side: a model needs a row to speak of.
    share = (
        f"place <= {selection.leave_last_n}"
        if selection.split == "leave_last"
        else f"place <= ceil(owned * {selection.random_share!r})"
    )
    return f"{USER_ID} IS NOT NULL AND owned > 1 AND place < owned AND {share}"


def load_codes(connection: duckdb.DuckDBPyConnection, vocabulary: Path) -> tuple[int, int]:
    """Create the tables ``users`` and ``items`` (id, code) from vocabularies; returns their sizes."""
    for name, column, file in (("users", USER_ID, USERS_FILE), ("items", ITEM_ID, ITEMS_FILE)):
        connection.execute(
            f"CREATE TABLE {name} AS SELECT {column}, file_row_number::INT AS code "
            "FROM read_parquet(?, file_row_number = true)",
            [str(vocabulary / file)],
        )
    return duckdb_engine.number(connection, "SELECT count(*) FROM users"), duckdb_engine.number(
        connection, "SELECT count(*) FROM items"
    )
