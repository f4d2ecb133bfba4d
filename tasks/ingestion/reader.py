"""Stream the files of a log as Arrow batches: raw columns, event columns, and where each row stands."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.ingestion.normalization import FLOATS, NUMBERS, described_by, projection
from tasks.runtime.duckdb_engine import first_line, literal, path_literal
from tasks.sources import csv_format
from tasks.sources.content import of_the_disk
from tasks.sources.files import open_file, read_whole
from tasks.sources.formats import Format
from tasks.sources.open_file import OpenFile

_KEPT_TYPES = (*NUMBERS, *FLOATS, "VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP")
"""Raw columns of other types are read as text at once: Arrow cannot turn all of them into text."""

RAW_HASH = "raw_hash"
FILE_NUMBER = "file_number"
RECORD = "record"
"""Row among the readable rows of its file, from 1."""

BATCH_ROWS = 122_880
"""Rows that DuckDB hands over at once: the size of its own row groups."""


@dataclass
class Log:
    """The files of one log, and what reading them has found out so far.

    Parameters
    ----------
    spec
        The dataset.
    files
        Paths and formats in the order of reading.
    connection
        Where they are read; nothing else may use it meanwhile.
    scratch
        Folder for copies in UTF-8.
    names, types
        Columns of the log and their types where other files of it lie elsewhere (:func:`common_columns`); looked up
        in the files if empty.
    first_row, n_rows
        Of a single Parquet file: read only so many rows from this one on; all of them if None.

    """

    spec: DatasetSpec
    files: Sequence[tuple[Path, Format]]
    connection: duckdb.DuckDBPyConnection
    scratch: Path
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    first_row: int = 0
    n_rows: int | None = None
    unreadable: dict[int, list[csv_format.Unreadable]] = field(default_factory=dict)
    _sections: dict[int, SourceSection] = field(default_factory=dict)
    _kept: dict[int, OpenFile] = field(default_factory=dict)
    _optional: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Look at the columns of all files: one that no role names may be in some of them only."""
        self.connection.execute(f"SET TimeZone = {literal(self.spec.source.timezone)}")
        self.connection.execute("SET arrow_large_buffer_size = true")
        self.connection.execute("SET preserve_insertion_order = true")
        if not self.names:
            found = [self._read(number) for number in range(len(self.files))]
            self.names, self.types = common_columns([(file.names, file.types) for file in found])
        self._optional = frozenset(self.names) - self._needed()
        form = self.spec.source.time_format
        if "%" in form:
            self._check_time_format(form)

    def batches(self, rule_columns: Mapping[str, str], *, hashes: bool) -> Iterator[pa.RecordBatch]:
        """All readable rows in order.

        Yields
        ------
        Batches with the raw columns under :meth:`raw_names`, what `tasks.ingestion.normalization.projection` makes, the
        file's number, the row's number among the readable ones, and if asked a hash of the raw columns.

        """
        return self._batches(lambda file: projection(file, self.spec, rule_columns), hashes=hashes)

    def raw_batches(self) -> Iterator[pa.RecordBatch]:
        """The same without what events are made of: raw columns, places and hashes."""
        return self._batches(lambda _: {}, hashes=True)

    def _batches(
        self, more: Callable[[OpenFile], dict[str, str]], *, hashes: bool
    ) -> Iterator[pa.RecordBatch]:
        for number in range(len(self.files)):
            file = self._open(number)
            selected = {**self._raw(file), **more(file), **({RAW_HASH: self._hash(file)} if hashes else {})}
            row = 0
            for batch in self._stream(file, selected):
                yield _placed(batch, number, row)
                row += batch.num_rows
            self._finish(file, number, row)

    def repeated_hashes(self) -> npt.NDArray[np.uint64]:
        """Hashes that more than one row of the log has, sorted."""
        self.load_hashes()
        found = self.connection.execute(
            "SELECT h FROM row_hashes GROUP BY h HAVING count(*) > 1 ORDER BY h"
        ).fetchnumpy()["h"]
        self.connection.execute("DROP TABLE row_hashes")
        return np.asarray(found, dtype=np.uint64)

    def load_hashes(self) -> None:
        """Create the table ``row_hashes`` (h): the hash of every row."""
        self.connection.execute("CREATE OR REPLACE TABLE row_hashes (h UBIGINT)")
        for number in range(len(self.files)):
            file = self._open(number)
            self._run(file, f"INSERT INTO row_hashes SELECT {self._hash(file)} FROM {file.relation}")

    def raw_names(self) -> list[str]:
        """Names of the raw columns in a batch, in the order of :attr:`names`."""
        return [f"raw:{at}" for at in range(len(self.names))]

    def place(self, file_number: int, record: int) -> str:
        """Say where a row stands; `record` counts readable rows, an unreadable one is minus its own row."""
        row = -record if record < 0 else self.row_numbers(file_number, np.array([record]))[0]
        return f"{self.files[file_number][0].name}, row {row}"

    def row_numbers(self, file_number: int, records: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Rows in the file (from 1 below the header) of rows among the readable ones.

        Blank lines are not counted; where a file has both blank and unreadable lines, rows between the two
        may be off by the number of blank ones, for DuckDB counts those in its list of unreadable lines.
        """
        missing = np.array([record for record, _, _ in self.unreadable.get(file_number, [])], dtype=np.int64)
        shift = np.searchsorted(missing - np.arange(len(missing)), records, side="right")
        return np.asarray(records + shift + self.first_row, dtype=np.int64)

    def _needed(self) -> set[str]:
        """Columns that every file must have: all roles but titles and attributes."""
        described = set(described_by(self.spec).values())
        needed = set(self.spec.columns.by_role().values()) - described
        return needed | ({self.spec.cancellation.column} if self.spec.cancellation else set())

    def _open(self, number: int) -> OpenFile:
        file = self._read(number)
        missing = sorted((set(self.names) - set(file.names)) - self._optional)
        if missing:
            raise ConfigurationError(
                f"{file.path} has no column {missing[0]!r}, which {self.spec.file} names and other files of the "
                f"folder have; if it is no part of the log, write files = 'orders-*.csv' (a pattern that fits the "
                f"others only) under [source]\n  columns: {', '.join(file.names[:30])}"
            )
        if self.n_rows is not None:
            file = replace(file, relation=_some_rows(file.path, self.first_row, self.n_rows))
        return file.with_missing(self.names)

    def _read(self, number: int) -> OpenFile:
        """Open a file; what is dear to open is kept."""
        if number in self._kept:
            csv_format.forget_unreadable(self.connection)
            return self._kept[number]
        path, kind = self.files[number]
        if self.first_row:  # whoever reads its first rows looks at the whole file
            self._sections[number] = self.spec.source
        if number not in self._sections:
            self._sections[number] = read_whole(path, kind, self.spec.source, self.scratch)
        file = open_file(self.connection, path, kind, self._sections[number], self.scratch)
        if kind in {"excel", "json"}:
            self._kept[number] = file
        return file

    def _raw(self, file: OpenFile) -> dict[str, str]:
        return dict(zip(self.raw_names(), self._raw_values(file), strict=True))

    def _raw_values(self, file: OpenFile) -> list[str]:
        """The raw columns in the order and the types of the log."""
        values = []
        for name, first_type in zip(self.names, self.types, strict=True):
            reference, own_type = file.column(name)
            target = first_type if first_type in _KEPT_TYPES else "VARCHAR"
            values.append(reference if own_type == target else f"{reference}::{target}")
        return values

    def _hash(self, file: OpenFile) -> str:
        return f"hash({', '.join(self._raw_values(file))})"

    def _stream(self, file: OpenFile, selected: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
        listed = ", ".join(
            f'{sql} AS "{name.replace(chr(34), chr(34) * 2)}"' for name, sql in selected.items()
        )
        try:
            yield from self.connection.sql(f"SELECT {listed} FROM {file.relation}").to_arrow_reader(
                BATCH_ROWS
            )
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise _unreadable(file, error) from error

    def _run(self, file: OpenFile, sql: str) -> None:
        try:
            self.connection.execute(sql)
        except duckdb.Error as error:
            raise _unreadable(file, error) from error

    def _finish(self, file: OpenFile, number: int, n_readable: int) -> None:
        self.unreadable[number] = file.unreadable(self.connection, n_readable)

    def _check_time_format(self, form: str) -> None:
        try:
            self.connection.execute(f"SELECT try_strptime('', {literal(form)})")
        except duckdb.Error as error:
            raise ConfigurationError(
                f"time_format = {form!r} in {self.spec.file} is no strptime format: {first_line(error)}"
            ) from error


def common_columns(
    files: Sequence[tuple[Sequence[str], Sequence[str]]],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and types of the columns of all files of a log, from those of each file; empty without files."""
    types: dict[str, set[str]] = {}
    for names, kinds in files:
        for name, kind in zip(names, kinds, strict=True):
            types.setdefault(name, set()).add(kind)
    # Files that disagree about a type are read as text.
    return tuple(types), tuple(min(kinds) if len(kinds) == 1 else "VARCHAR" for kinds in types.values())


def _some_rows(path: Path, first: int, n_rows: int) -> str:
    """SQL of some rows of a Parquet file; row groups without any of them are not read."""
    at = "file_row_number"
    return (
        f"(SELECT * EXCLUDE ({at}) FROM read_parquet({path_literal(path)}, {at} = true, hive_partitioning = true, "
        f"hive_types_autocast = false) WHERE {at} >= {first} AND {at} < {first + n_rows})"
    )


def _placed(batch: pa.RecordBatch, number: int, row: int) -> pa.RecordBatch:
    numbers = pa.array(np.full(batch.num_rows, number, dtype=np.int32))
    records = pa.array(np.arange(row + 1, row + batch.num_rows + 1, dtype=np.int64))
    return batch.append_column(FILE_NUMBER, numbers).append_column(RECORD, records)


def _unreadable(file: OpenFile, error: Exception) -> Exception:
    """Blame the file, unless it is the machine that ran out of memory or disk."""
    out_of_disk = os.strerror(errno.ENOSPC) in str(error)
    if out_of_disk or of_the_disk(error) or isinstance(error, duckdb.OutOfMemoryException):
        return error
    advice = ""
    if "state machine" in str(error):
        advice = "; if some lines end in CR LF and others in LF, leave line_ends out under [source]"
    return ContractError(f"{file.path} cannot be read to its end: {first_line(error)}{advice}")
