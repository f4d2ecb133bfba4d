"""The events of each user, basket by basket."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.numeric.counting_sort import Float64, Int32, Int64, UInt32, sort_by, sort_rows_oldest_first
from tasks.numeric.csr import ranges


class ByBasket(NamedTuple):
    """Users' events with those of a basket side by side."""

    positions: UInt32
    """uint32 (n_events,): positions of the events, user after user."""
    numbers: Int32
    """int32 (n_events,): number of the event's basket among the user's own, 0 = the oldest."""


def order_by_basket(starts: Int64, positions: UInt32, baskets: Int32, ages: Float64) -> ByBasket:
    """Bring the events of each basket together: two baskets of one minute would alternate otherwise.

    Baskets of a user are ordered by their first events, those of one moment by their codes; the events of
    a basket keep the order they come in. An event without a basket is a basket of its own.

    Parameters
    ----------
    starts
        int64 (n_users + 1,): user u has the places ``starts[u]:starts[u + 1]`` of `positions`; starts at 0.
    positions
        uint32 (n_events,): positions in `baskets` and `ages`, each user's oldest first.
    baskets
        int32: code of each position's basket, -1 = none.
    ages
        float64: age of each position.

    """
    if not len(positions):
        return ByBasket(positions, np.empty(0, np.int32))
    users = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
    keys = _one_each(baskets[positions])
    places, _ = sort_by(users, len(starts) - 1, sort_by(keys, int(keys.max()) + 1)[0])
    first = _starts_of_runs(users[places], keys[places])
    lengths = np.diff(np.append(first, len(places)))
    owners = users[places[first]]
    bounds = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=len(starts) - 1)))).astype(np.int64)
    order = np.arange(len(first), dtype=np.uint32)
    sort_rows_oldest_first(bounds, order, ages[positions[places[first]]])
    numbers = np.arange(len(first)) - bounds[owners]
    return ByBasket(
        positions[places[ranges(first[order], lengths[order])]],
        np.repeat(numbers, lengths[order]).astype(np.int32),
    )


def _one_each(baskets: Int32) -> Int32:
    """Give each event without a basket a code of its own."""
    without = baskets < 0
    keys = baskets.copy()
    keys[without] = int(baskets.max()) + 1 + np.arange(int(without.sum()), dtype=np.int32)
    return keys


def _starts_of_runs(users: Int32, keys: Int32) -> npt.NDArray[np.intp]:
    changes = (np.diff(users) != 0) | (np.diff(keys) != 0)
    return np.concatenate(([0], np.flatnonzero(changes) + 1))
