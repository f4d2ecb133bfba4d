"""The rejected rows of a log, whole, with every reason that applies."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts import columns
from tasks.ingestion.reader import FILE_NUMBER, RECORD, Log
from tasks.validation.row_rules import Bits

_PART = "quarantine.part.parquet"


class Quarantine:
    """Collects rejected rows in `scratch` and writes them when all files were read.

    Only then are the unreadable lines of a CSV known, and with them the true row numbers of the rows after.

    Parameters
    ----------
    log
        What is read.
    scratch
        Folder for the rows until then.

    """

    def __init__(self, log: Log, scratch: Path) -> None:
        self.log = log
        self.part = scratch / _PART
        self._names = _own_names(log.names)
        fields = [pa.field(name, pa.large_string()) for name in self._names]
        where = [pa.field(FILE_NUMBER, pa.int32()), pa.field(RECORD, pa.int64())]
        reasons = pa.field(columns.REASONS, pa.list_(pa.string()))
        self._part_schema = pa.schema([*fields, *where, reasons])
        self._writer = pq.ParquetWriter(self.part, self._part_schema, compression="zstd")

    def add(self, rows: pa.Table, bits: Bits, names: Callable[[int], list[str]]) -> None:
        """Keep the rows of a batch that were rejected, with their reasons."""
        if not rows.num_rows:
            return
        # Few combinations of reasons cover millions of rows.
        different, at = np.unique(bits, return_inverse=True)
        lists = pa.array([names(int(one)) for one in different], type=pa.list_(pa.string()))
        values = [_as_text(rows.column(name)) for name in self.log.raw_names()]
        where = [rows.column(FILE_NUMBER), rows.column(RECORD)]
        self._writer.write_table(
            pa.Table.from_arrays([*values, *where, lists.take(pa.array(at))], schema=self._part_schema)
        )

    def close(self) -> None:
        """Stop collecting, whatever happened."""
        self._writer.close()

    def write(self, path: Path) -> None:
        """Write all rejected rows and unreadable lines to a Parquet file, by file and row."""
        self.close()
        fields = [pa.field(name, pa.large_string()) for name in self._names]
        schema = pa.schema(
            [
                *fields,
                pa.field(columns.RAW_LINE, pa.large_string()),
                pa.field(columns.SOURCE_FILE, pa.string()),
                pa.field(columns.ROW_NUMBER, pa.int64()),
                pa.field(columns.REASONS, pa.list_(pa.string())),
            ]
        )
        with pq.ParquetWriter(path, schema, compression="zstd") as out:
            for table in self._rows():
                out.write_table(table.cast(schema))
        self.part.unlink()

    def _rows(self) -> Iterator[pa.Table]:
        with pq.ParquetFile(self.part) as parts:
            for batch in parts.iter_batches():
                yield self._placed(pa.Table.from_batches([batch]))
        for number, lines in self.log.unreadable.items():
            if lines:
                yield self._lines(number, lines)

    def _placed(self, rows: pa.Table) -> pa.Table:
        """Replace the numbers of file and readable row by the file's name and the row in it."""
        numbers, records = (rows.column(name).to_numpy() for name in (FILE_NUMBER, RECORD))
        placed = records.copy()
        for number in np.unique(numbers):
            placed[numbers == number] = self.log.row_numbers(int(number), records[numbers == number])
        files = pa.array([path.name for path, _ in self.log.files], type=pa.string())
        found: dict[str, Any] = {name: rows.column(name) for name in self._names}
        found[columns.RAW_LINE] = pa.nulls(rows.num_rows, pa.large_string())
        found[columns.SOURCE_FILE] = files.take(pa.array(numbers))
        found[columns.ROW_NUMBER] = pa.array(placed)
        found[columns.REASONS] = rows.column(columns.REASONS)
        return pa.table(found)

    def _lines(self, number: int, lines: list[tuple[int, str, str]]) -> pa.Table:
        found: dict[str, Any] = {name: pa.nulls(len(lines), pa.large_string()) for name in self._names}
        found[columns.RAW_LINE] = pa.array([text for _, _, text in lines], type=pa.large_string())
        found[columns.SOURCE_FILE] = pa.array([self.log.files[number][0].name] * len(lines))
        found[columns.ROW_NUMBER] = pa.array([record for record, _, _ in lines], type=pa.int64())
        found[columns.REASONS] = pa.array([[reason] for _, reason, _ in lines])
        return pa.table(found)


def _own_names(names: tuple[str, ...]) -> list[str]:
    """Source columns under their own names, but for those that our columns need."""
    ours = {columns.RAW_LINE, columns.SOURCE_FILE, columns.ROW_NUMBER, columns.REASONS, FILE_NUMBER, RECORD}
    return [f"{name} (source)" if name in ours else name for name in names]


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(column, pa.large_string())
