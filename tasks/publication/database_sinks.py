"""What differs between the databases that tables are loaded into: being alone, inserting, and the swap."""

import fcntl
import io
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.csv as arrow_csv
from sqlalchemy import Connection, Engine, Table, delete, event, insert, inspect, select, text

from data_contracts.errors import ConfigurationError
from tasks.publication.loading import wait_for
from tasks.runtime.store import must_be_plain
from tasks.sources.databases import describe_url

WAIT_SECONDS = 60.0
"""Seconds that a load waits for another one."""

Pairs = Sequence[tuple[Table, Table]]
"""Staging tables, each with the table that it replaces."""


class Sink(Protocol):
    """A kind of database that tables can be loaded into."""

    staging_lasts: bool
    """Whether the staging table becomes the table itself, rather than being copied from."""

    def alone(self, connection: Connection) -> Any:
        """Give a context in which no other load changes the tables."""

    def insert(self, connection: Connection, table: Table, rows: pa.RecordBatch) -> None:
        """Add rows whose columns are in the table's order."""

    def swap(self, connection: Connection, pairs: Pairs, record: Callable[[], None]) -> None:
        """Put every staging table in its place and call `record`, all in one transaction."""


class Sqlite:
    """A SQLite file.

    A load commits chunk by chunk, since one large transaction shuts readers out once it outgrows the page
    cache. A lock on a file beside the database keeps a second load away; the kernel drops the lock of a
    killed process.
    """

    staging_lasts = True

    def __init__(self, engine: Engine, schema: str | None) -> None:
        if schema is not None:
            raise ConfigurationError(
                f"{describe_url(engine.url)} has no schemas: leave out schema {schema!r}"
            )
        if engine.url.database in {None, "", ":memory:"}:
            raise ConfigurationError("SQLite in memory ends with the load: write sqlite:////absolute/path.db")
        self.engine, self.file = engine, Path(str(engine.url.database))
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    @contextmanager
    def alone(self, connection: Connection) -> Iterator[None]:
        """Hold the lock beside the database."""
        handle = os.open(f"{self.file}.shelftalker-lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            wait_for(lambda: _locked(handle), describe_url(self.engine.url), WAIT_SECONDS)
            yield
        finally:
            os.close(handle)

    def insert(self, connection: Connection, table: Table, rows: pa.RecordBatch) -> None:
        """Add rows with one prepared statement."""
        values = list(zip(*(column.to_pylist() for column in rows.columns), strict=True))
        connection.exec_driver_sql(str(insert(table).compile(connection)), values)

    def swap(self, connection: Connection, pairs: Pairs, record: Callable[[], None]) -> None:
        """Drop and rename; readers wait for the commit only."""
        with connection.begin():
            for staging, table in pairs:
                table.drop(connection, checkfirst=True)
                prepare = connection.dialect.identifier_preparer
                old, new = prepare.format_table(staging), prepare.format_table(table)
                connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
            record()


class Postgres:
    """PostgreSQL: an advisory lock of the session, COPY, and new rows in the place of the old ones."""

    staging_lasts = False

    def __init__(self, engine: Engine, schema: str | None) -> None:
        self.engine = engine
        self.schema = None if schema is None else must_be_plain("schema", schema)

    @contextmanager
    def alone(self, connection: Connection) -> Iterator[None]:
        """Hold an advisory lock of the schema; the server drops it with the connection."""
        with connection.begin():
            self._must_have_schema(connection)
            schema = self.schema or connection.execute(text("SELECT current_schema()")).scalar_one()
        key = zlib.crc32(f"shelftalker {schema}".encode())

        def locked() -> bool:
            with connection.begin():
                query = text("SELECT pg_try_advisory_lock(:key)")
                return bool(connection.execute(query, {"key": key}).scalar_one())

        wait_for(locked, describe_url(self.engine.url), WAIT_SECONDS)
        # The connection is closed after the load, which frees the lock.
        yield

    def insert(self, connection: Connection, table: Table, rows: pa.RecordBatch) -> None:
        """Add rows with COPY; text is always quoted, so that an empty text is not a missing one."""
        lines = io.BytesIO()
        arrow_csv.write_csv(rows, lines, arrow_csv.WriteOptions(include_header=False))
        prepare = connection.dialect.identifier_preparer
        columns = ", ".join(prepare.quote(column.name) for column in table.columns)
        cursor: Any = connection.connection.cursor()
        with (
            cursor,
            cursor.copy(
                f"COPY {prepare.format_table(table)} ({columns}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')"
            ) as copy,
        ):
            copy.write(lines.getvalue())

    def swap(self, connection: Connection, pairs: Pairs, record: Callable[[], None]) -> None:
        """Delete the old rows and insert the new ones; readers are neither blocked nor noticed.

        A table renamed into place would be empty for a reader whose snapshot is older than its rows, and
        would leave the old one's grants and views behind.
        """
        with connection.begin():
            for staging, table in pairs:
                table.create(connection, checkfirst=True)
                connection.execute(delete(table))
                connection.execute(insert(table).from_select(table.columns.keys(), select(staging)))
                staging.drop(connection)
            record()

    def _must_have_schema(self, connection: Connection) -> None:
        if self.schema is not None and not inspect(connection).has_schema(self.schema):
            raise ConfigurationError(
                f'{describe_url(self.engine.url)} has no schema {self.schema!r}; make it: CREATE SCHEMA "{self.schema}"'
            )


_KINDS: Final[dict[str, Callable[[Engine, str | None], Sink]]] = {"sqlite": Sqlite, "postgresql": Postgres}


def sink_of(engine: Engine, schema: str | None) -> Sink:
    """Find out how to load into a database.

    Raises
    ------
    ConfigurationError
        If it is neither SQLite nor PostgreSQL, or has no such schema.

    """
    kind = engine.dialect.name
    if kind not in _KINDS:
        raise ConfigurationError(f"lists can be loaded into {', '.join(_KINDS)} and redis only; got {kind}")
    return _KINDS[kind](engine, schema)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _leave_transactions_to_us(connection: Any, _record: Any) -> None:
    # Python's driver begins no transaction before CREATE, DROP and ALTER.
    connection.isolation_level = None
    # Otherwise SQLite refuses to rename while a view of the shop's names the table that was just dropped.
    connection.execute("PRAGMA legacy_alter_table = ON")
