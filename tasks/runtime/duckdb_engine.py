"""Where tables are made: DuckDB under a memory limit and a spill folder that we set."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from tasks.runtime.files import pattern_of

MEMORY_LIMIT = os.environ.get("SHELFTALKER_MEMORY_LIMIT", "2GB")
"""What DuckDB may hold in memory before it spills to disk; any DuckDB size such as ``800MB``."""


@contextmanager
def connect(
    scratch: Path, *, memory_limit: str = MEMORY_LIMIT, threads: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty DuckDB database that spills into a folder below `scratch`, removed at the end.

    Parameters
    ----------
    scratch
        An existing folder on the disk that may fill up.
    memory_limit
        A DuckDB size such as ``"2GB"``; resident memory runs a little over it.
    threads
        How many it may use; as many as the machine has cores if None.

    Raises
    ------
    OSError
        If the disk is full; DuckDB's own error would not say so by its type.
    MemoryError
        If the limit is too small even with spilling.

    """
    spill = Path(tempfile.mkdtemp(prefix="duckdb-", dir=scratch))
    try:
        with duckdb.connect(str(spill / "work.duckdb")) as connection:
            connection.execute(f"SET memory_limit = {literal(memory_limit)}")
            connection.execute(f"SET temp_directory = {literal(str(spill))}")
            if threads is not None:
                connection.execute(f"SET threads = {threads}")
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET enable_progress_bar = false")
            yield connection
    except duckdb.IOException as error:
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise OSError(errno.ENOSPC, f"{first_line(error)}; free some space there", str(scratch)) from error
    except duckdb.OutOfMemoryException as error:
        raise MemoryError(
            f"{first_line(error)}; raise SHELFTALKER_MEMORY_LIMIT (now {memory_limit}), or free disk in {scratch}"
        ) from error
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def quote(name: str) -> str:
    """Quote a column or table name for SQL, whatever it contains."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string value for SQL, for the few places where DuckDB takes no parameters."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """SQL string by which DuckDB's readers find this one file, whatever its name."""
    return literal(pattern_of(path))


def read_parquet(path: Path) -> str:
    """SQL, as it stands after FROM, of the rows of a Parquet file or of all such files of a folder."""
    return (
        f"read_parquet({literal(f'{pattern_of(path)}/*.parquet') if path.is_dir() else path_literal(path)})"
    )


def number(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Return the one whole number that a query answers."""
    # All rows are fetched: the connection takes no other work while an answer is unfinished.
    return int(connection.execute(query).fetchall()[0][0])


def table(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """Return the answer of a query whole, as an Arrow table."""
    return connection.sql(query).to_arrow_table()


def arrays(connection: duckdb.DuckDBPyConnection, query: str) -> list[np.ndarray]:
    """Return the answer of a query whole, one numpy array a column."""
    return [column.to_numpy() for column in table(connection, query).columns]


def batches(
    connection: duckdb.DuckDBPyConnection, query: str, rows: int = 1_000_000
) -> Iterator[pa.RecordBatch]:
    """Stream the answer of a query in Arrow batches of at most `rows` rows."""
    # A relation, not a cursor: a cursor copies its rows once more on their way to Arrow.
    yield from connection.sql(query).to_arrow_reader(rows)


def first_line(error: Exception) -> str:
    """Return what a library's error says, without its page of settings."""
    return str(error).strip().partition("\n")[0]
