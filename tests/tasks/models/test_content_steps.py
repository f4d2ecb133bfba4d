"""What users had lately, and what they took next."""

from dataclasses import replace

import numpy as np
import pytest
from event_logs import full_log, grouped

from tasks.models._content_steps import States, steps_of


def states_one_by_one(items, starts, ends, n_last, half_life):
    found = []
    for start, end in zip(starts, ends, strict=True):
        part = items[max(start, end - n_last) : end]
        weights = [0.5 ** ((len(part) - 1 - at) / half_life) if half_life else 1.0 for at in range(len(part))]
        found.append((part.tolist(), (np.array(weights) / sum(weights)).tolist() if weights else []))
    return found


@pytest.mark.parametrize("half_life", [None, 2.0])
def test_states__hold_the_last_events_and_their_shares(half_life):
    rng = np.random.default_rng(0)
    items = rng.integers(0, 9, 40).astype(np.int32)
    starts, ends = np.array([0, 0, 12, 30, 40]), np.array([10, 12, 14, 30, 40])

    states = States.of(items, starts, ends, 4, half_life)

    for row, (expected, weights) in enumerate(states_one_by_one(items, starts, ends, 4, half_life)):
        mine = slice(states.indptr[row], states.indptr[row + 1])
        assert states.items[mine].tolist() == expected
        np.testing.assert_allclose(states.weights[mine], weights, rtol=1e-6)


def test_states__mean_and_counts_are_of_each_states_items():
    items = np.array([3, 1, 3, 0], np.int32)
    states = States.of(items, np.array([0, 3, 4]), np.array([3, 4, 4]), 10, None)
    vectors = np.arange(8, dtype=np.float32).reshape(4, 2)

    np.testing.assert_allclose(
        states.mean(vectors), [(2 * vectors[3] + vectors[1]) / 3, vectors[0], [0, 0]], rtol=1e-6
    )
    expected = np.log1p([[0, 1, 0, 2], [1, 0, 0, 0], [0, 0, 0, 0]])
    np.testing.assert_allclose(states.counts(4).to_scipy().toarray(), expected, rtol=1e-6)


def pairs_of(steps):
    """(state, targets) of each step."""
    return [
        (steps.items[start:begin].tolist(), sorted(steps.items[begin:end].tolist()))
        for start, begin, end in zip(steps.starts, steps.begins, steps.ends, strict=True)
    ]


def test_steps__go_from_all_before_to_the_events_of_one_moment():
    matrix = grouped([(0, 2, 9.0), (0, 1, 5.0), (0, 3, 5.0), (2, 4, 1.0)], 3, 5)

    assert pairs_of(steps_of(matrix, None)) == [([], [2]), ([2], [1, 3]), ([], [4])]


def test_steps__follow_baskets_where_the_log_has_them():
    matrix = full_log([(0, 2, 9.3), (0, 1, 9.1), (0, 3, 5.0)], 1, 5)

    assert pairs_of(steps_of(matrix, None)) == [([], [1, 2]), ([2, 1], [3])]


def test_steps__without_a_history_go_from_half_of_the_items_to_the_others():
    matrix = replace(grouped([(0, i, 1.0) for i in range(5)] + [(2, 7, 1.0)], 3, 8), history=None)
    first, second = (pairs_of(steps_of(matrix, np.random.default_rng(seed))) for seed in (0, 1))

    assert [(len(state), len(targets)) for state, targets in first] == [(2, 3), (0, 1)]
    assert sorted(first[0][0] + first[0][1]) == [0, 1, 2, 3, 4]
    assert first != second
