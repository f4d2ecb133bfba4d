"""How often each item was taken on which day, of all blocks together."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tasks.cluster.whole import TIMELINE

TIMELINES = "timelines"
"""Folder of what each block adds to the items' timeline, until it is added up."""
LONGEST = 2**31
"""Days: more than an age can be."""


def add_up_timelines(out: Path, names: Sequence[str], n_items: int) -> None:
    """Add up the timelines of all blocks, where the events have times: timeline_*.npy, as one machine writes it."""
    if not (out / TIMELINES).exists():
        return
    keys: npt.NDArray[np.int64] = np.empty(0, np.int64)
    counts: npt.NDArray[np.float64] = np.empty(0)
    for name in names:
        indptr, ages, more = (np.load(out / TIMELINES / name / f"{part}.npy") for part in TIMELINE)
        owners = np.repeat(np.arange(n_items, dtype=np.int64), np.diff(indptr))
        both = np.concatenate((keys, owners * LONGEST + ages))
        keys, at = np.unique(both, return_inverse=True)
        counts = np.bincount(at, np.concatenate((counts, more)), len(keys)).astype(np.float64, copy=False)
    starts = np.searchsorted(keys, np.arange(n_items + 1, dtype=np.int64) * LONGEST)
    np.save(out / "timeline_indptr.npy", starts.astype(np.int64))
    np.save(out / "timeline_ages.npy", (keys % LONGEST).astype(np.int32))
    np.save(out / "timeline_counts.npy", counts.astype(np.float32))
    shutil.rmtree(out / TIMELINES)
