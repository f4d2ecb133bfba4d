import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.preparation.baskets import order_by_basket


def slow(users, baskets, ages):
    """Positions and numbers, by sorting lists."""
    positions, numbers = [], []
    for user in range(max(users, default=-1) + 1):
        mine = [at for at, owner in enumerate(users) if owner == user]
        mine.sort(key=lambda at: -ages[at])
        groups = {}
        for at in mine:
            groups.setdefault((0, baskets[at]) if baskets[at] >= 0 else (1, mine.index(at)), []).append(at)
        ordered = sorted(groups.items(), key=lambda each: (-ages[each[1][0]], each[0]))
        for number, (_, members) in enumerate(ordered):
            positions += members
            numbers += [number] * len(members)
    return positions, numbers


def fast(users, baskets, ages):
    users, ages = np.array(users, np.int32), np.array(ages, np.float64)
    positions = np.lexsort((np.arange(len(users)), -ages, users)).astype(np.uint32)
    starts = np.concatenate(([0], np.cumsum(np.bincount(users, minlength=0)))).astype(np.int64)
    found = order_by_basket(starts, positions, np.array(baskets, np.int32), ages)
    return found.positions.tolist(), found.numbers.tolist()


def test_order_by_basket__keeps_baskets_of_one_minute_whole():
    users, baskets, ages = [0, 0, 0, 0, 0], [7, 3, 7, 3, 1], [5.0, 5.0, 5.0, 5.0, 9.0]

    assert fast(users, baskets, ages) == ([4, 1, 3, 0, 2], [0, 1, 1, 2, 2])


def test_order_by_basket__a_basket_that_goes_on_later_stays_whole():
    assert fast([0, 0, 0], [1, 2, 1], [9.0, 8.0, 7.0]) == ([0, 2, 1], [0, 0, 1])


def test_order_by_basket__two_users_may_share_a_basket():
    assert fast([0, 1, 1], [4, 4, 2], [3.0, 3.0, 1.0]) == ([0, 1, 2], [0, 0, 1])


def test_order_by_basket__an_event_without_a_basket_stands_alone():
    assert fast([0, 0, 0], [-1, 0, -1], [3.0, 2.0, 1.0])[1] == [0, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 5), st.integers(0, 3)), max_size=60))
def test_order_by_basket__agrees_with_sorting_lists(events):
    columns = [list(each) for each in zip(*events, strict=True)] or [[], [], []]

    assert fast(*columns) == slow(*columns)
