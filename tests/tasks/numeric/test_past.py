from dataclasses import replace

import numpy as np
import pytest
import slow_blend
from event_logs import grouped

from data_contracts.interactions import GroupedMatrix
from tasks.numeric.past import cold_start_events, hold_back, look_back, own_past


def _log(seed, n_events=200):
    """Baskets on whole days, with items bought twice in one basket and users without events."""
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 40, n_events)
    return [
        (int(user), int(item), float(day))
        for user, item, day in zip(
            rng.integers(-1, 8, n_events), rng.integers(0, 6, n_events), days, strict=True
        )
    ]


def test_own_past__counts_baskets_not_rows():
    """Item 0: twice in the last basket and once in the third from last; item 1 in the one between."""
    matrix = grouped([(0, 0, 30.0), (0, 1, 10.0), (0, 0, 5.0), (0, 0, 5.0)], 1, 2)

    past = own_past(matrix, fade=0.5, half_life_days=5.0)

    assert past.baskets.tolist() == [2, 1]
    assert past.fading.tolist() == [1 + 0.25, 0.5]
    np.testing.assert_allclose(past.decayed, [0.5 + 0.5 + 2**-6, 0.25])


def test_own_past__weights_count_for_events_and_not_for_baskets():
    matrix = grouped([(0, 0, 10.0), (0, 0, 5.0), (0, 1, 5.0)], 1, 2)
    weighed = replace(matrix, history=replace(matrix.history, values=np.array([4.0, 3.0, 2.0], np.float32)))

    past = own_past(weighed, fade=0.5, half_life_days=5.0)

    assert past.baskets.tolist() == [2, 1]
    np.testing.assert_allclose(past.decayed, [4 * 0.25 + 3 * 0.5, 2 * 0.5])


@pytest.mark.parametrize("seed", range(4))
def test_own_past__equals_the_slow_reference(seed):
    matrix = grouped(_log(seed), 9, 6)

    past = own_past(matrix, fade=0.8, half_life_days=7.0)

    expected = slow_blend.own_past(matrix.history, matrix.by_user, fade=0.8, half_life_days=7.0)
    for found, column in zip((past.baskets, past.fading, past.decayed), expected, strict=True):
        np.testing.assert_allclose(found, column, rtol=1e-5)


def test_own_past__takes_values_where_there_are_no_times():
    timed = grouped([(0, 0, 1.0), (0, 0, 2.0), (0, 1, 2.0)], 1, 2)

    past = own_past(GroupedMatrix(timed.by_user, timed.by_item), fade=0.5, half_life_days=1.0)

    assert past.baskets.tolist() == past.fading.tolist() == past.decayed.tolist() == [2, 1]


def test_cold_start_events__are_those_without_a_user_and_first_baskets():
    """Item 0 is everybody's favourite later on; unknown users take 1 (a guest) and 2 (a first basket)."""
    events = [(0, 2, 8.0), *[(0, 0, float(age)) for age in range(8)], (-1, 1, 4.0)]

    found = cold_start_events(grouped(events, 1, 3), 4.0, everybody=0.0)

    np.testing.assert_allclose(found, [0.0, 0.5, 0.25], atol=1e-6)


def test_cold_start_events__fall_back_on_all_events_without_times():
    timed = grouped([(0, 0, 1.0), (1, 0, 2.0), (0, 1, 2.0)], 2, 2)

    found = cold_start_events(GroupedMatrix(timed.by_user, timed.by_item), 4.0)

    assert found.tolist() == [2, 1]


def test_cold_start_events__take_a_log_of_guests_only():
    found = cold_start_events(grouped([(-1, 1, 0.0)], 2, 3), 4.0, everybody=0.0)

    assert found.tolist() == [0, 1, 0]


@pytest.mark.parametrize("seed", range(3))
def test_look_back__is_the_matrix_of_that_day_and_what_came_next(seed):
    events = _log(seed)
    matrix = grouped(events, 9, 6)

    older, later = look_back(matrix, 5, 20)

    expected = grouped([(u, i, age - 20) for u, i, age in events if age >= 20], 9, 6)
    np.testing.assert_array_equal(older.by_user.to_scipy().toarray(), expected.by_user.to_scipy().toarray())
    np.testing.assert_array_equal(older.by_item.to_scipy().toarray(), expected.by_item.to_scipy().toarray())
    for part in ("indptr", "items", "ages", "values"):
        np.testing.assert_array_equal(getattr(older.history, part), getattr(expected.history, part))
    np.testing.assert_allclose(older.item_events(3.0), expected.item_events(3.0))
    next_events = grouped([event for event in events if 5 <= event[2] < 20], 9, 6)
    np.testing.assert_array_equal(later.to_scipy().toarray(), next_events.by_user.to_scipy().toarray())


def test_look_back__what_comes_next_are_targets_alone_where_they_are_marked():
    matrix = grouped([(0, 0, 30.0), (0, 1, 10.0), (0, 2, 9.0), (1, 0, 30.0), (1, 1, 8.0)], 2, 3)
    targets = np.array([True, False, True, False, False])

    older, later = look_back(replace(matrix, history=replace(matrix.history, targets=targets)), 0, 20)

    assert later.to_scipy().toarray().tolist() == [[0, 0, 1], [0, 0, 0]]
    assert older.history.targets.tolist() == [True, False]


def test_look_back__needs_times():
    timed = grouped([(0, 0, 1.0)], 1, 1)

    with pytest.raises(ValueError, match="needs a matrix with a history"):
        look_back(GroupedMatrix(timed.by_user, timed.by_item), 0, 1)


@pytest.mark.parametrize("seed", range(3))
def test_hold_back__is_the_matrix_without_some_events_and_those_events(seed):
    rng = np.random.default_rng(seed)
    events = _log(seed)
    matrix = grouped(events, 9, 6)
    held = rng.random(len(matrix.history.items)) < 0.3
    owner = np.repeat(np.arange(9), np.diff(matrix.history.indptr))

    known, held_events = hold_back(matrix, held)

    rows = np.zeros((9, 6))
    np.add.at(rows, (owner[held], matrix.history.items[held]), 1)
    np.testing.assert_array_equal(held_events.to_scipy().toarray(), rows)
    np.testing.assert_array_equal(known.history.ages, matrix.history.ages[~held])
    np.testing.assert_array_equal(
        known.by_user.to_scipy().toarray() + rows, matrix.by_user.to_scipy().toarray()
    )
    gone = np.bincount(
        matrix.history.items[held], weights=np.exp2(-np.floor(matrix.history.ages[held]) / 9), minlength=6
    )
    np.testing.assert_allclose(known.item_events(9.0) + gone, matrix.item_events(9.0), rtol=1e-5, atol=1e-5)


def test_hold_back__needs_times():
    timed = grouped([(0, 0, 1.0)], 1, 1)

    with pytest.raises(ValueError, match="history"):
        hold_back(GroupedMatrix(timed.by_user, timed.by_item), np.ones(1, dtype=np.bool_))
