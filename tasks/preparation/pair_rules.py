"""What the events of a pair of a user and an item decide together, as SQL: last words, returns, dislikes."""

import duckdb

from data_contracts.columns import EVENT_TIME, ITEM_ID, USER_ID, VALUE
from data_contracts.selection import Selection
from tasks.preparation.dividing import ROW
from tasks.preparation.event_types import excludes
from tasks.preparation.weights import UNITS
from tasks.runtime import duckdb_engine


def nothing_taken_back(connection: duckdb.DuckDBPyConnection, path: str, selection: Selection) -> bool:
    """Whether no event of a log takes another one back: sorting its pairs can then be spared.

    Parameters
    ----------
    connection
        Of the engine.
    path
        SQL of the path of events.parquet.
    selection
        One that judges pairs.

    """
    if selection.values not in {"net", "typed"}:
        return False
    found = f"{VALUE} < 0 OR {excludes(selection)}"
    return not duckdb_engine.number(connection, f"SELECT count(*) FROM read_parquet({path}) WHERE {found}")


def judged_together(rows: str, selection: Selection, feedback: str, in_order: str) -> str:
    """SQL: those of `rows` that their pairs leave.

    Parameters
    ----------
    rows
        SQL of the rows.
    selection
        One that judges pairs.
    feedback
        SQL: whether an event's own value makes it feedback.
    in_order
        What orders events of one moment, see :func:`tasks.preparation.select_events.content_order`.

    """
    if selection.values == "typed":
        return _of_types(rows, selection, in_order)
    if selection.values == "net":
        return _less_returns(rows, f"{EVENT_TIME}, {VALUE} DESC, {in_order}, {ROW}")
    return _of_last_words(rows, feedback)


def _of_types(rows: str, selection: Selection, in_order: str) -> str:
    """Those of `rows` whose pair no event ends, less what other events took off.

    What weighs more than anything that was taken off the pair stays: a cart that is emptied undoes no purchase.
    Of the rest the lightest and oldest stay, so that the sum of a pair's weights is what is left.
    """
    judged = (
        f"SELECT *, max(-{VALUE}) OVER pair AS taken, bool_or({excludes(selection)}) OVER pair AS ended "
        f"FROM ({rows}) WINDOW pair AS (PARTITION BY {USER_ID}, {ITEM_ID})"
    )
    kept = f"SELECT * EXCLUDE (ended) FROM ({judged}) WHERE NOT ended OR {USER_ID} IS NULL"
    order = f"{VALUE} <= taken, {VALUE}, {EVENT_TIME}, {in_order}, {ROW}"
    return f"SELECT * EXCLUDE (taken) FROM ({_less_returns(kept, order)})"


def _of_last_words(rows: str, feedback: str) -> str:
    """Those of `rows` that are feedback and whose pair's last event is it, too; of one moment the highest is last."""
    pair = f"PARTITION BY {USER_ID}, {ITEM_ID} ORDER BY {EVENT_TIME} DESC, {VALUE} DESC"
    # Rows without a value say nothing, so they are not the last word.
    said = (
        f"SELECT *, first_value({feedback}) OVER ({pair}) AS last_word FROM ({rows}) WHERE isfinite({VALUE})"
    )
    return f"SELECT * EXCLUDE (last_word) FROM ({said}) WHERE {feedback} AND (last_word OR {USER_ID} IS NULL)"


def _less_returns(rows: str, order: str) -> str:
    """Those of `rows` that brought something which the pair's returns have not taken off, with what is left.

    Of a pair that nets 3 the first 3 by `order` are left, whenever the returns came. Rows without a user have nobody to
    return them to; of those below 0 nothing is left.
    """
    # In whole multiples of 1 / UNITS sums are exact, and so the same in any order: 0.1 + 0.2 - 0.3 is 0.
    units = f"round({VALUE}::DOUBLE * {UNITS})"
    summed = (
        f"SELECT *, sum({units}) OVER pair AS net, "
        f"sum(greatest({units}, 0)) OVER (pair ORDER BY {order} "
        f"ROWS UNBOUNDED PRECEDING) - greatest({units}, 0) AS brought "
        f"FROM ({rows}) WHERE isfinite({VALUE}) WINDOW pair AS (PARTITION BY {USER_ID}, {ITEM_ID})"
    )
    whole = f"{USER_ID} IS NULL OR net - brought >= {units}"
    left = f"CASE WHEN {whole} THEN {VALUE} ELSE ((net - brought) / {UNITS})::FLOAT END"
    return f"SELECT * EXCLUDE (net, brought) REPLACE ({left} AS {VALUE}) FROM ({summed}) WHERE {VALUE} > 0 AND ({USER_ID} IS NULL OR net > brought)"
