"""Read grouped blocks: one by one where they lie, or all together where they fit one machine."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from data_contracts.columns import USER_ID
from data_contracts.errors import DamagedError
from data_contracts.grouped_blocks import ARRAYS_OF_BLOCK, BLOCKS_FILE, USERS_OF_BLOCK, GroupedBlocks
from data_contracts.interactions import Csr, GroupedMatrix, ItemTimeline
from tasks.numeric.transpose import transpose
from tasks.preparation.matrix_files import open_array
from tasks.runtime.files import read_json


def read_blocks(folder: Path) -> GroupedBlocks:
    """The list of the blocks of a folder.

    Raises
    ------
    DamagedError
        Naming the file and what is wrong in it.

    """
    path = folder / BLOCKS_FILE
    try:
        return GroupedBlocks.model_validate(read_json(path))
    except ValidationError as error:
        problems = "; ".join(each["msg"] for each in error.errors(include_url=False))
        raise DamagedError(f"{path} is no list of grouped blocks: {problems}") from error


def open_block(folder: Path, name: str, n_items: int) -> Csr:
    """The rows of one block, memory-mapped: local user codes by item codes."""
    indptr, indices, values = (open_array(folder / name / f"{part}.npy") for part in ARRAYS_OF_BLOCK)
    return Csr(indptr, indices, values, n_items)


def users_of(folder: Path, names: Sequence[str]) -> pa.ChunkedArray:
    """User ids of some blocks, in the order of their codes; large_string."""
    read = [pq.read_table(folder / name / USERS_OF_BLOCK).column(USER_ID) for name in names]
    return pa.chunked_array([chunk for column in read for chunk in column.chunks], pa.large_string())


def whole_matrix(folder: Path) -> GroupedMatrix:
    """All blocks as the grouped matrix that a model is fitted to; in memory."""
    listed = read_blocks(folder)
    rows = [open_block(folder, block.name, listed.n_items) for block in listed.blocks]
    starts = np.cumsum([0, *(each.nnz for each in rows)])
    indptr = np.concatenate(
        [np.zeros(1, np.int64), *(each.indptr[1:] + start for each, start in zip(rows, starts, strict=False))]
    )
    indices, values = (
        np.concatenate([getattr(each, part) for each in rows]) for part in ("indices", "values")
    )
    by_user = Csr(indptr, indices, values, listed.n_items)
    users, weights = np.empty(by_user.nnz, np.int32), np.empty(by_user.nnz, np.float32)
    by_item = Csr(transpose(by_user, users, weights), users, weights, listed.n_users)
    return GroupedMatrix(by_user, by_item, _timeline(folder))


def _timeline(folder: Path) -> ItemTimeline | None:
    if not (folder / "timeline_indptr.npy").exists():
        return None
    return ItemTimeline(
        *(open_array(folder / f"timeline_{part}.npy") for part in ("indptr", "ages", "counts"))
    )
