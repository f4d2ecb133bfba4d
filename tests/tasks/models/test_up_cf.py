import numpy as np
import pytest
from event_logs import full_log, random_log

from tasks.models import _sparse_scores
from tasks.models.up_cf import Config, fit


def _slow_scores(matrix, config):
    history, recent, had = matrix.history, np.zeros(matrix.by_user.shape), []
    for user in range(matrix.n_users):
        baskets = {}
        for at in range(history.indptr[user], history.indptr[user + 1]):
            baskets.setdefault(history.baskets[at], set()).add(history.items[at])
        late = list(baskets.values())[-config.recent_baskets :]
        for basket in late:
            recent[user, sorted(basket)] += 1 / len(late)
        had.append(set().union(*baskets.values()))
    scores = recent.copy()
    for user, mine in enumerate(had):
        for other, theirs in enumerate(had):
            if user != other and mine & theirs:
                sizes = len(mine) ** config.asymmetry * len(theirs) ** (1 - config.asymmetry)
                scores[user] += (len(mine & theirs) / sizes) ** config.locality * recent[other]
    return scores


@pytest.mark.parametrize(
    ("recent", "asymmetry", "locality"), [(2, 0.75, 3.0), (100, 0.0, 1.0), (1, 1.0, 5.0)]
)
def test_fit__scores_as_the_paper_says(rng, recent, asymmetry, locality):
    matrix = full_log(random_log(rng), 30, 20)
    config = Config(recent_baskets=recent, asymmetry=asymmetry, locality=locality)

    own = fit(matrix, config, rng=rng).own.to_scipy().toarray()

    np.testing.assert_allclose(own, _slow_scores(matrix, config), rtol=1e-5, atol=1e-9)


def test_fit__is_the_same_in_blocks_of_few_users(rng, monkeypatch):
    matrix = full_log(random_log(rng), 30, 20)
    whole = fit(matrix, Config(), rng=rng).own

    monkeypatch.setattr(_sparse_scores, "BLOCK_ENTRIES", 300)
    parts = fit(matrix, Config(), rng=rng).own

    np.testing.assert_array_equal(whole.indices, parts.indices)
    np.testing.assert_allclose(whole.values, parts.values, rtol=1e-6)


def test_fit__hears_users_own_voice_also_when_they_are_not_drawn(rng):
    matrix = full_log(random_log(rng), 30, 20)

    own = fit(matrix, Config(max_reference_users=1, recent_baskets=100), rng=rng).own

    assert (own.lengths() >= matrix.by_user.lengths()).all()
