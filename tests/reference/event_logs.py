"""Small logs for tests of models, grouped the slow and obvious way."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix, History, ItemFeatures, ItemTimeline, Labels
from tasks.models import Need


def grouped(events, n_users, n_items):
    """Group (user_code, item_code, age in days) triples; a user code of -1 is an anonymous event."""
    known = sorted((e for e in events if e[0] >= 0), key=lambda e: (e[0], -e[2]))
    pairs = csr_matrix(
        ([1.0] * len(known), ([e[0] for e in known], [e[1] for e in known])), shape=(n_users, n_items)
    )
    base = GroupedMatrix.from_csr(pairs)
    counts = {}
    for _, item, age in events:
        counts[item, int(age)] = counts.get((item, int(age)), 0) + 1
    days = sorted(counts)
    timeline = ItemTimeline(
        np.array([sum(day[0] < item for day in days) for item in range(n_items + 1)], dtype=np.int64),
        np.array([age for _, age in days], dtype=np.int32),
        np.array([counts[day] for day in days], dtype=np.float32),
    )
    history = History(
        np.array([sum(e[0] < user for e in known) for user in range(n_users + 1)], dtype=np.int64),
        np.array([e[1] for e in known], dtype=np.int32),
        np.array([e[2] for e in known], dtype=np.float32),
        np.ones(len(known), dtype=np.float32),
    )
    return GroupedMatrix(base.by_user, base.by_item, timeline, history)


def random_log(rng, *, n_users=30, n_items=20, n_events=300):
    """Random triples: some items popular, some anonymous events, the last user and item untouched."""
    users = rng.integers(-1, n_users - 1, n_events)
    items = np.minimum(rng.zipf(1.5, n_events) - 1, n_items - 2)
    return [
        (int(u), int(i), float(a)) for u, i, a in zip(users, items, rng.uniform(0, 90, n_events), strict=True)
    ]


LABELS = ("apple", "pear", "plum")


def full_log(events, n_users, n_items, catalogue_items=0):
    """All that training data may hold: baskets of a day, ratings of 1 to 5, features of every kind.

    The last `catalogue_items` items must have no event.
    """
    base = grouped(events, n_users, n_items)
    history = base.history
    days = np.floor(history.ages).astype(np.int64)
    baskets = np.zeros(len(days), np.int32)
    for user in range(n_users):
        mine = slice(history.indptr[user], history.indptr[user + 1])
        baskets[mine] = np.unique(-days[mine], return_inverse=True)[1]
    ratings = base.by_user.to_scipy().copy()
    ratings.data = 1.0 + (ratings.indices + 3.0 * ratings.data).astype(np.float32) % 5
    return replace(
        base,
        history=replace(history, baskets=baskets),
        ratings=GroupedMatrix.from_csr(ratings).by_user,
        item_features=features(n_items),
        catalogue_items=catalogue_items,
    )


def features(n_items):
    """Items in turn are apples, pears, plums, and both of the first; some things are not known."""
    items = np.arange(n_items)
    owners = np.concatenate([items[items % 4 != 3], items[items % 4 == 3], items[items % 4 == 3]])
    labels = np.concatenate(
        [items[items % 4 != 3] % 4, 0 * items[items % 4 == 3], 1 + 0 * items[items % 4 == 3]]
    )
    has = csr_matrix((np.ones(len(owners), np.float32), (owners, labels)), shape=(n_items, len(LABELS)))
    return ItemFeatures(
        titles=pa.array([None if item % 7 == 6 else f"Item {item}" for item in items], pa.large_string()),
        labels={"fruit": Labels(LABELS, GroupedMatrix.from_csr(has).by_user)},
        numbers={"price": np.where(items % 5 == 4, np.nan, items + 0.5).astype(np.float32)},
        dates={"release": np.where(items % 6 == 5, np.nan, 19_000.0 + items)},
    )


def only(matrix, needs):
    """The matrix with nothing beside its views but what is in `needs`, as a step would open it."""
    history = matrix.history if needs & {Need.HISTORY, Need.BASKETS} else None
    if history is not None and Need.BASKETS not in needs:
        history = replace(history, baskets=None)
    return replace(
        matrix,
        timeline=matrix.timeline if Need.TIMES in needs else None,
        history=history,
        ratings=matrix.ratings if Need.RATINGS in needs else None,
        item_features=matrix.item_features if Need.ITEM_FEATURES in needs else None,
    )


def checkerboard(n=60):
    """(matrix, withheld): users like items of their own parity, and each lacks one: item user_code.

    The right answer for a user is the withheld item: it is the only unseen one of the right colour.
    """
    users, items = np.indices((n, n))
    liked = ((users % 2) == (items % 2)) & (users != items)
    rng = np.random.default_rng(n)
    events = [(u, i, rng.uniform(0, 90)) for u, i in zip(*np.nonzero(liked), strict=True)]
    return full_log(events, n, n), np.arange(n)
