"""Count a log that is read as its draft says."""

from typing import Any

import duckdb

from data_contracts import columns
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ContractError
from tasks.ingestion.normalization import projection
from tasks.runtime.duckdb_engine import literal, quote
from tasks.sources.open_file import OpenFile


def count(connection: duckdb.DuckDBPyConnection, table: OpenFile, spec: DatasetSpec) -> dict[str, Any]:
    """Rows, users, items, pairs, missing values and bounds of a log.

    Raises
    ------
    ContractError
        If it holds no row.

    """
    listed = ", ".join(f"{sql} AS {quote(name)}" for name, sql in projection(table, spec, {}).items())
    connection.execute(f"CREATE TABLE read AS SELECT {listed} FROM {table.relation}")
    time = columns.EVENT_TIME if spec.columns.time else "NULL::TIMESTAMP"
    taken = _taken(spec)
    cancelled, kept = (columns.CANCELLED, columns.KEPT_VALUE) if spec.cancellation else ("0", columns.VALUE)
    event = columns.EVENT_TYPE if spec.columns.event else "''"
    names = (
        *("rows", "users", "items", "pairs", "guests", "no_item", "no_time", "no_value"),
        *("low", "high", "cancelled", "not_positive", "no_event", "taken", "taken_pairs"),
    )
    row = connection.execute(
        f"SELECT count(*), count(DISTINCT {columns.USER_ID}), count(DISTINCT {columns.ITEM_ID}), "
        f"count(DISTINCT hash({columns.USER_ID}, {columns.ITEM_ID})), count(*) - count({columns.USER_ID}), "
        f"count(*) - count({columns.ITEM_ID}), count(*) - count({time}), count(*) - count({columns.VALUE}), "
        f"min({columns.VALUE}), max({columns.VALUE}), sum({cancelled}), "
        f"count(*) FILTER ({kept} <= 0), count(*) FILTER ({event} IS NULL), count(*) FILTER ({taken}), "
        f"count(DISTINCT hash({columns.USER_ID}, {columns.ITEM_ID})) FILTER ({taken}) FROM read"
    ).fetchone()
    assert row is not None
    if not row[0]:
        raise ContractError(f"{table.path} holds no row below its header")
    found = {**dict(zip(names, row, strict=True)), **_times(connection, time, taken), **_top_user(connection)}
    if spec.columns.time is None:
        found["no_time"] = 0
    return found


def _taken(spec: DatasetSpec) -> str:
    """SQL for whether a row is one that would be held out."""
    if spec.columns.event is None:
        return "true"
    return f"{columns.EVENT_TYPE} IN ({', '.join(map(literal, spec.feedback.target_types))})"


def _times(connection: duckdb.DuckDBPyConnection, time: str, taken: str) -> dict[str, Any]:
    """First and last time, the users who took something in the last 28 days, and how many were there before."""
    row = connection.execute(
        f"WITH bounds AS (SELECT min({time})::TIMESTAMP AS first, max({time})::TIMESTAMP AS last FROM read), "
        f"users AS (SELECT {columns.USER_ID}, min({time}) AS joined, max({time}) FILTER ({taken}) AS seen FROM read "
        f"WHERE {columns.USER_ID} IS NOT NULL GROUP BY 1) "
        "SELECT first, last, (SELECT count(*) FROM users, bounds "
        "WHERE seen >= last - INTERVAL 28 DAY AND joined < last - INTERVAL 28 DAY), "
        "(SELECT count(*) FROM users, bounds WHERE seen >= last - INTERVAL 28 DAY) FROM bounds"
    ).fetchone()
    assert row is not None
    return {"first": row[0], "last": row[1], "warm_users": row[2], "recent_users": row[3]}


def _top_user(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The user with the most rows."""
    row = connection.execute(
        f"SELECT {columns.USER_ID}, count(*) FROM read WHERE {columns.USER_ID} IS NOT NULL GROUP BY 1 "
        "ORDER BY 2 DESC, 1 LIMIT 1"
    ).fetchone()
    return {"top_user": row[0], "top_user_rows": row[1]} if row else {"top_user": None, "top_user_rows": 0}
