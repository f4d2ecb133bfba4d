"""Copies of a publication's tables as CSV, JSON Lines or Parquet, each there whole or not at all."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.files import replace_file

FileFormat = Literal["csv", "jsonl", "parquet"]

CHUNK_ROWS = 50_000
"""Rows that are in memory at once."""


def write_copy(source: Path, target: Path, form: FileFormat, *, chunk_rows: int = CHUNK_ROWS) -> int:
    """Write a table in another format, replacing an existing file atomically.

    Parameters
    ----------
    source
        A Parquet file of a publication.
    target
        The file; its folder is made.
    form
        ``csv`` (RFC 4180: UTF-8, a header, CR LF), ``jsonl`` (one object per line) or ``parquet`` (the same
        bytes).
    chunk_rows
        Rows that are in memory at once.

    Returns
    -------
    Rows written.

    """
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, lambda temporary: _WRITERS[form](source, temporary, chunk_rows))
    return int(pq.read_metadata(source).num_rows)


def plain_batches(source: Path, chunk_rows: int) -> Iterator[pa.RecordBatch]:
    """Stream a table; float32 values become the float64 values with the same shortest decimal form."""
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(chunk_rows):
            arrays = [
                array.cast(pa.string()).cast(pa.float64()) if pa.types.is_float32(array.type) else array
                for array in batch.columns
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _write_csv(source: Path, target: Path, chunk_rows: int) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(pq.read_schema(source).names)
        for batch in plain_batches(source, chunk_rows):
            writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _write_jsonl(source: Path, target: Path, chunk_rows: int) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        for batch in plain_batches(source, chunk_rows):
            file.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in batch.to_pylist())


def _write_parquet(source: Path, target: Path, _chunk_rows: int) -> None:
    shutil.copyfile(source, target)


_WRITERS: Final[dict[FileFormat, Callable[[Path, Path, int], Any]]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
}
