"""Count what lies in a window, before anything is grouped."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data_contracts.check_result import WindowCounts
from data_contracts.columns import BASKET_ID, EVENT_TIME, ITEM_ID, USER_ID
from data_contracts.selection import Selection
from tasks.preparation.select_events import select_events
from tasks.runtime import duckdb_engine


def count_window(events: Path, selection: Selection, scratch: Path) -> WindowCounts:
    """Count events, users, items and baskets of a window.

    Parameters
    ----------
    events
        events.parquet of the ingestion.
    selection
        The window.
    scratch
        Where DuckDB may spill.

    """
    has_baskets = BASKET_ID in pq.read_schema(events).names
    baskets = f"count(DISTINCT {BASKET_ID})" if has_baskets else "NULL"
    with duckdb_engine.connect(scratch) as connection:
        select_events(connection, events, selection)
        row: Any = connection.execute(
            f"""SELECT count(*), count(DISTINCT {USER_ID}), count(DISTINCT {ITEM_ID}), {baskets},
            {_iso("min")}, {_iso("max")} FROM events"""
        ).fetchone()
    n_events, users, items, n_baskets, first, last = row
    return WindowCounts(
        events=n_events,
        users=users,
        items=items,
        baskets=n_baskets,
        first=first,
        last=last,
    )


def _iso(of: str) -> str:
    return f"strftime({of}({EVENT_TIME}) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ')"
