from dataclasses import replace

import numpy as np
from holdouts import csr, holdout, random_case

from data_contracts.holdout import HeldOutEvents, HeldOutRatings
from tasks.numeric.permitted_truth import permitted_truth


def rows(truth):
    return [truth.items[a:b].tolist() for a, b in zip(truth.indptr, truth.indptr[1:], strict=False)]


def test_permitted_truth__is_what_sets_say(rng):
    truth, *_ = random_case(rng)
    allow = rng.random(truth.n_items) < 0.6

    left = permitted_truth(truth, allow)

    expected = [[item for item in row if allow[item]] for row in rows(truth)]
    unknown = truth.n_relevant - np.diff(truth.indptr)
    kept = [at for at, row in enumerate(expected) if len(row) + unknown[at] > 0]
    assert rows(left.holdout) == [expected[at] for at in kept]
    assert left.holdout.n_relevant.tolist() == [len(expected[at]) + unknown[at] for at in kept]
    assert left.holdout.user_codes.tolist() == truth.user_codes[kept].tolist()
    assert left.pairs == sum(map(len, rows(truth))) - sum(map(len, expected))
    assert left.users == truth.n_rows - len(kept)
    assert allow[left.holdout.basket_items].all()


def test_permitted_truth__events_stay_as_context_and_are_not_asked_for():
    truth = holdout([0, 1, -1], [[0, 1], [2], [1]], [(0, [0, 1]), (1, [2]), (-1, [2])], n_items=3)
    events = HeldOutEvents(
        np.array([0, 0, 1, 2], np.int32),
        np.array([0, 1, 2, 1], np.int32),
        np.array([0, 0, 1, -1], np.int32),
        np.arange(4),
    )
    codes = np.array([0, 1], np.int32)
    ratings = HeldOutRatings(codes, np.array([1, 2], np.int32), np.ones(2, np.float32), codes, codes)
    truth = replace(truth, events=events, ratings=ratings)

    left = permitted_truth(truth, np.array([True, True, False]), csr([[1], []], 3))

    rest = left.holdout
    assert (left.pairs, left.users) == (2, 1)
    assert rows(rest) == [[0], [1]]
    assert rest.events.rows.tolist() == [0, 0, 1]
    assert rest.events.items[rest.events.guessed].tolist() == [0, 1]
    assert rest.events.baskets.tolist() == [0, 0, -1]
    assert rest.basket_rows.tolist() == [0]
    assert rest.basket_items.tolist() == [0]
    assert len(rest.ratings.values) == 0


def test_permitted_truth__everything_allowed_changes_nothing(rng):
    truth, *_ = random_case(rng)

    left = permitted_truth(truth, np.ones(truth.n_items, np.bool_))

    assert (left.pairs, left.users) == (0, 0)
    assert (left.holdout.basket_items == truth.basket_items).all()
    assert (left.holdout.n_relevant == truth.n_relevant).all()
