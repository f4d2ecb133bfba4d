import numpy as np
import pytest

from tasks.numeric.rank_trees import Forests, Growth, grow

SMALL = Growth(forests=2, rounds=20, learning_rate=0.1, leaves=4, min_leaf=5)
LISTS, LENGTH = 80, 10


@pytest.fixture
def lesson(rng):
    """Lists in which what has the second signal above 0.8 is taken, and the first says nothing."""
    table = rng.random((LISTS * LENGTH, 2)).astype(np.float32)
    taken = (table[:, 1] > 0.8).astype(np.float64)
    return table, taken, np.full(LISTS, LENGTH), np.zeros(len(table))


def test_grow__lifts_what_was_taken(lesson):
    table, taken, *_ = lesson

    lift = Forests(tuple(grow(*lesson, SMALL, seed=1, n_threads=1))).lift(table, n_threads=1)

    best = lift.reshape(LISTS, LENGTH).argmax(axis=1)
    had_any = taken.reshape(LISTS, LENGTH).any(axis=1)
    assert taken.reshape(LISTS, LENGTH)[np.arange(LISTS), best][had_any].all()


def test_grow__starts_from_the_order_that_is_there(lesson):
    """A start that has the taken ones far ahead leaves next to nothing to learn."""
    table, taken, lengths, _ = lesson

    def spread(start):
        trees = grow(table, taken, lengths, start, SMALL, seed=1, n_threads=1)
        return np.ptp(Forests(tuple(trees)).lift(table, n_threads=1))

    assert spread(20.0 * taken) < 0.1 * spread(0.0 * taken)


def test_grow__gives_the_same_trees_on_any_number_of_threads(lesson):
    assert grow(*lesson, SMALL, seed=1, n_threads=1) == grow(*lesson, SMALL, seed=1, n_threads=2)


def test_grow__draws_anew_for_each_forest_and_seed(lesson):
    first, second = grow(*lesson, SMALL, seed=1, n_threads=1)
    other, _ = grow(*lesson, SMALL, seed=5, n_threads=1)

    assert len({first, second, other}) == 3


def test_grow__takes_lists_from_which_nothing_was_taken_often_or_at_all(lesson):
    table, taken, lengths, start = lesson
    taken[:LENGTH] = 0.0
    taken[LENGTH] = 1e6

    assert len(grow(table, taken, lengths, start, SMALL, seed=1, n_threads=1)) == 2


def test_shares__add_up_to_the_lift_and_name_the_signal_that_counts(lesson):
    table, taken, *_ = lesson
    forests = Forests(tuple(grow(*lesson, SMALL, seed=1, n_threads=1)))

    shares = forests.shares(table)

    np.testing.assert_allclose(shares.sum(axis=1), forests.lift(table, n_threads=1), atol=1e-6)
    assert (shares[taken > 0, 1] > np.abs(shares[taken > 0, 0])).all()
