"""A made-up log of visits in RetailRocket's shape: views that now and then lead to carts and purchases.

Visitors come back with habits: they look at items of a few favourite shelves, mostly popular ones, often at the same
item again, and buy some of what they put into their carts; goods for daily use they buy again.

By hand, at the size of RetailRocket's log: ``python tests/reference/visits.py events.csv --events 2700000
--items 235000 --visitors 1400000``.
"""

import argparse
from pathlib import Path

import numpy as np

FIRST_MS = 1_430_000_000_000
"""2015-04-25, as milliseconds since 1970."""
DAY_MS = 86_400_000
HEADER = "timestamp,visitorid,event,itemid,transactionid"
TYPES = np.array(["view", "addtocart", "transaction"])
N_SHELVES_PER_VISITOR = 2


def visits(n_events=6_000, n_visitors=900, n_items=200, days=137, *, seed=0):
    """Arrays of the log's columns in order of time: ms, visitors, types (0, 1, 2), items, orders (-1 = none)."""
    rng = np.random.default_rng(seed)
    sizes = _sizes_of_visits(rng, n_events)
    owners = _visitors(rng, len(sizes), n_visitors)
    begins = np.sort(rng.integers(days * DAY_MS, size=len(sizes)))
    visit = np.repeat(np.arange(len(sizes)), sizes)
    visitor = owners[visit]
    items = _items(rng, visit, visitor, n_visitors, n_items)
    place = np.arange(len(visit)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    ms = FIRST_MS + begins[visit] + place * 45_000 + rng.integers(40_000, size=len(visit))
    types = np.zeros(len(visit), np.int64)
    columns = [ms, visitor, types, items, visit]
    columns = _with_purchases(rng, columns, n_visitors)
    order = np.lexsort((columns[2], columns[0]))
    ms, visitor, types, items, visit = (column[order] for column in columns)
    orders = np.where(types == 2, visit, -1)
    return ms, visitor, types, items, orders


def _sizes_of_visits(rng, n_events):
    sizes = np.minimum(rng.geometric(0.6, size=n_events), 40)
    return sizes[: np.searchsorted(np.cumsum(sizes), n_events * 0.96) + 1]


def _visitors(rng, n_visits, n_visitors):
    """Most come once, some often."""
    weights = np.minimum(rng.pareto(1.4, size=n_visitors), 200) + 0.5
    return rng.choice(n_visitors, size=n_visits, p=weights / weights.sum())


def _items(rng, visit, visitor, n_visitors, n_items):
    """Items of the visitor's shelves, popular ones first; half of a visit is about what was just looked at."""
    n_shelves = max(4, n_items // 60)
    shelves = rng.integers(n_shelves, size=(n_visitors, N_SHELVES_PER_VISITOR))
    shelf = shelves[visitor, rng.integers(N_SHELVES_PER_VISITOR, size=len(visit))]
    lost = rng.random(len(visit)) < 0.15
    shelf[lost] = rng.integers(n_shelves, size=int(lost.sum()))
    size = n_items // n_shelves
    items = shelf * size + np.minimum((rng.pareto(0.9, size=len(visit)) * 3).astype(np.int64), size - 1)
    again = (rng.random(len(visit)) < 0.3) & (np.diff(visit, prepend=-1) == 0)
    for _ in range(3):  # what was looked at before that, where that was looked at again, too
        items[again] = items[np.flatnonzero(again) - 1]
    return items


def _with_purchases(rng, columns, n_visitors):
    """Add a cart after one view of thirty, and a purchase after a third of the carts; some come back to buy again."""
    ms, visitor, types, items, visit = columns
    eager = rng.beta(0.6, 12, size=n_visitors)
    seen_twice = np.zeros(len(ms), bool)
    seen_twice[1:] = (items[1:] == items[:-1]) & (visit[1:] == visit[:-1])
    chance = eager[visitor] * np.where(seen_twice, 1.5, 0.5)
    carts = np.flatnonzero(rng.random(len(ms)) < chance)
    bought = carts[rng.random(len(carts)) < 0.33]
    daily = bought[(items[bought] % 5 == 0)]
    again = np.repeat(daily, rng.integers(0, 3, size=len(daily)))
    later = ms[again] + rng.integers(10, 40, size=len(again)) * DAY_MS
    later = np.where(later < ms.max(), later, ms[again])
    n_visits = int(visit.max()) + 1
    parts = [
        (ms, visitor, types, items, visit),
        (ms[carts] + 20_000, visitor[carts], np.ones(len(carts), np.int64), items[carts], visit[carts]),
        (ms[bought] + 900_000, visitor[bought], np.full(len(bought), 2), items[bought], visit[bought]),
        (later, visitor[again], np.full(len(again), 2), items[again], n_visits + np.arange(len(again))),
    ]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def write_visits(path, **sizes):
    """Write the log as CSV; returns the path."""
    ms, visitor, types, items, orders = visits(**sizes)
    with Path(path).open("w", encoding="utf-8") as file:
        file.write(HEADER + "\n")
        file.writelines(
            f"{row[0]},{row[1]},{row[2]},{row[3]},{row[4] if row[4] >= 0 else ''}\n"
            for row in zip(
                ms.tolist(),
                visitor.tolist(),
                TYPES[types].tolist(),
                items.tolist(),
                orders.tolist(),
                strict=True,
            )
        )
    return Path(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a made-up log of visits.")
    parser.add_argument("path")
    parser.add_argument("--events", type=int, default=2_700_000)
    parser.add_argument("--visitors", type=int, default=1_400_000)
    parser.add_argument("--items", type=int, default=235_000)
    given = parser.parse_args()
    write_visits(given.path, n_events=given.events, n_visitors=given.visitors, n_items=given.items)
