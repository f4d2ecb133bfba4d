"""A log in a database becomes a Parquet file of the store, known by its content.

Every run asks the database anew, as nothing else tells whether its rows changed. The same rows give the
same file and so the same key, and every later step is reused.
"""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from math import isnan
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy import text

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from tasks.runtime import store
from tasks.runtime.files import sha256_of
from tasks.runtime.progress import listener
from tasks.runtime.step import IO_RETRIES
from tasks.sources.databases import must_exist, opened, source_url

SNAPSHOT = "snapshot"
CHUNK_ROWS = 50_000
"""Rows that are in memory at once, and in one row group."""

_KINDS: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    date: pa.date32(),
    datetime: pa.timestamp("us"),
    Decimal: pa.string(),
    UUID: pa.string(),
    clock: pa.string(),
}
"""How values are kept; exact decimals as their digits, since an id may have twenty of them."""

_ZONED = pa.timestamp("us", tz="UTC")


@task(
    name="read-database",
    task_run_name="read the database of {spec.name}",
    cache_policy=NO_CACHE,
    persist_result=False,
    **IO_RETRIES,
)
def snapshot(spec: DatasetSpec) -> store.ArtifactRef:
    """Read a dataset's log from its database, always anew: only its rows tell whether they changed."""
    return take_snapshot(spec)


def take_snapshot(spec: DatasetSpec) -> store.ArtifactRef:
    """Write the answer to a dataset's query into the store.

    Returns
    -------
    Reference to the folder that holds :func:`snapshot_file`; the same for the same rows.

    Raises
    ------
    ConfigurationError
        If the database, the query or a type in its answer is not what can be read.
    DatabaseError
        If the database cannot be reached.

    """
    label = f"read the database of {spec.name}"
    started = time.perf_counter()
    listener().started(label)
    # Only the file itself tells its key, so it is written first and moved into the store if it is new.
    with store.temporary_folder(store.home() / "artifacts" / SNAPSHOT) as written:
        path = written / snapshot_file(spec)
        facts = read_query(spec, path, label)

        def move_in(folder: Path) -> store.Facts:
            path.rename(folder / path.name)
            return facts

        inputs = {"dataset": spec.name, "sha256": sha256_of(path)}
        ref = store.obtain(SNAPSHOT, inputs, "", move_in)
        known = path.exists()
    # Never "reused": the rows were read, whether or not they are new.
    listener().finished(label, time.perf_counter() - started, reused=False, facts={**facts, "known": known})
    return ref


def snapshot_file(spec: DatasetSpec) -> str:
    """Name of the file in a snapshot's folder."""
    return f"{spec.name}.parquet"


def read_query(spec: DatasetSpec, path: Path, label: str) -> store.Facts:
    """Stream the answer to a dataset's query into a Parquet file; returns its rows and types."""
    doing = f"reading dataset {spec.name!r} ({spec.file})"
    assert spec.source.query is not None
    url = source_url(spec.source)
    must_exist(url, doing)
    # A colon would start a parameter of SQLAlchemy's: the query has none, it is passed on as it is.
    statement = text(spec.source.query.replace(":", r"\:")).execution_options(yield_per=CHUNK_ROWS)
    with (
        opened(url, doing) as engine,
        engine.connect() as connection,
        connection.execute(statement) as answer,
    ):
        if not answer.returns_rows:
            raise ConfigurationError(f"{doing}: query is no SELECT: it answers with no rows")
        with Table(path, list(answer.keys()), doing) as table:
            for rows in answer.partitions(CHUNK_ROWS):
                table.add(rows)
                listener().advanced(label, table.rows, 0, {"rows": table.rows})
    return {"rows": table.rows, "columns": {each.name: str(each.type) for each in table.schema}}


