"""Quantiles over the events of all blocks: exact, from how often each block has which value."""

import shutil
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Self

import duckdb

from data_contracts.columns import VALUE
from data_contracts.feedback_section import FeedbackSection
from data_contracts.selection import Selection
from tasks.cluster.calls import Workers
from tasks.cluster.workplace import attempt, engine
from tasks.preparation.select_events import events_per_day, select_events
from tasks.preparation.weights import Scales, is_one
from tasks.runtime.duckdb_engine import connect, literal, number, read_parquet

COUNTS = "counts"
"""Folder of each block's counts, until they were added up."""


def limited(
    events: Path, names: Sequence[str], selection: Selection, out: Path, workers: Workers
) -> Selection:
    """The selection with a number in the place of ``max_events_quantile``, taken over all users.

    Parameters
    ----------
    events, names
        Folder of the rows divided by user, and the blocks in it.
    selection
        What is selected.
    out
        Existing folder that all workers see.
    workers
        Who counts.

    """
    if selection.max_events_quantile is None:
        return selection
    with _Counts(out) as counts:
        workers.each(count_days, [(name, events, selection, counts.folder, workers.memory) for name in names])
        limit = counts.quantile(selection.max_events_quantile)
    limits = [each for each in (limit, selection.max_events_per_user) if each is not None]
    least = int(min(limits)) if limits else None
    return selection.model_copy(update={"max_events_quantile": None, "max_events_per_user": least})


def scales_of_blocks(
    events: Path,
    names: Sequence[str],
    selection: Selection,
    feedback: FeedbackSection,
    out: Path,
    workers: Workers,
) -> Scales:
    """As :func:`tasks.preparation.weights.scales_of`, of the selected events of all blocks."""
    asks = feedback.clip_quantile is not None or feedback.kind == "duration"
    if is_one(feedback) or not asks:
        return Scales()
    with _Counts(out) as counts:
        workers.each(
            count_values, [(name, events, selection, counts.folder, workers.memory) for name in names]
        )
        clip = median = None
        if feedback.clip_quantile is not None:
            clip = counts.quantile(feedback.clip_quantile)
            clip = 1.0 if clip is None else clip
        if feedback.kind == "duration":
            median = counts.median()
        return Scales(clip, median)


def count_days(name: str, events: Path, selection: Selection, folder: Path, memory: str) -> None:
    """Write how often a user of a block has how many events on a day. Called on a worker."""
    with attempt(folder) as place, engine(place, memory) as connection:
        select_events(connection, events / f"{name}.parquet", selection.uncapped)
        found = f"SELECT n::DOUBLE AS value, count(*) AS n FROM ({events_per_day('FROM events', selection)}) GROUP BY ALL"
        connection.execute(f"COPY ({found}) TO {literal(str(place.out / name))} (FORMAT parquet)")
        place.keep(name, folder / f"{name}.parquet")


def count_values(name: str, events: Path, selection: Selection, folder: Path, memory: str) -> None:
    """Write how often a block has which value above 0. Called on a worker."""
    with attempt(folder) as place, engine(place, memory) as connection:
        select_events(connection, events / f"{name}.parquet", selection)
        found = f"SELECT {VALUE} AS value, count(*) AS n FROM events WHERE {VALUE} > 0 GROUP BY {VALUE}"
        connection.execute(f"COPY ({found}) TO {literal(str(place.out / name))} (FORMAT parquet)")
        place.keep(name, folder / f"{name}.parquet")


class _Counts:
    """The counts of all blocks, put together on disk where they do not fit in memory."""

    def __init__(self, out: Path) -> None:
        self.folder = out / COUNTS

    def __enter__(self) -> Self:
        self.folder.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)

    def quantile(self, share: float) -> float | None:
        """As DuckDB's ``quantile_disc`` of all values; None without any."""
        with connect(self.folder) as connection:
            n = self._add_up(connection)
            return self._at(connection, max(1, -int(-Fraction(repr(share)) * n // 1)) - 1) if n else None

    def median(self) -> float:
        """As DuckDB's ``median`` of all values; 1 without any."""
        with connect(self.folder) as connection:
            if not (n := self._add_up(connection)):
                return 1.0
            middle = [self._at(connection, at) for at in ((n - 1) // 2, n // 2)]
            values = ", ".join(f"({each!r}::FLOAT)" for each in middle)
            found = connection.execute(f"SELECT median(v)::DOUBLE FROM (VALUES {values}) t(v)").fetchall()
            return float(found[0][0])

    def _add_up(self, connection: duckdb.DuckDBPyConnection) -> int:
        both = f"SELECT value, sum(n)::BIGINT AS n FROM {read_parquet(self.folder)} GROUP BY value"
        connection.execute(
            f"CREATE TABLE counted AS SELECT value, (sum(n) OVER (ORDER BY value))::BIGINT AS until FROM ({both})"
        )
        return number(connection, "SELECT coalesce(max(until), 0) FROM counted")

    def _at(self, connection: duckdb.DuckDBPyConnection, at: int) -> float:
        """The value at a place, from 0, in the order of all of them."""
        found = connection.execute(f"SELECT min(value)::DOUBLE FROM counted WHERE until > {at}").fetchall()
        return float(found[0][0])
