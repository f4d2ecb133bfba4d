"""A synthetic log of any size as Parquet: text ids, Zipf items, a few bad rows; made once, then reused."""

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.columns import EVENT_TIME, ITEM_ID, USER_ID
from data_contracts.columns import VALUE as COLUMN_VALUE

CHUNK = 1_000_000
USER, ITEM, TIME, VALUE = "customer", "product", "time", "quantity"
SHARE_WITHOUT_USER = 0.0005
SHARE_OF_BAD_VALUES = 0.0005
ZIPF_SHIFT = 5.0
"""Flattens the top ranks, so that no item is had by nearly all users."""

DATASET = """
name = "benchmark"
description = "A synthetic log."
[source]
path = "log.parquet"
[columns]
user = "customer"
item = "product"
time = "time"
value = "quantity"
[cleaning]
anonymous = "reject"
[cancellation]
column = "quantity"
below = 0.0
[feedback]
kind = "count"
[grouping]
history = false
[contract]
suite = "raw_events"
[models.recent_popularity]
baseline = true
"""


def cache_folder() -> Path:
    """Folder of the logs that were made; whoever needs the space may delete it."""
    folder = Path(tempfile.gettempdir()) / "shelftalker-benchmarks"
    folder.mkdir(exist_ok=True)
    return folder


def event_log(n_events: int, n_users: int, n_items: int, seed: int = 0) -> Path:
    """Return the path of a log, written before the first time.

    Users are equally likely, which is the hardest case for grouping: hardly two events merge into a pair.
    Items are drawn in proportion to 1 / (rank + ZIPF_SHIFT). Of 10,000 rows 5 lack the user and 5 have a
    value of -1.
    """
    path = cache_folder() / f"log-{n_events}-{n_users}-{n_items}-{seed}.parquet"
    if path.exists():
        return path
    rng = np.random.default_rng(seed)
    users = _ids("c{:09d}", n_users, rng)
    items = _ids("p{:06d}", n_items, rng)
    popularity = np.cumsum(1 / (np.arange(n_items) + ZIPF_SHIFT))
    unfinished = path.with_suffix(".part")
    with pq.ParquetWriter(unfinished, _SCHEMA, compression="zstd") as writer:
        for start in range(0, n_events, CHUNK):
            size = min(CHUNK, n_events - start)
            writer.write_table(_rows(size, users, items, popularity, rng))
    unfinished.replace(path)
    return path


_SCHEMA = pa.schema(
    [(USER, pa.string()), (ITEM, pa.string()), (TIME, pa.timestamp("us")), (VALUE, pa.int32())]
)


def _ids(form: str, n: int, rng: np.random.Generator) -> pa.Array:
    return pa.array([form.format(code) for code in rng.permutation(n * 10)[:n]])


def _rows(
    size: int, users: pa.Array, items: pa.Array, popularity: npt.NDArray[np.float64], rng: np.random.Generator
) -> pa.Table:
    drawn = np.searchsorted(popularity, rng.random(size) * popularity[-1], side="right")
    nameless = rng.random(size) < SHARE_WITHOUT_USER
    seconds = rng.integers(0, 365 * 86400, size) + 1_704_067_200
    values = rng.integers(1, 6, size, dtype=np.int32)
    values[rng.random(size) < SHARE_OF_BAD_VALUES] = -1
    columns = [
        users.take(pa.array(rng.integers(0, len(users), size), mask=nameless)),
        items.take(pa.array(drawn)),
        pa.array(seconds * 1_000_000, pa.timestamp("us")),
        pa.array(values),
    ]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def event_table(n_events: int, n_users: int, n_items: int, folder: Path, seed: int = 0) -> Path:
    """Write the good rows of a log as the ingestion leaves them, into ``folder/events.parquet``."""
    path = folder / "events.parquet"
    names = dict(zip((USER, ITEM, TIME, VALUE), (USER_ID, ITEM_ID, EVENT_TIME, COLUMN_VALUE), strict=True))
    with (
        pq.ParquetFile(event_log(n_events, n_users, n_items, seed)) as log,
        pq.ParquetWriter(path, _EVENTS, compression="zstd", use_dictionary=[ITEM_ID]) as writer,
    ):
        for batch in log.iter_batches(250_000):
            good = pc.and_(batch.column(USER).is_valid(), pc.greater(batch.column(VALUE), 0))
            table = pa.Table.from_batches([batch]).filter(good).rename_columns(names)
            writer.write_table(table.cast(_EVENTS))
    return path


_EVENTS = pa.schema(
    [
        (USER_ID, pa.large_string()),
        (ITEM_ID, pa.large_string()),
        (EVENT_TIME, pa.timestamp("us", "UTC")),
        (COLUMN_VALUE, pa.float32()),
    ]
)
