"""Some of the rejected rows of a log, as they stand in it, for the report."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.columns import RAW_LINE, REASONS, ROW_NUMBER, SOURCE_FILE

N_COLUMNS = 12
"""Columns of a row that are shown: the first that hold something."""
BATCH = 20_000


class RejectedRow(NamedTuple):
    """One row of the quarantine."""

    reason: str
    """One of its reasons, for which it is shown."""
    file: str
    row: int
    """Number of the row in the file, the first one below the header is 1."""
    cells: tuple[tuple[str, str], ...]
    """Names and texts of its columns; of a line that could not be read, the line under an empty name."""
    n_more: int
    """Columns that hold something and are not shown."""


def rejected_rows(quarantine: Path, reasons: Collection[str], per_reason: int) -> list[RejectedRow]:
    """The first rows for each reason, in the order of the reasons.

    Parameters
    ----------
    quarantine
        ``quarantine.parquet`` of an ingestion; one that is not there has no rows.
    reasons
        Reasons that are shown. A row of several is shown once, for the first that wants more.
    per_reason
        Rows of each at most.

    """
    found: dict[str, list[RejectedRow]] = {reason: [] for reason in reasons}
    if not per_reason or not found or not quarantine.exists():
        return []
    with pq.ParquetFile(quarantine) as file:
        for batch in file.iter_batches(BATCH):
            _add(found, batch, per_reason)
            if all(len(rows) >= per_reason for rows in found.values()):
                break
    return [row for rows in found.values() for row in rows]


def _add(found: dict[str, list[RejectedRow]], batch: pa.RecordBatch, per_reason: int) -> None:
    lists = batch.column(REASONS)
    owners = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    names, used = pc.list_flatten(lists), set[int]()
    for reason, rows in found.items():
        if len(rows) >= per_reason:
            continue
        there = owners[np.asarray(pc.equal(names, reason).to_numpy(zero_copy_only=False), np.bool_)]
        for at in (int(each) for each in there if int(each) not in used):
            if len(rows) >= per_reason:
                break
            used.add(at)
            rows.append(_row(reason, batch.slice(at, 1).to_pylist()[0]))


def _row(reason: str, row: dict[str, object]) -> RejectedRow:
    file, number, line = (row.pop(name) for name in (SOURCE_FILE, ROW_NUMBER, RAW_LINE))
    row.pop(REASONS)
    cells = [(name, str(value)) for name, value in row.items() if value not in {None, ""}]
    if line is not None:
        cells = [("", str(line))]
    shown = tuple(cells[:N_COLUMNS])
    return RejectedRow(reason, str(file), int(str(number)), shown, len(cells) - len(shown))
