"""A limit on how many items' lists a user stands on, against going through all pairs one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.numeric.fair_owners import fair_owners
from tasks.numeric.ranking import target
from tasks.numeric.scorers import Factors


def slow_fair_owners(scores, k, most):
    """As the docstring says it; scores (n_items, n_users)."""
    n_items, n_users = scores.shape
    lists, left = [[] for _ in range(n_items)], [most] * n_users
    pairs = [(-scores[i, u], i, u) for i in range(n_items) for u in range(n_users) if scores[i, u] > -np.inf]
    for _, item, user in sorted(pairs):
        if len(lists[item]) < k and left[user]:
            lists[item].append(user)
            left[user] -= 1
    return [each + [-1] * (k - len(each)) for each in lists]


def ask(scores, asked=None):
    def best(item_codes, depth):
        if asked is not None:
            asked.append((len(item_codes), depth))
        order = np.lexsort((np.broadcast_to(np.arange(scores.shape[1]), scores.shape), -scores))[
            item_codes, :depth
        ]
        values = np.take_along_axis(scores[item_codes], order, axis=1)
        return np.where(values > -np.inf, order, -1).astype(np.int32), values.astype(np.float32)

    return best


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 14), st.integers(1, 5), st.integers(1, 4))
def test_fair_owners__is_what_going_through_all_pairs_gives(seed, n_items, n_users, k, most):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, (n_items, n_users)).astype(np.float32)  # with many ties
    scores[rng.random(scores.shape) < 0.2] = -np.inf

    users, values = fair_owners(ask(scores), n_items, n_users, k, most)

    assert users.tolist() == slow_fair_owners(scores, k, most)
    assert np.array_equal(values > -np.inf, users >= 0)


def test_fair_owners__looks_no_deeper_than_it_must():
    asked, scores = [], np.random.default_rng(0).random((50, 4000), np.float32)

    fair_owners(ask(scores, asked), 50, 4000, k=5, most=1)

    assert asked[0] == (50, 10)
    assert max(depth for _, depth in asked) <= 80


def test_fair_owners__one_user_who_fits_everything_stands_on_one_list():
    """Without the limit the first user heads every list."""
    rng = np.random.default_rng(1)
    users = rng.random((30, 4)).astype(np.float32)
    users[0] = 10
    scorer = Factors(users, rng.random((20, 4)).astype(np.float32), np.zeros(20, np.float32))
    assert (target(scorer, None, 3)[0][:, 0] == 0).all()

    lists, _ = fair_owners(lambda items, depth: target(scorer, items, depth), 20, 30, k=3, most=2)

    assert (np.bincount(lists.ravel(), minlength=30) == 2).all()


@pytest.mark.parametrize(("k", "most"), [(0, 1), (1, 0)])
def test_fair_owners__refuses_lists_of_nothing(k, most):
    with pytest.raises(ValueError, match="at least 1"):
        fair_owners(ask(np.zeros((1, 1))), 1, 1, k, most)
