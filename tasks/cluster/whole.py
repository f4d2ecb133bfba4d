"""All blocks together, where they fit one machine: the grouped matrix that a model is fitted to there."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.interactions import Csr, GroupedMatrix, ItemTimeline
from tasks.cluster.blocks import BlockFolder, read_rows, read_users
from tasks.numeric.transpose import transpose
from tasks.preparation.matrix_files import open_array

TIMELINE = ("indptr", "ages", "counts")
"""Arrays of the items' timeline, each a file ``timeline_PART.npy`` beside ``blocks.json`` where events have times."""


def whole_users(folder: Path) -> pa.Array:
    """User ids in the order of their codes, which is that of the blocks; large_string."""
    return pa.concat_arrays([read_users(folder, block) for block in BlockFolder.open(folder).blocks])


def whole_matrix(folder: Path) -> GroupedMatrix:
    """Both views, in memory, and the items' timeline where there is one."""
    listed = BlockFolder.open(folder).manifest
    rows = [read_rows(folder, block, listed.n_items) for block in listed.blocks]
    by_user = _stacked(rows, listed.n_items)
    users, weights = np.empty(by_user.nnz, np.int32), np.empty(by_user.nnz, np.float32)
    indptr = transpose(by_user, users, weights)
    return GroupedMatrix(by_user, Csr(indptr, users, weights, listed.n_users), _timeline(folder))


def item_events(folder: Path, half_life_days: float | None) -> npt.NDArray[np.float64] | None:
    """Weight of the events of each item, float64 (n_items,), halved every `half_life_days`; None without times."""
    timeline = _timeline(folder)
    return None if timeline is None else timeline.decayed(half_life_days)


def _stacked(rows: Sequence[Csr], n_items: int) -> Csr:
    starts = np.cumsum([0, *(each.nnz for each in rows)])
    indptrs = [each.indptr[1:] + start for each, start in zip(rows, starts, strict=False)]
    return Csr(
        np.concatenate([np.zeros(1, np.int64), *indptrs]),
        np.concatenate([each.indices for each in rows]),
        np.concatenate([each.values for each in rows]),
        n_items,
    )


def _timeline(folder: Path) -> ItemTimeline | None:
    if not (folder / "timeline_indptr.npy").exists():
        return None
    return ItemTimeline(*(open_array(folder / f"timeline_{part}.npy") for part in TIMELINE))
