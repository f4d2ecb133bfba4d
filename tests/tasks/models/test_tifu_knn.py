import numpy as np
import pytest
from event_logs import full_log, random_log

from tasks.models.tifu_knn import Config, Neighbours, fit


def _slow_vector(baskets, n_items, config):
    """One user's vector, basket by basket as in the paper."""
    n_groups = min(config.groups, len(baskets))
    base, extra = divmod(len(baskets), n_groups)
    sizes = [base] * (n_groups - extra) + [base + 1] * extra
    vector = np.zeros(n_items)
    for group, size in enumerate(sizes):
        mine, baskets = baskets[:size], baskets[size:]
        mean = np.zeros(n_items)
        for place, basket in enumerate(mine):
            mean[sorted(basket)] += config.basket_fade ** (size - 1 - place) / size
        vector += config.group_fade ** (n_groups - 1 - group) * mean / n_groups
    return vector


def _slow_scores(matrix, config):
    history, vectors = matrix.history, []
    for user in range(matrix.n_users):
        events = range(history.indptr[user], history.indptr[user + 1])
        baskets = {}
        for at in events:
            baskets.setdefault(history.baskets[at], set()).add(history.items[at])
        found = list(baskets.values())
        vectors.append(_slow_vector(found, matrix.n_items, config) if found else np.zeros(matrix.n_items))
    vectors = np.array(vectors)
    known = np.flatnonzero(vectors.any(axis=1))
    scores = config.own_share * vectors
    for user in range(matrix.n_users):
        others = known[known != user]
        near = others[np.argsort(np.linalg.norm(vectors[others] - vectors[user], axis=1), kind="stable")]
        scores[user] += (1 - config.own_share) * vectors[near[: config.neighbours]].mean(axis=0)
    return scores


@pytest.mark.parametrize("groups", [1, 3, 7, 100])
def test_fit__scores_as_the_paper_says(rng, groups):
    matrix = full_log(random_log(rng, n_events=500), 30, 20)
    config = Config(neighbours=4, groups=groups, basket_fade=0.8, group_fade=0.6, own_share=0.5)

    own = fit(matrix, config, rng=rng).own.to_scipy().toarray()

    np.testing.assert_allclose(own, _slow_scores(matrix, config), rtol=1e-5, atol=1e-9)


def test_neighbours__are_drawn_from_the_reference_and_never_the_user(rng):
    matrix = full_log(random_log(rng), 30, 20)
    vectors = matrix.by_user.to_scipy().astype(np.float64)
    near = Neighbours(vectors, np.array([3, 7]), 2).mean(np.array([3, 5])).toarray()

    # User 3 has one other to listen to; a second place is left to nobody.
    np.testing.assert_allclose(near[0], vectors[7].toarray().ravel())
    np.testing.assert_allclose(near[1], vectors[[3, 7]].toarray().mean(axis=0))


def test_fit__with_few_reference_users_repeats_by_seed(rng):
    matrix = full_log(random_log(rng), 30, 20)
    config = Config(neighbours=3, max_reference_users=8)

    first, again, other = (fit(matrix, config, rng=np.random.default_rng(s)).own.values for s in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
