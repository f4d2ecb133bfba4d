"""Free disk space in a home: remove artifacts that were not used for long, and Prefect's records of them."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.publication import run_receipts
from tasks.publication.registry import latest
from tasks.runtime import store
from tasks.runtime.home import at_work_since
from tasks.sources import remote_copies

DAY = 86_400.0
RESULTS = "results"
"""Folder of Prefect's cached results; if one is missing, the artifact store is asked instead."""


@dataclass(frozen=True)
class Entry:
    """One artifact, one of Prefect's results, or the copies of one remote place."""

    kind: str
    """The artifact's step, ``results`` or ``remote files``."""
    path: Path
    size: int
    """Bytes."""
    last_used: float
    """Seconds since 1970."""


def prune(keep_days: int, keep_last: int, *, dry_run: bool) -> list[dict[str, Any]]:
    """Remove what is old and not needed.

    Parameters
    ----------
    keep_days
        What was made or used within so many days is kept.
    keep_last
        So is what the newest runs of each dataset used, so many runs. What a live publication was made
        from and what a living process may need is always kept. Publications are never touched.
    dry_run
        Only count.

    Returns
    -------
    One row per step: entries and megabytes kept and removed.

    """
    store.sweep()
    kept, removed = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    needed = _needed(keep_last)
    for entry in (*_artifacts(), *_results(), *_remote_files()):
        oldest = min(time.time() - keep_days * DAY, at_work_since())
        if entry.last_used >= oldest or entry.path.relative_to(store.home()).as_posix() in needed:
            kept[entry.kind].append(entry.size)
            continue
        removed[entry.kind].append(entry.size)
        if not dry_run:
            _remove(entry.path)
    return [_row(kind, kept[kind], removed[kind]) for kind in sorted({*kept, *removed})]


def _needed(keep_last: int) -> frozenset[str]:
    """Paths of artifacts that the newest runs used, or the runs whose publications are live."""
    datasets = {folder.name for folder in (store.home() / run_receipts.RECEIPTS).glob("*")}
    live = {(name, found.run) for name in datasets if (found := latest(name)) is not None}
    wanted = [
        *run_receipts.newest(keep_last),
        *(each for each in run_receipts.every() if (each.dataset, each.run) in live),
    ]
    return frozenset(path for receipt in wanted for path in receipt.artifacts)


def _artifacts() -> Iterator[Entry]:
    for folder in sorted((store.home() / "artifacts").glob("*/*")):
        if not folder.name.startswith(store.TEMPORARY):
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            yield Entry(folder.parent.name, folder, size, folder.stat().st_mtime)


def _results() -> Iterator[Entry]:
    for path in sorted((store.home() / RESULTS).rglob("*")):
        if path.is_file():
            yield Entry(RESULTS, path, path.stat().st_size, path.stat().st_mtime)


def _remote_files() -> Iterator[Entry]:
    """Copies of what lies in object stores; the run that misses one fetches it again."""
    for place in sorted((store.home() / remote_copies.FOLDER).glob("[0-9a-f]*")):
        size = sum(path.stat().st_size for path in place.glob("objects/*") if path.is_file())
        yield Entry("remote files", place, size, place.stat().st_mtime)


def _remove(path: Path) -> None:
    if path.is_dir():
        store.discard(path)
    else:
        path.unlink(missing_ok=True)


def _row(kind: str, kept: list[int], removed: list[int]) -> dict[str, Any]:
    return {
        "step": kind,
        "kept": len(kept),
        "kept_mb": round(sum(kept) / 1e6, 1),
        "removed": len(removed),
        "removed_mb": round(sum(removed) / 1e6, 1),
    }
