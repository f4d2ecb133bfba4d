from dataclasses import replace

import numpy as np
import pytest
import slow_metrics
from holdouts import csr, holdout, random_case

from data_contracts.holdout import HeldOutEvents
from tasks.numeric.slices import history_slices, item_slices, keep_items, of_rows, restrict, sample_users


def test_restrict__takes_what_was_had_out_of_users_and_baskets():
    """User 2 keeps item 5, user 3 had everything, the cold user and the guest lose nothing."""
    seen = csr([[], [], [1, 4], [6], []], 8)
    truth = holdout(
        [2, 3, -1],
        [[1, 5], [6], [1]],
        [(0, [1, 1]), (0, [1, 5, 5]), (1, [6]), (2, [1]), (-1, [1, 4])],
        n_items=8,
    )

    rest, kept = restrict(truth, seen)

    assert kept.tolist() == [0, 2]
    assert rest.user_codes.tolist() == [2, -1]
    assert rest.items.tolist() == [5, 1]
    assert rest.n_relevant.tolist() == [1, 1]
    assert rest.basket_rows.tolist() == [0, 1, -1]
    assert rest.basket_items.tolist() == [5, 5, 1, 1, 4]


def test_restrict__keeps_a_user_whose_only_new_item_no_list_can_hold():
    rest, kept = restrict(holdout([0], [[1]], [(0, [1]), (0, [])], n_items=2, unknown=[1]), csr([[1]], 2))

    assert kept.tolist() == [0]
    assert (rest.items.tolist(), rest.n_relevant.tolist()) == ([], [1])
    assert rest.n_baskets == 1


@pytest.mark.parametrize("seed", range(6))
def test_restrict__equals_the_slow_reference(seed):
    truth, seen, _ = random_case(np.random.default_rng(seed))

    rest, kept = restrict(truth, seen)

    users, baskets = slow_metrics.restrict(truth, seen)
    assert kept.tolist() == [row for row, _, _ in users]
    assert rest.user_codes.tolist() == truth.user_codes[kept].tolist()
    assert rest.n_relevant.tolist() == [n for _, _, n in users]
    assert [row.tolist() for row in np.split(rest.items, rest.indptr[1:-1])] == [row for _, row, _ in users]
    assert rest.basket_rows.tolist() == [row for row, _ in baskets]
    split = np.split(rest.basket_items, rest.basket_indptr[1:-1])
    assert [row.tolist() for row in split] == [row for _, row in baskets]


def test_restrict__names_both_catalogues_that_differ():
    with pytest.raises(ValueError, match="seen has 3 items; the holdout has 2"):
        restrict(holdout([0], [[1]], n_items=2), csr([[1]], 3))


def test_keep_items__leaves_only_users_and_baskets_with_wanted_items():
    truth = holdout([0, 1], [[0, 3], [2]], [(0, [0, 3, 3]), (1, [2]), (0, [])], n_items=4, unknown=[2, 2])

    rest, kept = keep_items(truth, np.array([False, True, False, True]))

    assert kept.tolist() == [0]
    assert (rest.items.tolist(), rest.n_relevant.tolist()) == ([3], [1])
    assert (rest.basket_rows.tolist(), rest.basket_items.tolist()) == ([0], [3, 3])


def test_history_slices__partition_users_by_distinct_past_items():
    seen = csr([[0], [0, 1, 2], list(range(11)), list(range(10))], 12)
    truth = holdout([0, 1, 2, 3, -1], [[0]] * 5, n_items=12)

    slices = {name: np.flatnonzero(rows).tolist() for name, rows in history_slices(truth, seen)}

    assert slices == {
        "history 0": [4, 5],
        "history 1-2": [0],
        "history 3-10": [1, 3],
        "history >10": [2],
        "cold": [4, 5],
        "warm": [0, 1, 2, 3],
    }


def test_item_slices__share_all_events_half_three_tenths_and_the_rest():
    slices = {
        name: np.flatnonzero(items).tolist()
        for name, items in item_slices(np.array([10.0, 50.0, 0.0, 30.0, 10.0]))
    }

    assert slices == {"head items": [1], "mid items": [3], "tail items": [0, 2, 4]}


def _per_user(truth):
    """Everything that a hold-out says of each user and basket."""
    users = [
        (
            int(code),
            truth.items[truth.indptr[row] : truth.indptr[row + 1]].tolist(),
            int(truth.n_relevant[row]),
        )
        for row, code in enumerate(truth.user_codes)
    ]
    baskets = [
        (int(row), truth.basket_items[truth.basket_indptr[at] : truth.basket_indptr[at + 1]].tolist())
        for at, row in enumerate(truth.basket_rows)
    ]
    return users, baskets


@pytest.mark.parametrize("seed", range(4))
def test_of_rows__keeps_what_belongs_to_the_users(seed):
    rng = np.random.default_rng(seed)
    truth, _, _ = random_case(rng)
    rows = np.sort(rng.choice(truth.n_rows, 7, replace=False))

    part = of_rows(truth, rows)

    users, baskets = _per_user(truth)
    expected = [
        (int(np.searchsorted(rows, row)) if row >= 0 else -1, items)
        for row, items in baskets
        if row in {-1, *rows}
    ]
    assert _per_user(part) == ([users[row] for row in rows], expected)


def test_of_rows__renumbers_events_and_what_is_guessed():
    truth = replace(
        holdout([0, 1, 2], [[1], [2], [3]], [(0, [1]), (1, [2]), (2, [3])], n_items=5),
        events=HeldOutEvents(
            np.int32([0, 1, 1, 2]), np.int32([1, 2, 4, 3]), np.int32([0, 1, -1, 2]), np.int64([0, 2, 3])
        ),
    )

    part = of_rows(truth, np.array([1, 2]))

    assert part.events.rows.tolist() == [0, 0, 1]
    assert part.events.items.tolist() == [2, 4, 3]
    assert part.events.baskets.tolist() == [0, -1, 1]
    assert part.events.guessed.tolist() == [1, 2]


def test_sample_users__draws_the_same_users_and_as_many_of_the_anonymous_baskets():
    n = 4_000
    baskets = [(row, [0]) for row in range(n)] + [(-1, [0])] * n
    truth = holdout(range(n), [[0]] * n, baskets, n_items=2)

    part, again, other = (sample_users(truth, 1_000, seed) for seed in (3, 3, 4))

    assert sample_users(truth, n, 3) is truth
    assert part.n_rows == 1_000
    assert part.user_codes.tolist() == again.user_codes.tolist() != other.user_codes.tolist()
    assert 900 < (part.basket_rows < 0).sum() < 1_100
    assert (part.basket_rows >= 0).sum() == 1_000
