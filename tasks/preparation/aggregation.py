"""From coded events to sorted rows: the items' timeline, the pairs by user, the users' histories."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data_contracts.dataset_sections import GroupingSection
from tasks.numeric.counting_sort import SUM, Int32, Int64, UInt32, merge_runs, sort_by, sort_rows_oldest_first
from tasks.preparation.encoding import AGES, DAYS, ITEMS, SHARES, USERS, WEIGHTS, EncodedEvents
from tasks.preparation.select_events import ROW
from tasks.preparation.weights import MERGES


def write_rows(events: EncodedEvents, out: Path, grouping: GroupingSection) -> int:
    """Write timeline_*.npy, by_user_*.npy and history_*.npy; returns how many events have no known user."""
    items, days = events.column(ITEMS), events.column(DAYS)
    order = sort_by(days, int(days.max(initial=0)) + 1)[0] if events.timed else None
    order, starts = sort_by(items, events.n_items, order)
    with ThreadPoolExecutor(1) as other_core:
        rows = (starts, order, days)
        timeline = other_core.submit(_write_timeline, out, rows) if events.timed else None
        anonymous = _write_users(events, out, grouping, order)
        if timeline:
            timeline.result()
    return anonymous


def _write_timeline(out: Path, rows: tuple[Int64, UInt32, Int32]) -> None:
    keys = np.empty(len(rows[1]), np.int32)
    _write_merged(out, "timeline", ("ages", "counts"), rows, keys, np.empty(0), SUM)


def _write_users(events: EncodedEvents, out: Path, grouping: GroupingSection, order: UInt32) -> int:
    users, items = events.column(USERS), events.column(ITEMS)
    if ROW in events.names:  # where times are equal, the file's order decides
        order, _ = sort_by(items, events.n_items, _file_order(events))
    order, starts = sort_by(users, events.n_users + 1, order)
    starts = starts[1:]  # what comes before belongs to nobody
    if AGES in events.names:
        by_item = order.copy()
        sort_rows_oldest_first(starts, order, events.column(AGES))
        if events.timed and grouping.history:
            _write_history(out, starts, order, events)
        if grouping.merge == "last":
            order, _ = sort_by(items, events.n_items, order)
            by_item, _ = sort_by(users, events.n_users + 1, order)
        order = by_item
    keys = order.view(np.int32)  # merging leaves behind what it has read
    rows, shares = (starts, order, items), events.column(SHARES)
    _write_merged(out, "by_user", ("indices", "values"), rows, keys, shares, MERGES[grouping.merge])
    return int(starts[0])


def _file_order(events: EncodedEvents) -> UInt32:
    # Stable sorting is quick here: the rows arrive in long sorted stretches.
    return np.argsort(events.column(ROW), kind="stable").astype(np.uint32)


def _write_merged(
    out: Path,
    name: str,
    parts: tuple[str, str],
    rows: tuple[Int64, UInt32, Int32],
    merged_keys: Int32,
    values: npt.NDArray[np.float64],
    how: int,
) -> None:
    """Merge each row's neighbours of one key, using `merged_keys` for the result."""
    starts, order, keys = rows
    merged = np.empty(len(order), np.float32)
    indptr = merge_runs(starts, order, keys, values, how, merged_keys, merged)
    np.save(out / f"{name}_indptr.npy", indptr)
    for part, array in zip(parts, (merged_keys, merged), strict=True):
        np.save(out / f"{name}_{part}.npy", array[: indptr[-1]])


def _write_history(out: Path, starts: Int64, order: UInt32, events: EncodedEvents) -> None:
    order = order[starts[0] :]
    np.save(out / "history_indptr.npy", starts - starts[0])
    np.save(out / "history_items.npy", events.column(ITEMS)[order])
    np.save(out / "history_ages.npy", events.column(AGES)[order].astype(np.float32))
    weighed = WEIGHTS in events.names
    values = events.column(WEIGHTS)[order] if weighed else np.ones(len(order), np.float32)
    np.save(out / "history_values.npy", values)
