"""Two small logs that are opposites: in one people buy the same things again, in the other nothing is taken twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Int64 = npt.NDArray[np.int64]

N_USERS, N_ITEMS, DAYS = 3_000, 1_200, 240
VISIT_DAYS, BASKET = 12.0, 4
"""Mean days between two baskets of a user, and items drawn for each."""
FAVOURITES, FAITHFUL = 12, 0.8
"""Of the habits: items that a user keeps to, and the share of events that go to them."""
CLUSTERS, OWN_CLUSTERS, LOYAL = 30, 2, 0.8
"""Of the tastes: groups of items, groups that a user likes, and the share of events that go to them."""
EXPONENT: Final = 0.8
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
SCHEMA: Final = pa.schema(
    [
        ("user", pa.string()),
        ("item", pa.string()),
        ("basket", pa.string()),
        ("time", pa.timestamp("us", tz="UTC")),
    ]
)


def habits_log(path: Path, seed: int = 0) -> None:
    """Write a log in which every user keeps to a dozen items, and takes some of them more often."""
    rng = np.random.default_rng(seed)
    favourites = _popular(N_USERS * FAVOURITES, rng).reshape(N_USERS, FAVOURITES)
    users, days = _visits(rng)
    place = (FAVOURITES * rng.random(len(users)) ** 2).astype(np.int64)  # the first ones more often
    items = np.where(rng.random(len(users)) < FAITHFUL, favourites[users, place], _popular(len(users), rng))
    _write(path, users, items, days)


def tastes_log(path: Path, seed: int = 0) -> None:
    """Write a log in which every user goes through two groups of items, none taken twice."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, CLUSTERS, (N_USERS, OWN_CLUSTERS))
    users, days = _visits(rng)
    size = N_ITEMS // CLUSTERS
    within = (size * rng.random(len(users)) ** 1.5).astype(np.int64)
    liked = groups[users, rng.integers(0, OWN_CLUSTERS, len(users))] + CLUSTERS * within
    items = np.where(rng.random(len(users)) < LOYAL, liked, _popular(len(users), rng))
    order = np.lexsort((days, users))
    _, first = np.unique(users[order] * N_ITEMS + items[order], return_index=True)
    once = order[first]
    _write(path, users[once], items[once], days[once])


def _visits(rng: np.random.Generator) -> tuple[Int64, Int64]:
    """User and day of each event; some users come more often than others."""
    wanted = rng.poisson(DAYS / VISIT_DAYS * rng.lognormal(-0.125, 0.5, N_USERS)) + 1
    users = np.repeat(np.arange(N_USERS), wanted)
    days = rng.integers(0, DAYS, len(users))
    return np.repeat(users, BASKET), np.repeat(days, BASKET)


def _popular(size: int, rng: np.random.Generator) -> Int64:
    """Items by a power law of their code."""
    odds = (np.arange(N_ITEMS) + 5.0) ** -EXPONENT
    return rng.choice(N_ITEMS, size=size, p=odds / odds.sum()).astype(np.int64)


def _write(path: Path, users: Int64, items: Int64, days: Int64) -> None:
    # A basket lists an item once.
    rows = np.unique(np.column_stack([days, users, items]), axis=0).tolist()
    table = [
        {
            "user": f"U{user}",
            "item": f"P{item}",
            "basket": f"U{user}D{day}",
            "time": START + timedelta(days=day, seconds=user),
        }
        for day, user, item in rows
    ]
    pq.write_table(pa.Table.from_pylist(table, SCHEMA), path)
