"""From coded events to sorted rows: the items' timeline, the pairs by user, the users' histories."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data_contracts.dataset_sections import GroupingSection
from tasks.numeric.counting_sort import (
    LAST,
    SUM,
    Int32,
    Int64,
    UInt32,
    draw_order_of_moments,
    merge_runs,
    sort_by,
    sort_rows_oldest_first,
)
from tasks.preparation.baskets import order_by_basket
from tasks.preparation.encoding import (
    AGES,
    BASKETS,
    COUNTED,
    DAYS,
    ITEMS,
    SHARES,
    TARGETS,
    USERS,
    WEIGHTS,
    EncodedEvents,
)
from tasks.preparation.weights import MERGES


def write_rows(events: EncodedEvents, out: Path, grouping: GroupingSection) -> int:
    """Write timeline_*.npy, by_user_*.npy and history_*.npy; returns how many events have no known user.

    Where baskets were encoded, basket_history_*.npy holds the histories once more, basket by basket: a
    model that asks for no baskets must not change with what others ask for.
    """
    items, days = events.column(ITEMS), events.column(DAYS)
    order = sort_by(days, int(days.max(initial=0)) + 1)[0] if events.timed else None
    order, starts = sort_by(items, events.n_items, order)
    with ThreadPoolExecutor(1) as other_core:
        rows, counted = (starts, order, days), events.column(COUNTED)
        timeline = other_core.submit(_write_timeline, out, rows, counted) if events.timed else None
        anonymous = _write_users(events, out, grouping, order)
        if timeline:
            timeline.result()
    return anonymous


def _write_timeline(out: Path, rows: tuple[Int64, UInt32, Int32], counted: npt.NDArray[np.float64]) -> None:
    keys = np.empty(len(rows[1]), np.int32)
    _write_merged(out, "timeline", ("ages", "counts"), rows, keys, counted, SUM)


def _write_users(events: EncodedEvents, out: Path, grouping: GroupingSection, order: UInt32) -> int:
    users, items = events.column(USERS), events.column(ITEMS)
    if AGES in events.names and COUNTED in events.names:  # where times are equal, the weights decide
        order, _ = sort_by(items, events.n_items, _by_weight(events))
    order, starts = sort_by(users, events.n_users + 1, order)
    starts = starts[1:]  # what comes before belongs to nobody
    if AGES in events.names:
        by_item = order.copy()
        sort_rows_oldest_first(starts, order, events.column(AGES))
        if events.timed and grouping.history:
            draw_order_of_moments(starts, order, items, events.column(AGES))
            _write_histories(out, starts, order, events)
        order = _pairs_oldest_first(events, order) if grouping.merge == "last" else by_item
    _write_pairs(out, "by_user", starts, order, events, MERGES[grouping.merge])
    return int(starts[0])


def write_last_values(events: EncodedEvents, out: Path, name: str) -> None:
    """Write NAME_*.npy: for each pair of a known user and an item what its last event brings."""
    order, starts = sort_by(events.column(USERS), events.n_users + 1, _by_weight(events))
    starts = starts[1:]
    sort_rows_oldest_first(starts, order, events.column(AGES))
    _write_pairs(out, name, starts, _pairs_oldest_first(events, order), events, LAST)


def _pairs_oldest_first(events: EncodedEvents, order: UInt32) -> UInt32:
    """Order by user, item and age, from an order by user and age."""
    order, _ = sort_by(events.column(ITEMS), events.n_items, order)
    return sort_by(events.column(USERS), events.n_users + 1, order)[0]


def _write_pairs(out: Path, name: str, starts: Int64, order: UInt32, events: EncodedEvents, how: int) -> None:
    keys = order.view(np.int32)  # merging leaves behind what it has read
    rows, shares = (starts, order, events.column(ITEMS)), events.column(SHARES)
    _write_merged(out, name, ("indices", "values"), rows, keys, shares, how)


def _by_weight(events: EncodedEvents) -> UInt32:
    # Not by the file's rows: the same rows in another order are the same log. What still ties is the same.
    return np.argsort(events.column(WEIGHTS if WEIGHTS in events.names else SHARES)).astype(np.uint32)


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


def _write_histories(out: Path, starts: Int64, order: UInt32, events: EncodedEvents) -> None:
    starts, positions = starts - starts[0], order[starts[0] :]
    _write_history(out, "history", starts, positions, events)
    if BASKETS in events.names:
        found = order_by_basket(starts, positions, events.column(BASKETS), events.column(AGES))
        _write_history(out, "basket_history", starts, found.positions, events)
        np.save(out / "basket_history_baskets.npy", found.numbers)


def _write_history(out: Path, name: str, starts: Int64, positions: UInt32, events: EncodedEvents) -> None:
    np.save(out / f"{name}_indptr.npy", starts)
    np.save(out / f"{name}_items.npy", events.column(ITEMS)[positions])
    np.save(out / f"{name}_ages.npy", events.column(AGES)[positions].astype(np.float32))
    weighed = WEIGHTS in events.names
    values = events.column(WEIGHTS)[positions] if weighed else np.ones(len(positions), np.float32)
    np.save(out / f"{name}_values.npy", values)
    if TARGETS in events.names:
        np.save(out / f"{name}_targets.npy", events.column(TARGETS)[positions].astype(np.bool_))
