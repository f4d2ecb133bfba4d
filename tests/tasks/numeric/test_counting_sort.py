import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.numeric.counting_sort import (
    LARGEST,
    LAST,
    SUM,
    draw_order_of_moments,
    merge_runs,
    sort_by,
    sort_rows_oldest_first,
)

keys_of = st.lists(st.integers(0, 6), max_size=60)


@given(keys_of, st.randoms(use_true_random=False))
def test_sort_by__is_stable_and_counts(keys, random):
    keys = np.array(keys, np.int32)
    shuffled = list(range(len(keys)))
    random.shuffle(shuffled)

    order, starts = sort_by(keys, 7, np.array(shuffled, np.uint32))

    assert order.tolist() == sorted(shuffled, key=lambda at: keys[at])
    assert starts.tolist() == [0, *np.cumsum(np.bincount(keys, minlength=7)).tolist()]
    np.testing.assert_array_equal(sort_by(keys, 7)[0], np.argsort(keys, kind="stable"))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=80))
def test_sort_rows_oldest_first__agrees_with_a_stable_sort_of_each_row(events):
    owners = np.array([owner for owner, _ in events], np.int32)
    ages = np.array([age for _, age in events], np.float64)
    order, starts = sort_by(owners, 4)

    sort_rows_oldest_first(starts, order, ages)

    assert order.tolist() == sorted(range(len(events)), key=lambda at: (owners[at], -ages[at]))


def drawn(items, ages):
    """The order drawn of as many equal rows as there are in `ages`, each with these items."""
    n_rows, length = ages.shape
    order = np.arange(n_rows * length, dtype=np.uint32)
    starts = np.arange(0, n_rows * length + 1, length)
    draw_order_of_moments(starts, order, np.tile(np.array(items, np.int32), n_rows), ages.ravel())
    return order.reshape(n_rows, length)


def test_draw_order_of_moments__keeps_moments_and_the_order_of_one_items_rows():
    items, ages = [3, 0, 3, 1, 3, 2, 2], np.array([[9.0, 9.0, 9.0, 9.0, 5.0, 5.0, 1.0]])

    (order,) = drawn(items, ages).tolist()

    assert sorted(order[:4]) == [0, 1, 2, 3]
    assert sorted(order[4:6]) == [4, 5]
    assert order[6] == 6
    assert order.index(0) < order.index(2)
    assert order == drawn(items, ages)[0].tolist()


def test_draw_order_of_moments__gives_every_place_to_every_item_alike():
    ages = np.repeat(np.linspace(1, 900, 6_000)[:, None], 4, axis=1)

    order = drawn([0, 1, 2, 3], ages) % 4

    places = np.stack([np.bincount(column, minlength=4) for column in order.T]) / len(order)
    np.testing.assert_allclose(places, 0.25, atol=0.03)
    # Nor does one item follow another more often than the other way round.
    assert abs(np.mean(np.argsort(order)[:, 0] < np.argsort(order)[:, 1]) - 0.5) < 0.03


def merged_slowly(events, how):
    found = {}
    for row, key, value in events:
        found.setdefault((row, key), []).append(value)
    pick = {SUM: sum, LARGEST: max, LAST: lambda values: values[-1]}[how]
    return {pair: pick(values) for pair, values in sorted(found.items())}


@pytest.mark.parametrize("how", [SUM, LARGEST, LAST])
@pytest.mark.parametrize("shared", [False, True])
@given(events=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 9)), max_size=60))
def test_merge_runs__agrees_with_a_dictionary(how, shared, events):
    rows, keys, values = (
        (np.array(column, np.int32) for column in zip(*events, strict=True))
        if events
        else (np.empty(0, np.int32),) * 3
    )
    order, _ = sort_by(keys, 5)
    order, starts = sort_by(rows, 4, order)
    merged_keys = order.view(np.int32) if shared else np.empty(len(order), np.int32)
    merged = np.empty(len(order), np.float32)

    indptr = merge_runs(starts, order, keys, values.astype(np.float64), how, merged_keys, merged)

    expected = merged_slowly(events, how)
    owners = np.repeat(np.arange(4), np.diff(indptr)).tolist()
    end = indptr[-1]
    assert list(zip(owners, merged_keys[:end].tolist(), strict=True)) == list(expected)
    assert merged[:end].tolist() == list(expected.values())


def test_merge_runs__counts_where_there_are_no_values():
    keys = np.array([2, 2, 1, 2], np.int32)
    order, starts = np.arange(4, dtype=np.uint32), np.array([0, 2, 2, 4])
    merged_keys, merged = np.empty(4, np.int32), np.empty(4, np.float32)

    indptr = merge_runs(starts, order, keys, np.empty(0), SUM, merged_keys, merged)

    assert indptr.tolist() == [0, 1, 1, 3]
    assert merged_keys[:3].tolist() == [2, 1, 2]
    assert merged[:3].tolist() == [2, 1, 1]


def test_sort_by__refuses_more_events_than_positions_can_name(monkeypatch):
    monkeypatch.setattr("tasks.numeric.counting_sort.MOST_EVENTS", 3)

    with pytest.raises(ValueError, match="keys holds 4 events; at most 3 can be put in order"):
        sort_by(np.zeros(4, np.int32), 1)
