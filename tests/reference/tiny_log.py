"""A log small enough to check by hand; ids (u-, 10, 11) cannot be mistaken for codes (0, 1)."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

START = datetime(2026, 1, 1, tzinfo=UTC)

#: user, item, day, value, basket
ROWS = [
    ("u-b", "11", 0, 2.0, "A"),
    ("u-b", "10", 0, 1.0, "A"),
    ("u-a", "11", 1, 5.0, "B"),
    (None, "12", 2, 1.0, "C"),
    ("u-b", "11", 3, 4.0, "D"),
    ("u-a", "13", 4, 3.0, "E"),
    ("u-c", "10", 8, 1.0, "F"),
    ("u-a", "11", 8, 1.0, "G"),
    ("u-a", "11", 8, 1.0, "G"),
    ("u-a", "99", 9, 1.0, "G"),
    (None, "10", 9, 1.0, "H"),
]


def write_events(path, rows=ROWS, *, times=True):
    """events.parquet as the ingestion leaves it."""
    columns = list(zip(*rows, strict=True))
    moments = [START + timedelta(days=day, hours=1) if times else None for day in columns[2]]
    table = pa.table(
        {
            "user_id": pa.array(columns[0], pa.string()),
            "item_id": pa.array(columns[1], pa.string()),
            "event_time": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "value": pa.array(columns[3], pa.float32()),
            "basket_id": pa.array(columns[4], pa.string()),
        }
    )
    pq.write_table(table, path)
    return path


def day(number):
    """Midnight of a day of the log."""
    return START + timedelta(days=number)
