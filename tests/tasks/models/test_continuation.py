"""What is added to a network's scores; the networks here know nothing."""

from dataclasses import dataclass

import numpy as np
import pytest
from event_logs import grouped

from data_contracts.scoring import Sequences
from tasks.models._continuation import continued
from tasks.models._sequence_windows import held_users, last_moments, windows_of

N_ITEMS = 12


@dataclass(frozen=True)
class Ignorant:
    """A network that leads nowhere."""

    def states(self, sequences):
        return np.zeros((len(sequences.indptr) - 1, 2), np.float32)


def _continued(events, held_every=3):
    history = grouped(events, 60, N_ITEMS).history
    held = np.arange(60) % held_every == 0
    items = np.zeros((N_ITEMS, 2), np.float32)
    return history, continued(Ignorant(), items, np.zeros(N_ITEMS, np.float32), history, held)


def _circle():
    """Everybody goes along a circle of items, and has none of them twice."""
    return [
        (user, (user + step) % N_ITEMS, 50.0 - step) for user in range(60) for step in range(5 + user % 4)
    ]


def _once():
    """Everybody takes some of the items in any order, and none of them twice."""
    rng = np.random.default_rng(3)
    orders = [rng.permutation(N_ITEMS)[:7].tolist() for _ in range(60)]
    return [(user, item, 50.0 - step) for user, order in enumerate(orders) for step, item in enumerate(order)]


def _habits():
    """Everybody takes their own three items again and again, in any order."""
    rng = np.random.default_rng(3)
    return [
        (user, (user + int(rng.integers(3))) % N_ITEMS, 50.0 - step)
        for user in range(60)
        for step in range(9)
    ]


def test_continued__follows_the_chain():
    history, scorer = _continued(_circle())

    last = history.items[history.indptr[1:] - 1]
    assert scorer.more.weight > 0
    np.testing.assert_array_equal(scorer.top_k(np.arange(60), 1)[0][:, 0], (last + 1) % N_ITEMS)


def test_continued__repeats_nothing_where_nobody_does():
    history, scorer = _continued(_once())

    best = scorer.top_k(np.arange(60), 5)[0]
    had = [set(history.items[history.indptr[user] : history.indptr[user + 1]]) for user in range(60)]
    assert not any(had[user] & set(best[user]) for user in range(60))


def test_continued__repeats_where_people_do():
    history, scorer = _continued(_habits())

    best = scorer.top_k(np.arange(60), 3)[0]
    had = [set(history.items[history.indptr[user] : history.indptr[user + 1]]) for user in range(60)]
    assert scorer.more.repeat > 0
    assert all(had[user] <= set(best[user]) for user in range(60))


@pytest.mark.parametrize("log", [_circle, _once, _habits])
def test_next_scores__of_a_users_events_are_their_scores(log):
    history, scorer = _continued(log())
    everybody = Sequences(history.indptr, history.items, np.arange(60, dtype=np.int32))

    np.testing.assert_allclose(
        scorer.next_scores(everybody), scorer.scores(np.arange(60)), rtol=1e-4, atol=1e-4
    )


def test_next_scores__of_nothing_are_those_of_the_network():
    _, scorer = _continued(_circle())
    nothing = Sequences(np.zeros(2, np.int64), np.zeros(0, np.int32), np.full(1, -1, np.int32))

    np.testing.assert_array_equal(scorer.next_scores(nothing), np.zeros((1, N_ITEMS)))


def test_last_moments__are_where_the_newest_rows_of_one_time_begin():
    events = [(0, 1, 9.0), (0, 2, 3.0), (0, 3, 3.0), (2, 4, 5.0), (2, 5, 5.0), (3, 1, 3.0)]

    assert last_moments(grouped(events, 4, 6).history).tolist() == [1, 3, 3, 5]


def test_windows__of_held_users_end_before_their_last_moment():
    events = [(user, item, age) for user in range(300) for item, age in ((0, 9), (1, 8), (2, 3), (3, 3))]
    history = grouped(events, 300, 4).history
    held = held_users(history, np.random.default_rng(0))

    learned, judged = windows_of(history, 4, held)

    assert held.sum() == 30
    assert all(each.tolist() == [1, 2] for each in judged.items)
    assert {int(each[-1]) for each in judged.targets} <= {3, 4}
    assert all(
        each.tolist() == [1]
        for each, user in zip(learned.items, learned.users, strict=True)
        if held[user - 1]
    )
