"""From coded events to sorted rows: the items' timeline, the pairs by user, the users' histories."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data_contracts.dataset_sections import GroupingSection
from tasks.coding import AGES, DAYS, ITEMS, SHARES, USERS, WEIGHTS, CodedEvents
from tasks.numeric.counting_sort import SUM, Int32, Int64, UInt32, merge_runs, sort_by, sort_rows_oldest_first
from tasks.selecting import ROW
from tasks.weighting import MERGES


def write_rows(events: CodedEvents, out: Path, grouping: GroupingSection) -> int:
    """Write timeline_*.npy, by_user_*.npy and history_*.npy; returns how many events have no known user."""
    with ThreadPoolExecutor(1) as other_core:
        timeline = other_core.submit(_write_timeline, events, out) if events.timed else None
        anonymous = _write_users(events, out, grouping)
        if timeline:
            timeline.result()
    return anonymous


def _write_timeline(events: CodedEvents, out: Path) -> None:
    days = events.column(DAYS)
    order, _ = sort_by(days, int(days.max(initial=0)) + 1)
    order, starts = sort_by(events.column(ITEMS), events.n_items, order)
    _write_merged(out, "timeline", ("ages", "counts"), (starts, order, days), np.empty(0))


def _write_users(events: CodedEvents, out: Path, grouping: GroupingSection) -> int:
    users, items = events.column(USERS), events.column(ITEMS)
    order = _file_order(events) if ROW in events.names else None  # decides where times are equal
    order, _ = sort_by(items, events.n_items, order)
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
    rows = (starts, order, items)
    _write_merged(out, "by_user", ("indices", "values"), rows, events.column(SHARES), MERGES[grouping.merge])
    return int(starts[0])


def _file_order(events: CodedEvents) -> UInt32:
    # Stable sorting is quick here: the rows arrive in long sorted stretches.
    return np.argsort(events.column(ROW), kind="stable").astype(np.uint32)


def _write_merged(
    out: Path,
    name: str,
    parts: tuple[str, str],
    rows: tuple[Int64, UInt32, Int32],
    values: npt.NDArray[np.float64],
    how: int = SUM,
) -> None:
    """Merge each row's neighbours of one key; the order's memory is used up for it."""
    starts, order, keys = rows
    merged_keys, merged = order.view(np.int32), np.empty(len(order), np.float32)
    indptr = merge_runs(starts, order, keys, values, how, merged_keys, merged)
    np.save(out / f"{name}_indptr.npy", indptr)
    for part, array in zip(parts, (merged_keys, merged), strict=True):
        np.save(out / f"{name}_{part}.npy", array[: indptr[-1]])


def _write_history(out: Path, starts: Int64, order: UInt32, events: CodedEvents) -> None:
    order = order[starts[0] :]
    np.save(out / "history_indptr.npy", starts - starts[0])
    np.save(out / "history_items.npy", events.column(ITEMS)[order])
    np.save(out / "history_ages.npy", events.column(AGES)[order].astype(np.float32))
    weighed = WEIGHTS in events.names
    values = events.column(WEIGHTS)[order] if weighed else np.ones(len(order), np.float32)
    np.save(out / "history_values.npy", values)
