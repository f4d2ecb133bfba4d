"""Selections as SQL: the view of the events that mapping, grouping and splitting read."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from data_contracts.columns import BASKET_ID, EVENT_TIME, EVENT_TYPE, ITEM_ID, USER_ID, VALUE
from data_contracts.published_files import ITEMS_FILE, USERS_FILE
from data_contracts.selection import Selection
from tasks.preparation.dividing import ROW, Divided
from tasks.preparation.event_types import is_target, judges_targets, says_had
from tasks.preparation.pair_rules import judged_together, nothing_taken_back
from tasks.runtime import duckdb_engine
from tasks.runtime.files import pattern_of

__all__ = ["ITEMS_FILE", "USERS_FILE"]  # of the vocabularies beside the events


def select_events(
    connection: duckdb.DuckDBPyConnection, events: Path, selection: Selection, *, everything: bool = False
) -> None:
    """Create the view ``events``: the rows of `selection`, with their position in the file as `event_row`.

    Parameters
    ----------
    connection
        Gets the view.
    events
        events.parquet of the ingestion.
    selection
        Which rows; the limit on a user's events of a day is applied last, to what is left.
    everything
        Add what lies on the same side of the cut but is no feedback of the window: events before
        ``selection.start`` and events that are no feedback by their value. Where each user is divided, the cut lies
        where it lies without them, so that none of them is younger than what is held out.

    """
    in_window, feedback, target = "true", is_feedback(selection), is_target(selection)
    if selection.start is not None:
        in_window = f"{EVENT_TIME} >= TIMESTAMPTZ '{selection.start.isoformat()}'"
    # Where a pair's events are judged together, all of them must be there until the sides are known.
    path, in_order = duckdb_engine.path_literal(events), content_order(events)
    together = (
        not everything and selection.judges_pairs and not nothing_taken_back(connection, path, selection)
    )
    there = ["true"] if everything else [in_window] if together else [in_window, feedback]
    if selection.end is not None:
        there.append(f"{EVENT_TIME} < TIMESTAMPTZ '{selection.end.isoformat()}'")
    rows = (
        f"SELECT * EXCLUDE (file_row_number), file_row_number AS {ROW} "
        f"FROM read_parquet({path}, file_row_number = true) WHERE {' AND '.join(there)}"
    )
    if selection.split != "none":
        judged = f"{in_window} AND {feedback}" if everything or together else "true"
        inside = in_window if everything or together else "true"
        others = f"{judged} AND NOT {target}" if selection.targets else "false"
        divided = Divided(selection, inside, f"{judged} AND {target}", others, in_order)
        for _ in range(selection.within):
            rows = divided.part(rows, "train")
        rows = divided.part(rows, selection.part)
    if selection.only_targets and not everything:
        rows = f"SELECT * FROM ({rows}) WHERE {judges_targets(selection)}"
    if together:
        rows = judged_together(rows, selection, feedback, in_order)
    if selection.is_capped and not everything:
        numbered = numbered_by_day(rows, selection, in_order)
        rows = f"SELECT * EXCLUDE (nth, most) FROM ({numbered}) WHERE nth <= most OR {USER_ID} IS NULL"
    connection.execute(f"CREATE VIEW events AS {rows}")


def is_feedback(selection: Selection) -> str:
    """SQL for whether an event's own value makes it feedback; a value that is missing never does."""
    if not selection.judges_values:
        return "true"
    enough = f"{VALUE} > 0" if selection.threshold is None else f"{VALUE} >= {selection.threshold!r}"
    return f"({enough} AND isfinite({VALUE}))"


def is_observed(selection: Selection) -> str:
    """SQL for whether an event says at all that its user had the item: a quantity or a time of 0 does not.

    Of event types the targets do, and those that end a pair, so that the item is not shown again.
    """
    if selection.values == "typed":
        return says_had(selection)
    return f"{VALUE} IS DISTINCT FROM 0" if selection.values in ("positive", "net") else "true"


def content_order(events: Path) -> str:
    """SQL: columns that order a user's events of one moment by what they say; rows that still tie are the same.

    The order of a log's rows means nothing: the same rows in another order must give the same result.
    """
    names = pq.read_schema(events).names
    return ", ".join(name for name in (ITEM_ID, VALUE, BASKET_ID, EVENT_TYPE) if name in names)


def numbered_by_day(rows: str, selection: Selection, in_order: str) -> str:
    """SQL: `rows` with `nth`, the place among its user's events of the day from 1, and `most`, how many may stay."""
    day = _day_of(selection)
    limits = [] if selection.max_events_per_user is None else [str(selection.max_events_per_user)]
    if selection.max_events_quantile is not None:
        limits.append(
            f"(SELECT quantile_disc(n, {selection.max_events_quantile!r}) FROM ({events_per_day(rows, selection)}))"
        )
    return (
        f"SELECT *, row_number() OVER (PARTITION BY {USER_ID}, {day} ORDER BY {EVENT_TIME}, {in_order}) AS nth, "
        f"least({', '.join(limits)}) AS most FROM ({rows})"
    )


def events_per_day(rows: str, selection: Selection) -> str:
    """SQL: `n`, the events of each user and day that has some."""
    return f"SELECT count(*) AS n FROM ({rows}) WHERE {USER_ID} IS NOT NULL GROUP BY {USER_ID}, {_day_of(selection)}"


def _day_of(selection: Selection) -> str:
    if selection.end is None:
        return f"floor(epoch({EVENT_TIME}) / 86400)"
    end = f"TIMESTAMPTZ '{selection.end.isoformat()}'"
    return f"floor((epoch({end}) - epoch({EVENT_TIME}) - 1e-6) / 86400)"


def load_codes(connection: duckdb.DuckDBPyConnection, vocabulary: Path) -> tuple[int, int]:
    """Create the tables ``users`` and ``items`` (id, code) from vocabularies; returns their sizes."""
    for name, column, file in (("users", USER_ID, USERS_FILE), ("items", ITEM_ID, ITEMS_FILE)):
        connection.execute(
            f"CREATE TABLE {name} AS SELECT {column}, file_row_number::INT AS code "
            "FROM read_parquet(?, file_row_number = true)",
            [pattern_of(vocabulary / file)],
        )
    return duckdb_engine.number(connection, "SELECT count(*) FROM users"), duckdb_engine.number(
        connection, "SELECT count(*) FROM items"
    )
