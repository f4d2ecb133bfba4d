import numpy as np
import pytest

from tasks.numeric.rank_trees import Forests, Growth, grow

SMALL = Growth(forests=2, rounds=20, learning_rate=0.1, leaves=4, min_leaf=5)
LISTS, LENGTH = 80, 10


@pytest.fixture
def example(rng):
    """Lists in which what has the second signal above 0.8 is taken, and the first says nothing."""
    table = rng.random((LISTS * LENGTH, 2)).astype(np.float32)
    targets = (table[:, 1] > 0.8).astype(np.float64)
    return table, targets, np.full(LISTS, LENGTH), np.zeros(len(table))


def test_grow__lifts_what_was_taken(example):
    table, targets, *_ = example

    lift = Forests(tuple(grow(*example, SMALL, seed=1, n_threads=1))).lift(table, n_threads=1)

    best = lift.reshape(LISTS, LENGTH).argmax(axis=1)
    had_any = targets.reshape(LISTS, LENGTH).any(axis=1)
    assert targets.reshape(LISTS, LENGTH)[np.arange(LISTS), best][had_any].all()


def test_grow__starts_from_the_order_that_is_there(example):
    """A start that has the taken ones far ahead leaves next to nothing to learn."""
    table, targets, lengths, _ = example

    def spread(start):
        trees = grow(table, targets, lengths, start, SMALL, seed=1, n_threads=1)
        return np.ptp(Forests(tuple(trees)).lift(table, n_threads=1))

    assert spread(20.0 * targets) < 0.1 * spread(0.0 * targets)


def test_grow__gives_the_same_trees_on_any_number_of_threads(example):
    assert grow(*example, SMALL, seed=1, n_threads=1) == grow(*example, SMALL, seed=1, n_threads=2)


def test_grow__draws_anew_for_each_forest_and_seed(example):
    first, second = grow(*example, SMALL, seed=1, n_threads=1)
    other, _ = grow(*example, SMALL, seed=5, n_threads=1)

    assert len({first, second, other}) == 3


def test_grow__takes_lists_from_which_nothing_was_taken_often_or_at_all(example):
    table, targets, lengths, start = example
    targets[:LENGTH] = 0.0
    targets[LENGTH] = 1e6

    assert len(grow(table, targets, lengths, start, SMALL, seed=1, n_threads=1)) == 2


def test_shares__add_up_to_the_lift_and_name_the_signal_that_counts(example):
    table, targets, *_ = example
    forests = Forests(tuple(grow(*example, SMALL, seed=1, n_threads=1)))

    shares = forests.shares(table)

    np.testing.assert_allclose(shares.sum(axis=1), forests.lift(table, n_threads=1), atol=1e-6)
    assert (shares[targets > 0, 1] > np.abs(shares[targets > 0, 0])).all()
