"""Accepted rows divided by their users: a file for each block of users, and one for rows without a user.

Every part is cut into row groups, one for each block, in a file of its own; then each block gathers its row groups of all
parts, in the order of the parts. What is in a block depends on the ids alone, and its bytes on the log alone.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.columns import EVENT_TYPE, ITEM_ID, USER_ID
from data_contracts.errors import ContractError
from data_contracts.grouped_blocks import MAX_BLOCKS, name_of_block
from tasks.cluster.calls import Workers
from tasks.cluster.workplace import attempt, clear
from tasks.ingestion.event_writer import ROW_GROUP
from tasks.numeric.checksums import crc32_each
from tasks.runtime.files import sha256_of

CHUNK_ROWS = 1_000_000
"""Rows that are divided at once; that many are in memory."""
ROWS_OF_A_BLOCK = 1_250_000
"""Rows that a block holds where the number of blocks is not given."""
FEWEST_BLOCKS = 4
NOBODY = "anonymous"
"""Rows without a user, as a block is named."""
CUT = "cut"
"""Folder of the parts cut into row groups, until all blocks were gathered."""


@dataclass(frozen=True)
class CutPart:
    """A part whose row groups go through the blocks over and over, the last of each round being rows without a user."""

    name: str
    rows: tuple[int, ...]
    """Rows of each block, and of nobody."""


class UserBlock(NamedTuple):
    """Rows of some users."""

    name: str
    rows: int
    sha256: str


def blocks_for(rows: int) -> int:
    """Number of blocks where none is given: by the rows, not by who reads them."""
    return min(MAX_BLOCKS, max(FEWEST_BLOCKS, -(-rows // ROWS_OF_A_BLOCK)))


def names_of(n_blocks: int) -> list[str]:
    """Names of the blocks, and of the rows without a user, the last one."""
    return [*map(name_of_block, range(n_blocks)), NOBODY]


def cut_part(events: Path, n_blocks: int, out: Path) -> CutPart:
    """Cut accepted rows into row groups, one a block and chunk. Called on a worker."""
    counted = np.zeros(n_blocks + 1, np.int64)
    with attempt(out) as place, pq.ParquetFile(events) as file:
        with _writer(place.out / events.name, file.schema_arrow) as writer:
            for batch in file.iter_batches(CHUNK_ROWS):
                counted += _write_cut(writer, pa.Table.from_batches([batch]), n_blocks)
        place.keep(events.name, out / CUT / events.name)
    return CutPart(events.name, tuple(map(int, counted)))


def _write_cut(writer: pq.ParquetWriter, rows: pa.Table, n_blocks: int) -> npt.NDArray[np.int64]:
    blocks = _blocks_of(rows.column(USER_ID), n_blocks)
    ordered = rows.take(pa.array(np.argsort(blocks, kind="stable")))
    counts = np.bincount(blocks, minlength=n_blocks + 1)
    starts = np.cumsum(counts) - counts
    for start, n_rows in zip(starts.tolist(), counts.tolist(), strict=True):
        writer.write_table(ordered.slice(start, n_rows), row_group_size=CHUNK_ROWS)
    return counts


def _blocks_of(user_ids: pa.ChunkedArray, n_blocks: int) -> npt.NDArray[np.int64]:
    """Block of each row, that of :func:`data_contracts.grouped_blocks.block_of`; rows without a user come after all."""
    ids = user_ids.combine_chunks().cast(pa.large_string())
    _, offsets, text = ids.buffers()
    starts = np.frombuffer(offsets, np.int64)[ids.offset : ids.offset + len(ids) + 1]
    checksums = crc32_each(starts, np.frombuffer(text or b"", np.uint8))
    return np.where(ids.is_null(), n_blocks, checksums % n_blocks)


def gather_block(cut: Path, parts: Sequence[str], block: int, n_blocks: int, out: Path) -> UserBlock:
    """Write the rows of one block, from its row groups of all parts. Called on a worker."""
    name = names_of(n_blocks)[block]
    rows = 0
    with attempt(out) as place:
        with pq.ParquetFile(cut / parts[0]) as first:
            schema = first.schema_arrow
        with _writer(place.out / name, schema) as writer:
            for piece in _row_groups([cut / part for part in parts], block, n_blocks):
                writer.write_table(piece, row_group_size=ROW_GROUP)
                rows += piece.num_rows
        final = place.keep(name, out / f"{name}.parquet")
        return UserBlock(name, rows, sha256_of(final))


def _row_groups(paths: Sequence[Path], block: int, n_blocks: int) -> Iterator[pa.Table]:
    """Row groups of one block, put together up to the size of those that are written."""
    waiting: list[pa.Table] = []
    held = 0
    for path in paths:
        with pq.ParquetFile(path) as file:
            for at in range(block, file.num_row_groups, n_blocks + 1):
                waiting.append(file.read_row_group(at))
                held += waiting[-1].num_rows
                if held >= ROW_GROUP:
                    yield pa.concat_tables(waiting)
                    waiting, held = [], 0
    if held:
        yield pa.concat_tables(waiting)


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    few = [name for name in (ITEM_ID, EVENT_TYPE) if name in schema.names]
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=few)


def divide_rows(
    events: Sequence[tuple[Path, int]], n_blocks: int, out: Path, workers: Workers, label: str = ""
) -> list[UserBlock]:
    """Divide accepted rows by their users.

    Parameters
    ----------
    events
        Paths and rows of the parts, in the order of the log.
    n_blocks
        How many blocks of users.
    out
        Existing folder that all workers see; gets ``b=NNN.parquet`` and ``anonymous.parquet``.
    workers
        Who does it.
    label
        Of the step.

    Returns
    -------
    The blocks, rows without a user last.

    Raises
    ------
    ContractError
        If a row was lost or written twice.

    """
    parts = workers.each(cut_part, [(path, n_blocks, out) for path, _ in events], label)
    for part, (path, rows) in zip(parts, events, strict=True):
        _same(rows, sum(part.rows), f"{path.name}, cut by user,")
    names = [part.name for part in parts]
    calls = [(out / CUT, names, block, n_blocks, out) for block in range(n_blocks + 1)]
    blocks = workers.each(gather_block, calls, label)
    for at, block in enumerate(blocks):
        _same(sum(part.rows[at] for part in parts), block.rows, f"block {block.name}")
    _same(sum(rows for _, rows in events), sum(block.rows for block in blocks), "the blocks together")
    clear(out)
    shutil.rmtree(out / CUT)
    return blocks


def _same(expected: int, got: int, what: str) -> None:
    if expected != got:
        raise ContractError(
            f"{what} has {got:,} rows; {expected:,} were given to it: nothing is made of them; run again, and report "
            "it if it happens twice"
        )
