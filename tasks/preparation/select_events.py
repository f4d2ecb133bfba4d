"""Selections as SQL: the view of the events that mapping, grouping and splitting read."""

from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow.parquet as pq

from data_contracts.columns import BASKET_ID, EVENT_TIME, ITEM_ID, USER_ID, VALUE
from data_contracts.published_files import ITEMS_FILE, USERS_FILE
from data_contracts.selection import Selection
from tasks.preparation.weights import UNITS
from tasks.runtime import duckdb_engine
from tasks.runtime.files import pattern_of

__all__ = ["ITEMS_FILE", "USERS_FILE"]  # of the vocabularies beside the events

ROW = "event_row"


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
    in_window, feedback = "true", is_feedback(selection)
    if selection.start is not None:
        in_window = f"{EVENT_TIME} >= TIMESTAMPTZ '{selection.start.isoformat()}'"
    # Where a pair's events are judged together, all of them must be there until the sides are known.
    path, in_order = duckdb_engine.path_literal(events), content_order(events)
    together = (
        not everything and selection.judges_pairs and not _nothing_returned(connection, path, selection)
    )
    there = ["true"] if everything else [in_window] if together else [in_window, feedback]
    if selection.end is not None:
        there.append(f"{EVENT_TIME} < TIMESTAMPTZ '{selection.end.isoformat()}'")
    rows = (
        f"SELECT * EXCLUDE (file_row_number), file_row_number AS {ROW} "
        f"FROM read_parquet({path}, file_row_number = true) WHERE {' AND '.join(there)}"
    )
    if selection.split != "none":
        divided = _Divided(selection, in_window, f"{in_window} AND {feedback}", in_order)
        if not everything and not together:
            divided = _Divided(selection, "true", "true", in_order)
        for _ in range(selection.within):
            rows = divided.part(rows, "train")
        rows = divided.part(rows, selection.part)
    if together:
        net = selection.values == "net"
        rows = _without_returns(rows, in_order) if net else _of_last_words(rows, feedback)
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
    """SQL for whether an event says at all that its user had the item: a quantity or a time of 0 does not."""
    return f"{VALUE} IS DISTINCT FROM 0" if selection.values in ("positive", "net") else "true"


def content_order(events: Path) -> str:
    """SQL: columns that order a user's events of one moment by what they say; rows that still tie are the same.

    The order of a log's rows means nothing: the same rows in another order must give the same result.
    """
    names = pq.read_schema(events).names
    return ", ".join(name for name in (ITEM_ID, VALUE, BASKET_ID) if name in names)


def numbered_by_day(rows: str, selection: Selection, in_order: str) -> str:
    """SQL: `rows` with `nth`, the place among its user's events of the day from 1, and `most`, how many may stay."""
    end = "NULL" if selection.end is None else f"TIMESTAMPTZ '{selection.end.isoformat()}'"
    day = f"floor(epoch({EVENT_TIME}) / 86400)"
    if selection.end is not None:
        day = f"floor((epoch({end}) - epoch({EVENT_TIME}) - 1e-6) / 86400)"
    limits = [] if selection.max_events_per_user is None else [str(selection.max_events_per_user)]
    if selection.max_events_quantile is not None:
        per_day = f"SELECT count(*) AS n FROM ({rows}) WHERE {USER_ID} IS NOT NULL GROUP BY {USER_ID}, {day}"
        limits.append(f"(SELECT quantile_disc(n, {selection.max_events_quantile!r}) FROM ({per_day}))")
    return (
        f"SELECT *, row_number() OVER (PARTITION BY {USER_ID}, {day} ORDER BY {EVENT_TIME}, {in_order}) AS nth, "
        f"least({', '.join(limits)}) AS most FROM ({rows})"
    )


def _of_last_words(rows: str, feedback: str) -> str:
    """Those of `rows` that are feedback and whose pair's last event is it, too; of one moment the highest is last."""
    pair = f"PARTITION BY {USER_ID}, {ITEM_ID} ORDER BY {EVENT_TIME} DESC, {VALUE} DESC"
    # Rows without a value say nothing, so they are not the last word.
    said = (
        f"SELECT *, first_value({feedback}) OVER ({pair}) AS last_word FROM ({rows}) WHERE isfinite({VALUE})"
    )
    return f"SELECT * EXCLUDE (last_word) FROM ({said}) WHERE {feedback} AND (last_word OR {USER_ID} IS NULL)"


