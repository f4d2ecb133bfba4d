"""The parts of a log that workers read at once: a file each, or row groups of a Parquet file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from tasks.cluster.workplace import attempt, engine
from tasks.ingestion.reader import Log, common_columns
from tasks.sources.files import open_file
from tasks.sources.formats import Format

PART_ROWS = 1_000_000
"""Row groups of a Parquet file are read together until they hold so many rows."""


@dataclass(frozen=True)
class FileLook:
    """What is known of a file before it is read."""

    path: Path
    kind: Format
    names: tuple[str, ...]
    types: tuple[str, ...]
    groups: tuple[int, ...]
    """Rows of each row group of a Parquet file; empty for other formats."""


@dataclass(frozen=True)
class Part:
    """Rows that one call reads."""

    number: int
    """Place among the parts, in the order of the log."""
    path: Path
    kind: Format
    first_row: int = 0
    n_rows: int | None = None
    """None = the whole file."""

    @property
    def file_name(self) -> str:
        """Name of the files that are made of it."""
        return f"p={self.number:05d}.parquet"


@dataclass(frozen=True)
class LogParts:
    """A log as parts, with the columns that its files have together."""

    parts: tuple[Part, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]
    n_files: int


def look_at(spec: DatasetSpec, path: Path, kind: Format, out: Path, memory: str) -> FileLook:
    """Look at the columns and row groups of a file. Called on a worker."""
    with attempt(out) as place, engine(place, memory) as connection:
        file = open_file(connection, path, kind, spec.source, place.scratch)
        groups: tuple[int, ...] = ()
        if kind == "parquet":
            known = pq.read_metadata(path)
            groups = tuple(known.row_group(at).num_rows for at in range(known.num_row_groups))
        return FileLook(path, kind, file.names, file.types, groups)


def open_part(
    spec: DatasetSpec, part: Part, columns: LogParts, connection: duckdb.DuckDBPyConnection, scratch: Path
) -> Log:
    """One part as a log of its own, with the columns of the whole."""
    return Log(
        spec,
        [(part.path, part.kind)],
        connection,
        scratch,
        names=columns.names,
        types=columns.types,
        first_row=part.first_row,
        n_rows=part.n_rows,
    )


def parts_of(looks: Sequence[FileLook]) -> LogParts:
    """Parts of the files, the same however many workers there are."""
    parts: list[Part] = []
    for look in looks:
        ranges = _ranges(look.groups, PART_ROWS)
        if len(ranges) < 2:
            parts.append(Part(len(parts), look.path, look.kind))
            continue
        for first, n_rows in ranges:
            parts.append(Part(len(parts), look.path, look.kind, first, n_rows))
    names, types = common_columns([(look.names, look.types) for look in looks])
    return LogParts(tuple(parts), names, types, len(looks))


def _ranges(groups: Sequence[int], part_rows: int) -> list[tuple[int, int]]:
    """First row and rows of neighbouring row groups that hold `part_rows` together, or a little more."""
    found: list[tuple[int, int]] = []
    first = held = 0
    for rows in groups:
        held += rows
        if held >= part_rows:
            found.append((first, held))
            first, held = first + held, 0
    return [*found, (first, held)] if held else found
