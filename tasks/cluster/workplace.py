"""Where a worker writes: into a folder of its own first, and under the final names when all is there."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
from distributed import get_worker

from tasks.runtime import duckdb_engine

ATTEMPT = ".tmp-attempt-"
"""Begins the name of what a killed worker may leave; the step removes it (:func:`clear`)."""


class Attempt(NamedTuple):
    """Two folders of one call, both gone when it ends."""

    out: Path
    """On the shared disk, beside the final files."""
    scratch: Path
    """On a disk of the worker."""

    def keep(self, name: str, final: Path) -> Path:
        """Give a file its final name in one step; the same call made twice leaves the same bytes."""
        final.parent.mkdir(parents=True, exist_ok=True)
        return (self.out / name).replace(final)


@contextmanager
def attempt(out: Path) -> Iterator[Attempt]:
    """Make the folders of one call that writes into `out`."""
    with (
        tempfile.TemporaryDirectory(prefix=ATTEMPT, dir=out) as beside,
        tempfile.TemporaryDirectory(prefix="shelftalker-", dir=_own_disk()) as scratch,
    ):
        yield Attempt(Path(beside), Path(scratch))


@contextmanager
def engine(place: Attempt, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB for one call: one thread, for a worker has as many calls as it has threads."""
    with duckdb_engine.connect(place.scratch, memory_limit=memory, threads=1) as connection:
        yield connection


def clear(out: Path) -> None:
    """Remove what killed workers left."""
    for left in out.glob(f"{ATTEMPT}*"):
        shutil.rmtree(left, ignore_errors=True)


def _own_disk() -> str | None:
    try:
        return str(get_worker().local_directory)
    except ValueError:  # called outside a worker
        return None