class Table:
    """A Parquet file made from rows whose types are known only when the last one was seen.

    A column is of one type if all its values are, else it is text. Where a later chunk changes a type, a new
    part begins, and all parts are written once more at the end: the file depends on the rows alone.

    Parameters
    ----------
    path
        The file; its parts lie beside it until the end.
    names
        Of the columns.
    doing
        What to begin an error with.

    """

    def __init__(self, path: Path, names: Sequence[str], doing: str) -> None:
        repeated = [name for name, count in Counter(name.casefold() for name in names).items() if count > 1]
        if repeated:
            raise ConfigurationError(
                f"{doing}: the answer has more than one column {repeated[0]!r}; name one with AS in the query"
            )
        self.path, self.names, self.doing = path, names, doing
        self.rows = 0
        self._types: list[pa.DataType] = [pa.null()] * len(names)
        self._parts: list[Path] = []
        self._writer: pq.ParquetWriter | None = None

    @property
    def schema(self) -> pa.Schema:
        """Columns and types by what was seen so far; a column that is empty everywhere is text."""
        kept = [pa.string() if pa.types.is_null(each) else each for each in self._types]
        return pa.schema(list(zip(self.names, kept, strict=True)))

    def add(self, rows: Sequence[Any]) -> None:
        """Write rows, each as long as the names."""
        columns = list(zip(*rows, strict=True))
        for at, values in enumerate(columns):
            self._types[at] = _wider(self._types[at], self._type_of(self.names[at], values))
        if self._writer is None or self._writer.schema != self.schema:
            self._next_part()
        arrays = [_array(values, kind) for values, kind in zip(columns, self.schema.types, strict=True)]
        assert self._writer is not None
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
        self.rows += len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if kind is None and not self._parts:
            self._next_part()
        if self._writer is not None:
            self._writer.close()
        if kind is None:
            self._join()

    def _next_part(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._parts.append(self.path.with_name(f"part-{len(self._parts)}"))
        self._writer = pq.ParquetWriter(self._parts[-1], self.schema, compression="zstd")

    def _join(self) -> None:
        if len(self._parts) == 1:
            self._parts[0].rename(self.path)
            return
        with pq.ParquetWriter(self.path, self.schema, compression="zstd") as writer:
            for part in self._parts:
                with pq.ParquetFile(part) as file:
                    for group in range(file.num_row_groups):
                        writer.write_table(_cast(file.read_row_group(group), self.schema))
                part.unlink()

    def _type_of(self, name: str, values: Sequence[Any]) -> pa.DataType:
        kinds = set(map(type, values)) - {type(None)}
        strange = [kind for kind in kinds if kind not in _KINDS]
        if strange:
            raise ConfigurationError(
                f"{self.doing}: column {name!r} holds values of type {strange[0].__name__}; leave it out of the "
                f"query, or turn it into text there: CAST({name} AS TEXT)"
            )
        if not kinds:
            return pa.null()
        if len(kinds) > 1 or (kinds == {int} and _beyond_64_bits(values)):
            return pa.string()
        if kinds == {datetime}:
            zoned = {value.tzinfo is not None for value in values if value is not None}
            return pa.string() if len(zoned) > 1 else _ZONED if zoned.pop() else pa.timestamp("us")
        return _KINDS[kinds.pop()]


def _wider(known: pa.DataType, found: pa.DataType) -> pa.DataType:
    if known == found or pa.types.is_null(found):
        return known
    return found if pa.types.is_null(known) else pa.string()


def _beyond_64_bits(values: Sequence[int | None]) -> bool:
    there = [value for value in values if value is not None]
    return max(there) >= 2**63 or min(there) < -(2**63)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [value if value is None or type(value) is str else _text(value) for value in values]
    return pa.array(values, type=kind)


def _text(value: Any) -> str | None:
    """Text of a value that shares its column with others, or that only text keeps exactly; None for no number."""
    if isinstance(value, Decimal | float) and isnan(value):
        return None
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime) and value.tzinfo is not None:
        return str(value.astimezone(UTC))
    return str(value)


def _cast(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give rows that were written early the types that were found out later."""
    arrays = [
        column if column.type == field.type else _array(column.to_pylist(), field.type)
        for column, field in zip(rows.columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
