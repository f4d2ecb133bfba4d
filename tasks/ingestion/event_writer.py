"""Writes the accepted rows of a log."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts import columns

ROW_GROUP = 250_000


@dataclass
class EventCounts:
    """What was written, of one file of events or of several."""

    rows: int = 0
    anonymous: int = 0
    null_items: int = 0
    null_times: int = 0
    bad_values: int = 0
    with_times: bool = False
    """Whether the log has times at all."""
    first: datetime | None = None
    last: datetime | None = None

    def see(self, first: datetime | None, last: datetime | None) -> None:
        """Widen the range of times."""
        self.first = min(filter(None, (self.first, first)), default=None)
        self.last = max(filter(None, (self.last, last)), default=None)

    def add(self, other: "EventCounts") -> None:
        """Add what another file holds."""
        for name in ("rows", "anonymous", "null_items", "null_times", "bad_values"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.with_times = self.with_times or other.with_times
        self.see(other.first, other.last)

    def facts(self, expected: int) -> dict[str, int]:
        """Facts of the table, for its contract."""
        return {
            "rows": self.rows,
            "null_items": self.null_items,
            "null_times": self.null_times if self.with_times else 0,
            "bad_values": self.bad_values,
            "rows_lost": expected - self.rows,
        }


class EventWriter:
    """Writes ``events.parquet`` and counts what it writes."""

    def __init__(self, path: Path, *, with_baskets: bool, with_types: bool = False) -> None:
        self.schema = pa.schema(
            [
                pa.field(columns.USER_ID, pa.large_string()),
                pa.field(columns.ITEM_ID, pa.large_string()),
                pa.field(columns.EVENT_TIME, pa.timestamp("us", tz="UTC")),
                pa.field(columns.VALUE, pa.float32()),
                *([pa.field(columns.BASKET_ID, pa.large_string())] if with_baskets else []),
                *([pa.field(columns.EVENT_TYPE, pa.large_string())] if with_types else []),
            ]
        )
        # Few items and types, so a dictionary; users and times would only pay for building one.
        self._writer = pq.ParquetWriter(
            path,
            self.schema,
            compression="zstd",
            use_dictionary=[columns.ITEM_ID, *([columns.EVENT_TYPE] if with_types else [])],
        )
        self.counts = EventCounts()

    def write(self, accepted: pa.Table) -> None:
        """Append accepted rows."""
        found = {name: accepted.column(name) for name in self.schema.names if name in accepted.column_names}
        self.counts.with_times = columns.EVENT_TIME in found
        if self.counts.with_times:
            found[columns.EVENT_TIME] = found[columns.EVENT_TIME].cast(pa.timestamp("us"), safe=False)
            bounds = pc.min_max(found[columns.EVENT_TIME]).as_py()
            self.counts.see(bounds["min"], bounds["max"])
        else:
            found[columns.EVENT_TIME] = pa.nulls(accepted.num_rows, pa.timestamp("us"))
        table = pa.Table.from_arrays(
            [found[name].cast(self.schema.field(name).type) for name in self.schema.names], schema=self.schema
        )
        self._count(table)
        self._writer.write_table(table, row_group_size=ROW_GROUP)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def _count(self, table: pa.Table) -> None:
        finite = pc.sum(pc.is_finite(table.column(columns.VALUE))).as_py() or 0
        self.counts.rows += table.num_rows
        self.counts.anonymous += table.column(columns.USER_ID).null_count
        self.counts.null_items += table.column(columns.ITEM_ID).null_count
        self.counts.null_times += table.column(columns.EVENT_TIME).null_count
        self.counts.bad_values += table.num_rows - finite
