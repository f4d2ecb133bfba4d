"""Load a publication's tables into a shop's database: a staging table each, a comparison, one swap."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import (
    REAL,
    Column,
    Connection,
    Date,
    DateTime,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    inspect,
    literal_column,
    select,
)
from sqlalchemy.engine import URL

from data_contracts.columns import MODEL, RANK, SCORE
from data_contracts.errors import ConfigurationError, DatabaseError
from tasks.publication.database_sinks import Sink, sink_of
from tasks.publication.file_export import CHUNK_ROWS
from tasks.publication.loading import telling
from tasks.publication.registry import Publication
from tasks.runtime import duckdb_engine, store
from tasks.runtime.files import pattern_of
from tasks.sources.databases import describe_url, opened

PREFIX = "shelftalker_"
STAGING = "_staging"
LOADS = f"{PREFIX}loads"
"""Table with one row per loaded table: which run it holds, and since when."""

_TYPES = {pa.int32(): Integer, pa.float32(): REAL, pa.string(): Text, pa.large_string(): Text}


class Target:
    """One table of a publication on its way into a database.

    Parameters
    ----------
    name
        Its name there, without prefix.
    file
        The Parquet file that it comes from.
    metadata
        Of the database's schema.
    staging_lasts
        Whether the staging table becomes the table; otherwise it needs no key and no log of its writes.

    """

    def __init__(self, name: str, file: Path, metadata: MetaData, *, staging_lasts: bool) -> None:
        self.name, self.file = name, file
        self.schema = pq.read_schema(file)
        self.table = Table(f"{PREFIX}{name}", metadata, *self._columns(keyed=True))
        staged = f"{PREFIX}{name}{STAGING}"
        options: dict[str, Any] = (
            {"sqlite_with_rowid": False} if staging_lasts else {"prefixes": ["UNLOGGED"]}
        )
        self.staging = Table(staged, metadata, *self._columns(keyed=staging_lasts), **options)

    def figures(self) -> list[str]:
        """SQL that any database, and DuckDB on the file, answers with the same numbers."""
        ids = [name for name in self.schema.names if name not in {RANK, SCORE, MODEL}]
        return [
            "count(*)",
            *(f"{what}({RANK})" for what in ("min", "max", "sum")),
            *(f"count(DISTINCT {name})" for name in ids),
            *(f"CAST({what}({SCORE}) AS DOUBLE PRECISION)" for what in ("min", "max")),
        ]

    def expected(self) -> tuple[Any, ...]:
        """Return the figures of the file."""
        with duckdb_engine.connect(store.scratch()) as connection:
            query = f"SELECT {', '.join(self.figures())} FROM read_parquet(?)"
            return tuple(connection.execute(query, [pattern_of(self.file)]).fetchall()[0])

    def loaded(self, connection: Connection) -> tuple[Any, ...]:
        """Return the figures of the staging table."""
        query = select(*map(literal_column, self.figures())).select_from(self.staging)
        return tuple(connection.execute(query).one())

    def _columns(self, *, keyed: bool) -> list[Column[Any]]:
        """Columns of the file; the key is everything up to the rank."""
        key = self.schema.names[: self.schema.names.index(RANK) + 1] if keyed else ()
        return [
            Column(
                each.name,
                _TYPES[each.type],
                primary_key=each.name in key,
                nullable=False,
                autoincrement=False,
            )
            for each in self.schema
        ]


def load(
    publication: Publication,
    files: Mapping[str, Path],
    url: URL,
    *,
    schema: str | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> list[dict[str, Any]]:
    """Replace the shop's tables by a publication's, all in one step.

    Readers see the old tables or the new ones, whole, whatever happens to this process: rows go to staging
    tables first, are counted and compared there, and take the place of the old ones in one transaction.

    Parameters
    ----------
    publication
        What the rows belong to.
    files
        Parquet files by the name of their table.
    url
        The database, SQLite or PostgreSQL.
    schema
        Of PostgreSQL; None is the first of the search path.
    chunk_rows
        Rows that are in memory, and in one transaction, at once.

    Returns
    -------
    A row a table: what was loaded and where.

    Raises
    ------
    ConfigurationError
        If a table there is not ours or is another dataset's, or the database refuses.
    DatabaseError
        If it cannot be reached, is busy, or got other rows than were sent.

    """
    metadata = MetaData(schema=schema)
    loads = _loads(metadata)
    with opened(url, f"loading {publication.path}") as database:
        sink = sink_of(database, schema)
        targets = [
            Target(name, file, metadata, staging_lasts=sink.staging_lasts) for name, file in files.items()
        ]
        with database.connect() as connection, sink.alone(connection):
            with connection.begin():
                _clear(connection, schema)
                metadata.create_all(connection, [loads, *(each.staging for each in targets)])
                _must_be_ours(connection, publication, targets, loads)
            try:
                rows = [_fill(sink, connection, each, chunk_rows) for each in targets]
                pairs = [(each.staging, each.table) for each in targets]
                records = _records(publication, targets, rows)
                sink.swap(connection, pairs, lambda: _record(connection, loads, records))
            except BaseException:
                with suppress(Exception), connection.begin():
                    _clear(connection, schema)
                raise
    return [
        {"what": each.table.fullname, "rows": n, "where": describe_url(url)}
        for each, n in zip(targets, rows, strict=True)
    ]


def _loads(metadata: MetaData) -> Table:
    return Table(
        LOADS,
        metadata,
        Column("table_name", Text, primary_key=True),
        Column("dataset", Text, nullable=False),
        Column("as_of", Date),
        Column("run", Text, nullable=False),
        Column("row_count", Integer, nullable=False),
        Column("loaded_at", DateTime(timezone=True), nullable=False),
    )


def _must_be_ours(
    connection: Connection, publication: Publication, targets: Sequence[Target], loads: Table
) -> None:
    """Refuse to replace a table that somebody else made, or that holds another dataset."""
    look = inspect(connection)
    query = select(loads.c.dataset).where(loads.c.table_name == bindparam("name"))
    for table in (each.table for each in targets):
        if not look.has_table(table.name, schema=table.schema):
            continue
        owner = connection.execute(query, {"name": table.name}).scalar()
        if owner != publication.dataset:
            whose = f"holds dataset {owner!r}" if owner else "was not made by shelftalker"
            raise ConfigurationError(
                f"table {table.fullname} in {describe_url(connection.engine.url)} {whose}; load dataset "
                f"{publication.dataset!r} into another schema or file, or drop that table"
            )


def _clear(connection: Connection, schema: str | None) -> None:
    """Drop the staging tables, those that a killed load left included."""
    for name in inspect(connection).get_table_names(schema=schema):
        if name.startswith(PREFIX) and name.endswith(STAGING):
            Table(name, MetaData(schema=schema)).drop(connection)


def _fill(sink: Sink, connection: Connection, target: Target, chunk_rows: int) -> int:
    """Insert a table chunk by chunk and compare what arrived; returns its rows."""
    with pq.ParquetFile(target.file) as file, telling(target.name, file.metadata.num_rows) as told:
        for batch in file.iter_batches(chunk_rows):
            with connection.begin():
                sink.insert(connection, target.staging, batch)
            told.add(batch.num_rows)
        with connection.begin():
            got, expected = target.loaded(connection), target.expected()
        if got != expected:
            raise DatabaseError(
                f"{target.staging.fullname} in {describe_url(connection.engine.url)} is not what was sent: "
                f"{', '.join(target.figures())} are {got}, expected {expected}; nothing was replaced"
            )
    return told.rows


def _records(
    publication: Publication, targets: Sequence[Target], rows: Sequence[int]
) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [
        {
            "table_name": each.table.name,
            "dataset": publication.dataset,
            "as_of": publication.as_of,
            "run": publication.run,
            "row_count": n,
            "loaded_at": now,
        }
        for each, n in zip(targets, rows, strict=True)
    ]


def _record(connection: Connection, loads: Table, records: list[dict[str, Any]]) -> None:
    names = [each["table_name"] for each in records]
    connection.execute(delete(loads).where(loads.c.table_name.in_(names)))
    connection.execute(insert(loads), records)
