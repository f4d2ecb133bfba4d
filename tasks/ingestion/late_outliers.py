"""Which of the newest events are outliers: one mistyped year must not decide the day of a run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

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


class Days(NamedTuple):
    """The different days with events, ascending, of one file of events or of several."""

    days: npt.NDArray[np.int64]
    """Since 1970."""
    counts: npt.NDArray[np.int64]
    """Events of each."""
    newest: npt.NDArray[np.int64]
    """Microseconds from 1970 to the newest event of each."""

    def plus(self, other: "Days") -> "Days":
        """Days of both."""
        days, at = np.unique(np.concatenate((self.days, other.days)), return_inverse=True)
        counts, newest = np.zeros(len(days), np.int64), np.full(len(days), np.iinfo(np.int64).min)
        np.add.at(counts, at, np.concatenate((self.counts, other.counts)))
        np.maximum.at(newest, at, np.concatenate((self.newest, other.newest)))
        return Days(days, counts, newest)


def days_of(connection: duckdb.DuckDBPyConnection, events: Path) -> Days:
    """Count the events of each day; those without a time are left out."""
    found = connection.execute(
        f"SELECT floor(epoch({EVENT_TIME}) / 86400)::BIGINT AS day, count(*) AS n, "
        f"max(epoch_us({EVENT_TIME})) AS newest "
        f"FROM read_parquet({path_literal(events)}) WHERE isfinite({EVENT_TIME}) GROUP BY 1 ORDER BY 1"
    ).fetchnumpy()
    return Days(*(np.asarray(found[name], np.int64) for name in ("day", "n", "newest")))


def late_outliers(found: Days) -> dict[str, Any]:
    """Count the newest events that are outliers, and tell the time of the newest that is none.

    Returns
    -------
    ``late_outliers`` and ``last_regular_event_time`` (ISO 8601, UTC); empty where there are no outliers or times.

    """
    days, counts, newest = found
    if not len(days) or (last := last_regular_day(days, counts)) == days[-1]:
        return {}
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(newest[days <= last][-1]))
    said = moment.replace(tzinfo=None).isoformat(timespec="microseconds")
    return {"late_outliers": int(counts[days > last].sum()), "last_regular_event_time": f"{said}Z"}


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
