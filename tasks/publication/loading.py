"""What the loads into all kinds of databases share: how they are called, wait for each other, and say how far they are."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.engine import URL

from data_contracts.errors import DatabaseError
from tasks.publication.publications import Publication
from tasks.runtime.progress import listener


class Loader(Protocol):
    """Replaces what a kind of database holds of a dataset by a publication: readers see the old or the new, whole."""

    def __call__(
        self,
        publication: Publication,
        files: Mapping[str, Path],
        url: URL,
        *,
        schema: str | None = None,
        chunk_rows: int = ...,
    ) -> list[dict[str, Any]]:
        """Load Parquet files by the name of their table; returns a row for each."""


def wait_for(attempt: Callable[[], bool], where: str, seconds: float) -> None:
    """Try until it works, for another load may be at it.

    Raises
    ------
    DatabaseError
        Naming the database, when the time is over.

    """
    until = time.monotonic() + seconds
    while not attempt():
        if time.monotonic() > until:
            raise DatabaseError(
                f"another load has held {where} for {seconds:.0f} s; load again when it has ended"
            )
        time.sleep(0.2)


class Told:
    """Rows of one table on their way, told to whoever listens."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.rows = label, total, 0

    def add(self, rows: int) -> None:
        """Count rows that have arrived."""
        self.rows += rows
        listener().advanced(self.label, self.rows, self.total, {"rows": self.rows})


@contextmanager
def telling(table: str, total: int) -> Iterator[Told]:
    """Tell people that a table is loaded, how far that is, and that it is done if nothing goes wrong inside."""
    told, started = Told(f"load {table}", total), time.perf_counter()
    listener().started(told.label)
    yield told
    listener().finished(told.label, time.perf_counter() - started, reused=False, facts={"rows": told.rows})
