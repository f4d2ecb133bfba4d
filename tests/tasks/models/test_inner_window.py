from dataclasses import replace

import event_logs
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from tasks.models import _inner_window
from tasks.models._inner_window import Inner, _gains, inner_window, last_target_of_each, share_of_users


def _csr(table):
    return GroupedMatrix.from_csr(csr_matrix(np.array(table, dtype=np.float32))).by_user


def test_inner_window__holds_out_the_last_days_where_they_hold_enough(rng, monkeypatch):
    monkeypatch.setattr(_inner_window, "ENOUGH", 2)
    monkeypatch.setattr(_inner_window, "ENOUGH_USERS", 2)
    monkeypatch.setattr(_inner_window, "FEWEST", 1)
    # 16 days: the last one holds the third event of users 0 and 1; user 2 came in it for the first time.
    events = [(0, 0, 16.0), (0, 1, 5.0), (0, 2, 0.5), (1, 0, 12.0), (1, 1, 9.0), (1, 1, 0.2), (2, 3, 0.1)]

    inner = inner_window(event_logs.grouped(events, 4, 5), rng)

    assert inner.known.by_user.to_scipy().toarray().tolist() == [[1, 1], [1, 1], [0, 0], [0, 0]]
    # Item 2 was unknown before the window: nobody could have listed it for user 0.
    assert inner.users.tolist() == [1]
    assert inner.again.to_scipy().toarray().tolist() == [[0, 1]]
    assert inner.new.nnz == 0


def test_inner_window__holds_out_the_last_entries_of_every_user_where_days_hold_too_little(rng, monkeypatch):
    monkeypatch.setattr(_inner_window, "FEWEST", 1)
    events = [(user, item, 10.0 * (user + 1) - item) for user in range(3) for item in range(5 + user)]

    inner = inner_window(event_logs.grouped(events, 3, 7), rng)

    assert inner.known.by_user.lengths().tolist() == [4, 5, 6]
    assert inner.users.tolist() == [0, 1]  # the last user's last item is nobody else's
    assert inner.new.indices.tolist() == [4, 5]


def test_inner_window__draws_entries_without_times_and_leaves_each_user_one(rng, monkeypatch):
    monkeypatch.setattr(_inner_window, "FEWEST", 1)
    dense = GroupedMatrix.from_csr(csr_matrix(np.ones((40, 10))))

    one, same = (inner_window(dense, np.random.default_rng(3)) for _ in range(2))
    other = inner_window(dense, np.random.default_rng(4))

    assert one.known.by_user.lengths().tolist() == [8] * 40
    assert one.new.lengths().tolist() == [2] * 40
    assert one.again.nnz == 0
    assert np.array_equal(one.new.indices, same.new.indices)
    assert not np.array_equal(one.new.indices, other.new.indices)


def test_inner_window__is_none_where_nothing_can_be_compared(rng):
    assert inner_window(GroupedMatrix.from_csr(csr_matrix(np.eye(50))), rng) is None


def test_share_of_users__keeps_whole_users_and_their_history(rng):
    matrix = event_logs.grouped(event_logs.random_log(rng, n_users=100, n_events=3000), 100, 20)

    part = share_of_users(matrix, matrix.nnz // 4, rng)

    assert 0.15 * matrix.nnz < part.nnz <= matrix.nnz // 4
    whole = matrix.by_user.to_scipy().toarray()
    history = matrix.history
    for code in range(part.n_users):
        row = part.by_user.to_scipy()[code].toarray()[0]
        (owner,) = [
            user
            for user in range(100)
            if np.array_equal(whole[user], row)
            and np.array_equal(
                history.ages[history.indptr[user] : history.indptr[user + 1]],
                part.history.ages[part.history.indptr[code] : part.history.indptr[code + 1]],
            )
        ][:1]
        assert owner >= 0
    assert share_of_users(matrix, matrix.nnz, rng) is matrix


def test_gains__are_discounted_hits_over_the_best_there_could_be():
    truth = _csr([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    lists = np.array([[3, 2], [1, -1], [0, 1]], dtype=np.int32)

    second = 1 / np.log2(3)
    assert _gains(lists, truth) == pytest.approx([second / (1 + second), 1, 0])


def test_values__judge_both_scenarios_alike_where_there_are_repeats():
    known = GroupedMatrix.from_csr(csr_matrix(np.array([[1, 1, 0, 0, 0]])))
    inner = Inner(known, np.array([0]), _csr([[0, 0, 0, 1, 0]]), _csr([[1, 0, 0, 0, 0]]))
    scores = np.float32([[5], [4], [3], [2], [1]])

    # With everything allowed: hits at 1 and 4 of two; without the past: item 3 at place 2.
    both = (1 + 1 / np.log2(5)) / (1 + 1 / np.log2(3))
    assert inner.values(np.float32([[1]]), scores) == pytest.approx([(both + 1 / np.log2(3)) / 2])


def test_values__judge_new_items_alone_where_nothing_comes_again():
    known = GroupedMatrix.from_csr(csr_matrix(np.array([[1, 1, 0, 0, 0]])))
    inner = Inner(known, np.array([0]), _csr([[0, 0, 0, 1, 0]]), _csr([[0, 0, 0, 0, 0]]))

    assert inner.values(np.float32([[1]]), np.float32([[5], [4], [3], [2], [1]])) == pytest.approx(
        [1 / np.log2(3)]
    )


def test_inner_window__asks_for_targets_alone_and_for_everything_where_they_are_too_few(rng, monkeypatch):
    monkeypatch.setattr(_inner_window, "FEWEST", 2)
    events = [(user, (place + user) % 6, 40.0 - 3 * place) for user in range(4) for place in range(6)]
    matrix = event_logs.grouped(events, 4, 6)
    fifth = np.arange(24) % 6 == 4

    targets = inner_window(replace(matrix, history=replace(matrix.history, targets=fifth)), rng)
    few = inner_window(replace(matrix, history=replace(matrix.history, targets=fifth & False)), rng)
    everything = inner_window(matrix, rng)

    assert targets.new.indices.tolist() == [4, 5, 0, 1]
    assert targets.known.by_user.lengths().tolist() == [4] * 4
    assert few.new.indices.tolist() == everything.new.indices.tolist() == [5, 0, 1, 2]


def test_last_target_of_each__takes_the_day_before_too_and_leaves_users_without_a_past_alone():
    indptr = np.array([0, 4, 6, 7, 9])
    ages = np.array([9.0, 5.5, 5.0, 2.0, 4.0, 3.5, 8.0, 7.0, 1.0], np.float32)
    targets = np.array([True, False, True, False, True, False, False, False, True])

    held = last_target_of_each(indptr, ages, targets)

    assert held.tolist() == [False, True, True, True, False, False, False, False, True]
