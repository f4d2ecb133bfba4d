"""Which of the newest events are outliers: one mistyped year must not decide the day of a run."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from data_contracts.columns import EVENT_TIME
from tasks.runtime.duckdb_engine import path_literal

FEWEST = 100
"""Events below which none is called an outlier."""

SHARE = 0.001
"""Share of the events, at each end, that may be outliers."""

DAYS = 30
"""The shortest gap that parts outliers from the rest."""

TIMES = 2
"""How many times as long as the longest gap in the bulk it must be, at least: with 1.5, genuine days of a sparse log are
called outliers; with 5, Christmas hides a date that is mistyped by a month or two."""


def last_regular_day(days: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> int:
    """The newest day whose events are no outliers.

    The bulk lies between the first and the last thousandth of the events (at least one event at each end). Behind
    it, the first gap of more than 30 days, and more than twice the longest gap in the bulk, ends the log: what
    lies after it are outliers. Of fewer than 100 events none is.

    Parameters
    ----------
    days
        Different days with events, ascending, as whole numbers; not empty.
    counts
        Events of each, at least 1; as long as `days`.

    Returns
    -------
    One of `days`.

    """
    total = int(counts.sum())
    if total < FEWEST:
        return int(days[-1])
    cut = max(1, int(total * SHARE))
    until = np.cumsum(counts)
    first = int(np.searchsorted(until, cut, side="right"))
    last = int(np.searchsorted(until, total - cut, side="left"))
    longest = int(np.diff(days[first : last + 1]).max(initial=0))
    limit = max(DAYS, TIMES * longest)
    for at in range(last, len(days) - 1):
        if days[at + 1] - days[at] > limit:
            return int(days[at])
    return int(days[-1])


def find_late_outliers(connection: duckdb.DuckDBPyConnection, events: Path) -> dict[str, Any]:
    """Count the newest events that are outliers, and tell the time of the newest that is none.

    Returns
    -------
    ``late_outliers`` and ``last_regular_event_time`` (ISO 8601, UTC); empty where there are no outliers or times.

    """
    read = f"FROM read_parquet({path_literal(events)}) WHERE isfinite({EVENT_TIME})"
    day = f"floor(epoch({EVENT_TIME}) / 86400)::BIGINT"
    found = connection.execute(
        f"SELECT {day} AS day, count(*) AS n {read} GROUP BY 1 ORDER BY 1"
    ).fetchnumpy()
    days, counts = np.asarray(found["day"], np.int64), np.asarray(found["n"], np.int64)
    if not len(days) or (last := last_regular_day(days, counts)) == days[-1]:
        return {}
    newest: Any = connection.execute(
        f"SELECT strftime(max({EVENT_TIME})::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%fZ') {read} AND {day} <= {last}"
    ).fetchall()[0][0]
    return {"late_outliers": int(counts[days > last].sum()), "last_regular_event_time": newest}


def late_caution(found: dict[str, Any], last_event_time: str | None) -> list[str]:
    """Warn of late outliers, if there are any."""
    if not found:
        return []
    warning = (
        f"{found['late_outliers']:,} events lie far behind all others, up to {last_event_time}, and look mistyped: "
        f"the newest event that counts is of {found['last_regular_event_time']}, which decides the day of a run "
        "without --as-of; correct them in the log, or give --as-of"
    )
    return [warning]
