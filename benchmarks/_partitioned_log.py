"""A synthetic log of any size as a folder of Parquet files, made file by file in little memory; made once, then reused."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks._event_log import (
    CHUNK,
    ITEM,
    SHARE_OF_BAD_VALUES,
    SHARE_WITHOUT_USER,
    TIME,
    USER,
    VALUE,
    ZIPF_SHIFT,
    cache_folder,
)

EVENTS_A_FILE = 10_000_000
EVENTS_A_USER = 8
SCHEMA = pa.schema(
    [(USER, pa.string()), (ITEM, pa.string()), (TIME, pa.timestamp("us")), (VALUE, pa.int32())]
)


def partitioned_log(n_events: int, n_items: int, seed: int = 0) -> Path:
    """Return the folder of a log, written before the first time.

    As :func:`benchmarks._event_log.event_log`, with a user for every EVENTS_A_USER events, and ids that are computed
    instead of kept, so that making it takes no memory that grows with it.
    """
    folder = cache_folder() / f"parts-{n_events}-{n_items}-{seed}"
    unfinished = folder.with_suffix(".part")
    if folder.exists():
        return folder
    unfinished.mkdir(exist_ok=True)
    popularity = np.cumsum(1 / (np.arange(n_items) + ZIPF_SHIFT))
    for number, first in enumerate(range(0, n_events, EVENTS_A_FILE)):
        rng = np.random.default_rng([seed, number])
        end = min(n_events, first + EVENTS_A_FILE)
        with pq.ParquetWriter(unfinished / f"{number:04d}.parquet", SCHEMA, compression="zstd") as writer:
            for start in range(first, end, CHUNK):
                size = min(CHUNK, end - start)
                writer.write_table(_rows(size, n_events // EVENTS_A_USER, popularity, rng))
    unfinished.replace(folder)
    return folder


def _rows(size: int, n_users: int, popularity: npt.NDArray[np.float64], rng: np.random.Generator) -> pa.Table:
    nameless = rng.random(size) < SHARE_WITHOUT_USER
    seconds = rng.integers(0, 365 * 86400, size) + 1_704_067_200
    values = rng.integers(1, 6, size, dtype=np.int32)
    values[rng.random(size) < SHARE_OF_BAD_VALUES] = -1
    columns = [
        _ids("c", rng.integers(0, n_users, size), 10, nameless),
        _ids("p", np.searchsorted(popularity, rng.random(size) * popularity[-1], side="right"), 6),
        pa.array(seconds * 1_000_000, pa.timestamp("us")),
        pa.array(values),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _ids(
    letter: str, codes: npt.NDArray[np.int64], width: int, missing: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """Ids of codes, their digits in another order than the codes: a log's first users are not its first ids."""
    # 7,368,787 shares no factor with a power of ten, so different codes stay different.
    scattered = codes * 7_368_787 % 10**width
    digits = pc.utf8_lpad(pa.array(scattered, mask=missing).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(letter, digits, "")
