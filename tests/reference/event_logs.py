"""Small logs for tests of models, grouped the slow and obvious way."""

import numpy as np
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix, History, ItemTimeline


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


def checkerboard(n=60):
    """(matrix, withheld): users like items of their own parity, and each lacks one: item user_code.

    The right answer for a user is the withheld item: it is the only unseen one of the right colour.
    """
    users, items = np.indices((n, n))
    liked = ((users % 2) == (items % 2)) & (users != items)
    return GroupedMatrix.from_csr(csr_matrix(liked.astype(np.float32))), np.arange(n)
