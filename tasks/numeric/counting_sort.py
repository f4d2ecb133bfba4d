"""Put events in the order of their codes and ages, and merge what belongs to one pair."""

import numpy as np
import numpy.typing as npt

from tasks.numeric.jit import jit
from tasks.numeric.splitmix import GOLDEN, mix

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt32 = npt.NDArray[np.uint32]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

SUM, LARGEST, LAST = 0, 1, 2
MOST_EVENTS = 2**32 - 1
"""Positions are kept as uint32: half the memory of int64, and most of the time goes into moving them."""


def sort_by(keys: Int32, n_keys: int, order: UInt32 | None = None) -> tuple[UInt32, Int64]:
    """Order positions by a key; positions with equal keys keep the order they come in.

    Sorting by one key after the other, the most important one last, orders by all of them.

    Parameters
    ----------
    keys
        int32 (n,): values 0 .. n_keys - 1.
    n_keys
        How many different keys there may be.
    order
        uint32 (n,): every position once, as an earlier call left them; None = as they are.

    Returns
    -------
    The order, uint32 (n,), and int64 (n_keys + 1,): the positions of key i are
    ``order[starts[i]:starts[i + 1]]``.

    Raises
    ------
    ValueError
        If there are more than ``MOST_EVENTS`` positions.

    """
    if len(keys) > MOST_EVENTS:
        raise ValueError(f"keys holds {len(keys)} events; at most {MOST_EVENTS} can be put in order")
    starts = np.zeros(n_keys + 1, np.int64)
    found = np.empty(len(keys), np.uint32)
    _sort(keys, np.empty(0, np.uint32) if order is None else order, found, starts, starts[:-1].copy())
    return found, starts


@jit()
def _sort(keys: Int32, order: UInt32, found: UInt32, starts: Int64, free: Int64) -> None:
    for key in keys:
        starts[key + 1] += 1
    for key in range(len(free)):
        starts[key + 1] += starts[key]
        free[key] = starts[key]
    for at in range(len(keys)):
        position = order[at] if len(order) else np.uint32(at)
        key = keys[position]
        found[free[key]] = position
        free[key] += 1


def sort_rows_oldest_first(starts: Int64, order: UInt32, ages: Float64) -> None:
    """Sort the positions of each row by falling age, in place; equal ages keep their order.

    Parameters
    ----------
    starts
        int64 (n_rows + 1,): row r has the positions ``order[starts[r]:starts[r + 1]]``.
    order
        uint32: positions in `ages`; changed.
    ages
        float64, without NaN.

    """
    longest = int(np.diff(starts).max(initial=0))
    places, keys = np.empty((2, longest), np.uint32), np.empty((2, longest), np.float64)
    _sort_rows(starts, order, ages, places, keys)


@jit()
def _sort_rows(
    starts: Int64, order: UInt32, ages: Float64, places: npt.NDArray[np.uint32], keys: Float64
) -> None:
    for row in range(len(starts) - 1):
        first, length = starts[row], starts[row + 1] - starts[row]
        for at in range(length):
            places[0, at] = order[first + at]
            keys[0, at] = ages[places[0, at]]
        source, width = 0, 1
        while width < length:  # merge neighbours of `width` sorted entries, over and over
            for left in range(0, length, 2 * width):
                middle, end = min(left + width, length), min(left + 2 * width, length)
                one, other = left, middle
                for at in range(left, end):
                    if other == end or (one < middle and keys[source, one] >= keys[source, other]):
                        taken = one
                        one += 1
                    else:
                        taken = other
                        other += 1
                    places[1 - source, at] = places[source, taken]
                    keys[1 - source, at] = keys[source, taken]
            source, width = 1 - source, 2 * width
        for at in range(length):
            order[first + at] = places[source, at]


def draw_order_of_moments(starts: Int64, order: UInt32, items: Int32, ages: Float64) -> None:
    """Put each row's positions of one age in an order that tells nothing, in place.

    Rows of an invoice come in no order. That of their items' codes would be one that a model of sequences learns: the
    next item is then among the few with a higher code. The order drawn is a hash of row, item and age, so that it is
    another for each row and moment and the same in each run; positions of one item keep theirs.

    Parameters
    ----------
    starts, order
        As :func:`sort_rows_oldest_first` leaves them; `order` is changed.
    items
        int32: the item of each position.
    ages
        float64: the age of each position.

    """
    _draw_moments(starts, order, items, ages, ages.view(np.uint64))


@jit()
def _draw_moments(
    starts: Int64, order: UInt32, items: Int32, ages: Float64, bits: npt.NDArray[np.uint64]
) -> None:
    for row in range(len(starts) - 1):
        first, end = starts[row], starts[row + 1]
        while first < end:
            last = first + 1
            while last < end and ages[order[last]] == ages[order[first]]:
                last += 1
            if last > first + 1:
                moment = order[first:last].copy()
                seed = mix(np.uint64(row) * GOLDEN ^ bits[moment[0]])
                drawn = np.empty(len(moment), np.uint64)
                for at in range(len(moment)):
                    drawn[at] = mix(seed ^ mix(np.uint64(items[moment[at]]) * GOLDEN + GOLDEN))
                order[first:last] = moment[np.argsort(drawn, kind="mergesort")]
            first = last


@jit()
def merge_runs(
    starts: Int64, order: UInt32, keys: Int32, values: Float64, how: int, merged_keys: Int32, merged: Float32
) -> Int64:
    """Merge neighbours of one row that share a key.

    Parameters
    ----------
    starts
        int64 (n_rows + 1,): row r has the positions ``order[starts[r]:starts[r + 1]]``, sorted by key.
    order
        uint32: positions in `keys` and `values`.
    keys
        int32: the key of each position.
    values
        float64: the value of each position; if empty, each counts 1.
    how
        ``SUM``, ``LARGEST`` or ``LAST`` (of the positions in their order).
    merged_keys, merged
        int32 and float32, written from the front: one entry for each different key of a row. They need
        room for one entry a position; `merged_keys` may share the memory of `order`.

    Returns
    -------
    int64 (n_rows + 1,): row r has the entries ``indptr[r]:indptr[r + 1]``.

    """
    indptr = np.zeros_like(starts)
    end = -1
    for row in range(len(starts) - 1):
        last, total = -1, 0.0  # no key is negative: a row never goes on with the pair of the row before
        for at in range(starts[row], starts[row + 1]):
            position = order[at]
            value = values[position] if len(values) else 1.0
            if keys[position] != last:
                end += 1
                last, total = keys[position], value
                merged_keys[end] = last
            elif how == SUM:
                total += value
            elif how == LAST or value > total:
                total = value
            merged[end] = total
        indptr[row + 1] = end + 1
    return indptr
