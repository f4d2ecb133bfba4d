"""Extra copies of rows, found across the parts of a log by the rule of one machine (:mod:`tasks.ingestion.duplicates`).

Each part writes the hashes of its rows, and ranges of hashes are counted over all parts. Rows with a hash that occurs
more than once are then compared value by value, and the first one of the log stays. The driver sees paths alone.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.dataset import DatasetSpec
from tasks.cluster.calls import Workers
from tasks.cluster.parts import LogParts, Part, open_part
from tasks.cluster.workplace import Attempt, attempt, engine
from tasks.ingestion.duplicates import KnownCopies, digests, with_hashes
from tasks.ingestion.reader import RAW_HASH, RECORD
from tasks.runtime.duckdb_engine import arrays, literal, read_parquet

HASHES, REPEATED, CANDIDATES, EXTRA = "hashes", "repeated", "candidates", "extra"
"""Folders: sorted hashes of each part, those that occur more than once, the rows that have them, the extra copies."""
COPIES = "copies"
"""Folder of all these, until the rows were judged."""
RANGE_ROWS = 20_000_000
"""Rows of the log for each range of hashes that is counted at once."""
SCHEMA = pa.schema(
    [("h", pa.uint64()), ("digest", pa.binary(16)), ("part", pa.int32()), ("record", pa.int64())]
)


def find_copies(spec: DatasetSpec, log: LogParts, out: Path, workers: Workers) -> Path:
    """Find the extra copies of all parts.

    Parameters
    ----------
    spec
        The dataset.
    log
        Its parts.
    out
        Existing folder that all workers see.
    workers
        Who does it.

    Returns
    -------
    A folder below `out` that :func:`known_copies` reads, to be removed when all parts were judged.

    """
    folder = out / COPIES
    for name in (HASHES, REPEATED, CANDIDATES, EXTRA):
        (folder / name).mkdir(parents=True, exist_ok=True)
    names = [part.file_name for part in log.parts]
    of_parts = [(spec, part, log, folder, workers.memory) for part in log.parts]
    rows = sum(workers.each(hash_part, of_parts))
    n_ranges = max(1, -(-rows // RANGE_ROWS))
    of_ranges = [(folder, names, at, n_ranges, workers.memory) for at in range(n_ranges)]
    if sum(workers.each(count_range, of_ranges)):
        workers.each(compare_part, of_parts)
    workers.each(number_range, of_ranges)
    for name in (HASHES, CANDIDATES):
        shutil.rmtree(folder / name)
    return folder


def hash_part(spec: DatasetSpec, part: Part, columns: LogParts, folder: Path, memory: str) -> int:
    """Write the sorted hashes of a part's rows; gives their number. Called on a worker."""
    with attempt(folder) as place, engine(place, memory) as connection:
        open_part(spec, part, columns, connection, place.scratch).load_hashes()
        _copy(connection, "SELECT h FROM row_hashes ORDER BY h", place, folder / HASHES / part.file_name)
        return _rows(folder / HASHES / part.file_name)


def count_range(folder: Path, names: Sequence[str], at: int, n_ranges: int, memory: str) -> int:
    """Write the hashes of a range that more than one row has; gives their number. Called on a worker."""
    with attempt(folder) as place, engine(place, memory) as connection:
        final = folder / REPEATED / f"{at}.parquet"
        rows = f"SELECT h FROM {_files(folder / HASHES, names)} WHERE {_within(at, n_ranges)}"
        _copy(connection, f"SELECT h FROM ({rows}) GROUP BY h HAVING count(*) > 1 ORDER BY h", place, final)
        return _rows(final)


def compare_part(spec: DatasetSpec, part: Part, columns: LogParts, folder: Path, memory: str) -> int:
    """Write what tells a part's rows of repeated hashes from each other; gives their number. Called on a worker."""
    n_rows = 0
    with attempt(folder) as place, engine(place, memory) as connection:
        own, repeated = _files(folder / HASHES, [part.file_name]), read_parquet(folder / REPEATED)
        query = f"SELECT h FROM {own} WHERE h IN (SELECT h FROM {repeated}) GROUP BY h ORDER BY h"
        wanted = arrays(connection, query)[0]
        with pq.ParquetWriter(place.out / part.file_name, SCHEMA) as writer:
            if len(wanted):
                log = open_part(spec, part, columns, connection, place.scratch)
                for batch in log.raw_batches():
                    piece = pa.Table.from_batches([batch])
                    rows = with_hashes(piece.column(RAW_HASH).to_numpy(), wanted)
                    found = piece.select([RAW_HASH, RECORD]).take(pa.array(rows))
                    keys = pa.array(digests(piece, log.raw_names(), rows), pa.binary(16))
                    number = pa.array(np.full(len(rows), part.number, np.int32))
                    values = [found.column(RAW_HASH), keys, number, found.column(RECORD)]
                    writer.write_table(pa.Table.from_arrays(values, schema=SCHEMA))
                    n_rows += len(rows)
        place.keep(part.file_name, folder / CANDIDATES / part.file_name)
        return n_rows


def number_range(folder: Path, names: Sequence[str], at: int, n_ranges: int, memory: str) -> int:
    """Write the places of all copies in a range of hashes but the first; gives their number. Called on a worker."""
    there = [name for name in names if (folder / CANDIDATES / name).exists()]
    with attempt(folder) as place, engine(place, memory) as connection:
        final, query = (
            folder / EXTRA / f"{at}.parquet",
            "SELECT 0::INT AS part, 0::BIGINT AS record WHERE false",
        )
        if there:
            nth = "row_number() OVER (PARTITION BY h, digest ORDER BY part, record)"
            rows = f"SELECT part, record, {nth} AS nth FROM {_files(folder / CANDIDATES, there)}"
            query = f"SELECT part, record FROM ({rows} WHERE {_within(at, n_ranges)}) WHERE nth > 1 ORDER BY part, record"
        _copy(connection, query, place, final)
        return _rows(final)


def known_copies(folder: Path, part: Part, place: Attempt, memory: str) -> KnownCopies:
    """The extra copies of one part, of what :func:`find_copies` found."""
    with engine(place, memory) as connection:
        query = (
            f"SELECT record FROM {read_parquet(folder / EXTRA)} WHERE part = {part.number} ORDER BY record"
        )
        return KnownCopies(arrays(connection, query)[0])


def _rows(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


def _within(at: int, n_ranges: int) -> str:
    """SQL for whether a hash lies in one of so many equal ranges."""
    first, end = (2**64 * each // n_ranges for each in (at, at + 1))
    return f"h BETWEEN {first}::UBIGINT AND {end - 1}::UBIGINT"


def _files(folder: Path, names: Sequence[str]) -> str:
    listed = ", ".join(literal(str(folder / name)) for name in names)
    return f"read_parquet([{listed}])"


def _copy(connection: duckdb.DuckDBPyConnection, query: str, place: Attempt, final: Path) -> None:
    connection.execute(f"COPY ({query}) TO {literal(str(place.out / final.name))} (FORMAT parquet)")
    place.keep(final.name, final)
