"""Extra copies of rows in a log that is read in parts: the first of them may stand in another part.

Three rounds before the rows are judged. Each part writes the hashes of its rows; those that occur twice anywhere are few.
Each part then writes a key of every row with such a hash, and what a later part must know is which of its keys stood in an
earlier one. Rows are compared by their values, as on one machine (:mod:`tasks.ingestion.duplicates`).
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from tasks.cluster.client import Workers
from tasks.cluster.parts import LogParts, Part
from tasks.cluster.workplace import attempt, clear, engine
from tasks.ingestion.duplicates import ExtraCopies
from tasks.ingestion.reader import Log
from tasks.runtime.duckdb_engine import connect, path_literal

COPIES: Final = "copies"
"""Folder of all that is found out, removed when the rows were judged."""
HASHES, KEYS, EARLIER = "hashes", "keys", "earlier"
REPEATED: Final = "repeated.npy"


def log_of(spec: DatasetSpec, part: Part, columns: LogParts, connection: object, scratch: Path) -> Log:
    """The rows of one part."""
    return Log(
        spec,
        [(part.path, part.kind)],
        connection,  # type: ignore[arg-type]
        scratch,
        names=columns.names,
        types=columns.types,
        first_row=part.first_row,
        n_rows=part.n_rows,
    )


def write_hashes(spec: DatasetSpec, part: Part, columns: LogParts, out: Path, memory: str) -> None:
    """Write the hashes of a part's rows. Called on a worker."""
    with attempt(out) as place, engine(place, memory) as connection:
        log_of(spec, part, columns, connection, place.scratch).write_hashes(place.out / HASHES)
        place.keep(HASHES, out / COPIES / HASHES / part.file_name)


def write_keys(spec: DatasetSpec, part: Part, columns: LogParts, out: Path, memory: str) -> None:
    """Write the keys of a part's rows whose hash is repeated. Called on a worker."""
    with attempt(out) as place, engine(place, memory) as connection:
        log = log_of(spec, part, columns, connection, place.scratch)
        copies = ExtraCopies(log, np.load(out / COPIES / REPEATED))
        for batch in log.batches({}, hashes=True):
            copies.mark(pa.Table.from_batches([batch]))
        _save(copies.seen, place.out / KEYS)
        place.keep(KEYS, out / COPIES / KEYS / part.file_name)


def copies_of(log: Log, part: Part, out: Path) -> ExtraCopies:
    """What marks the extra copies of a part, when all parts were looked at."""
    earlier = pq.read_table(out / COPIES / EARLIER / part.file_name).column(0).to_pylist()
    return ExtraCopies(log, np.load(out / COPIES / REPEATED), earlier)


def find_copies(spec: DatasetSpec, log: LogParts, out: Path, workers: Workers, scratch: Path) -> None:
    """Find out what each part must know of those before it."""
    _each(workers, write_hashes, spec, log, out)
    (out / COPIES / EARLIER).mkdir(parents=True)
    with connect(scratch) as connection:
        files = ", ".join(path_literal(out / COPIES / HASHES / part.file_name) for part in log.parts)
        query = f"SELECT h FROM read_parquet([{files}]) GROUP BY h HAVING count(*) > 1 ORDER BY h"
        repeated = np.asarray(connection.execute(query).fetchnumpy()["h"], dtype=np.uint64)
    np.save(out / COPIES / REPEATED, repeated)
    _each(workers, write_keys, spec, log, out)
    before: set[bytes] = set()
    for part in log.parts:
        keys = set(pq.read_table(out / COPIES / KEYS / part.file_name).column(0).to_pylist())
        _save(keys & before, out / COPIES / EARLIER / part.file_name)
        before |= keys
    clear(out)


def forget_copies(out: Path) -> None:
    """Remove what was found out."""
    shutil.rmtree(out / COPIES, ignore_errors=True)


def _each(workers: Workers, work: Callable[..., None], spec: DatasetSpec, log: LogParts, out: Path) -> None:
    workers.each(work, [(spec, part, log, out, workers.memory) for part in log.parts])


def _save(keys: Sequence[bytes] | frozenset[bytes] | set[bytes], path: Path) -> None:
    pq.write_table(pa.table({"key": pa.array(sorted(keys), pa.binary(16))}), path)