class _Divided(NamedTuple):
    """How each user's rows are divided; both conditions are SQL."""

    selection: Selection
    in_window: str
    """Only such rows can be held out."""
    counts: str
    """Only such rows move the cut."""
    in_order: str
    """What orders events of one moment, see :func:`content_order`."""

    def part(self, rows: str, part: str) -> str:
        """One side of the split of `rows`."""
        by_basket = self.selection.split == "leave_last_basket"
        numbered, held_out = self._baskets(rows) if by_basket else self._places(rows)
        held_out = f"coalesce({self.in_window} AND {USER_ID} IS NOT NULL AND {held_out}, false)"
        side = held_out if part == "holdout" else f"NOT {held_out}"
        return f"SELECT * EXCLUDE (counted, place, owned) FROM ({numbered}) WHERE {side}"

    def _places(self, rows: str) -> tuple[str, str]:
        """Add `place`, how many counted rows of the user come after each row, and `owned`, how many there are."""
        selection = self.selection
        order = ", ".join(f"{column} DESC" for column in (EVENT_TIME, *self.in_order.split(", "), ROW))
        if selection.split == "random":
            # A hash of the ids, not of the row: the same log in another order splits the same way.
            order = f"md5({selection.seed} || ':' || {USER_ID} || ':' || {ITEM_ID}), {EVENT_TIME}, {self.in_order}, {ROW}"
        per_user = f"PARTITION BY {USER_ID}"
        numbered = (
            f"SELECT *, sum(counted) OVER ({per_user} ORDER BY {order}) - counted AS place, "
            f"sum(counted) OVER ({per_user}) AS owned FROM ({self._marked(rows)})"
        )
        share = f"{selection.leave_last_n}"
        if selection.split == "random":
            share = f"ceil(owned * {selection.random_share!r})"
        # Somebody with a single event stays on the training side: a model needs a row to speak of.
        return numbered, f"place < least(owned - 1, {share})"

    def _baskets(self, rows: str) -> tuple[str, str]:
        """Add `place`, the row's basket, and `owned`, the user's last one; baskets compare by time, then by id.

        Rows without a basket stay on the training side, and so does somebody's only basket.
        """
        counted = f"{BASKET_ID} IS NOT NULL AND counted = 1"
        timed = (
            f"SELECT *, coalesce(max({EVENT_TIME}) FILTER ({counted}) OVER per_basket, "
            f"max({EVENT_TIME}) OVER per_basket) AS basket_time FROM ({self._marked(rows)}) "
            f"WINDOW per_basket AS (PARTITION BY {USER_ID}, {BASKET_ID})"
        )
        numbered = (
            f"SELECT * EXCLUDE (basket_time, first_basket, place), "
            f"CASE WHEN first_basket < owned THEN place END AS place FROM ("
            f"SELECT *, row(basket_time, {BASKET_ID}) AS place, "
            f"max(row(basket_time, {BASKET_ID})) FILTER ({counted}) OVER per_user AS owned, "
            f"min(row(basket_time, {BASKET_ID})) FILTER ({counted}) OVER per_user AS first_basket "
            f"FROM ({timed}) WINDOW per_user AS (PARTITION BY {USER_ID}))"
        )
        return numbered, f"{BASKET_ID} IS NOT NULL AND place >= owned"

    def _marked(self, rows: str) -> str:
        return f"SELECT *, coalesce({self.counts}, false)::INT AS counted FROM ({rows})"


def _nothing_returned(connection: duckdb.DuckDBPyConnection, path: str, selection: Selection) -> bool:
    """Whether a log of quantities has no returns: sorting its pairs can then be spared."""
    returns = f"SELECT count(*) FROM read_parquet({path}) WHERE {VALUE} < 0"
    return selection.values == "net" and not duckdb_engine.number(connection, returns)


def _without_returns(rows: str, in_order: str) -> str:
    """Those of `rows` that brought something which the pair's returns have not taken off, with what is left.

    Of a pair that nets 3 the first 3 are left, whenever the returns came. Rows without a user have nobody to
    return them to; of those below 0 nothing is left.
    """
    # In whole multiples of 1 / UNITS sums are exact, and so the same in any order: 0.1 + 0.2 - 0.3 is 0.
    units = f"round({VALUE}::DOUBLE * {UNITS})"
    summed = (
        f"SELECT *, sum({units}) OVER pair AS net, "
        f"sum(greatest({units}, 0)) OVER (pair ORDER BY {EVENT_TIME}, {VALUE} DESC, {in_order}, {ROW} "
        f"ROWS UNBOUNDED PRECEDING) - greatest({units}, 0) AS brought "
        f"FROM ({rows}) WHERE isfinite({VALUE}) WINDOW pair AS (PARTITION BY {USER_ID}, {ITEM_ID})"
    )
    whole = f"{USER_ID} IS NULL OR net - brought >= {units}"
    left = f"CASE WHEN {whole} THEN {VALUE} ELSE ((net - brought) / {UNITS})::FLOAT END"
    return f"SELECT * EXCLUDE (net, brought) REPLACE ({left} AS {VALUE}) FROM ({summed}) WHERE {VALUE} > 0 AND ({USER_ID} IS NULL OR net > brought)"


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
