import numpy as np
import pytest
from event_logs import full_log, random_log
from threadpoolctl import threadpool_limits

from tasks.models import ease
from tasks.models.ease import Config, fit


@pytest.fixture
def matrix(rng):
    return full_log(random_log(rng), 30, 20)


def _weights_by_regression(past, regularization):
    """Each item from all others, a ridge regression at a time."""
    n_items = past.shape[1]
    weights = np.zeros((n_items, n_items))
    for item in range(n_items):
        others = np.arange(n_items) != item
        x = past[:, others]
        system = x.T @ x + regularization * np.eye(n_items - 1)
        weights[others, item] = np.linalg.solve(system, x.T @ past[:, item])
    return weights


@pytest.mark.parametrize("block_rows", [3, 512])
def test_fit__is_a_ridge_regression_of_each_item_on_all_others(rng, matrix, monkeypatch, block_rows):
    monkeypatch.setattr(ease, "BLOCK_ROWS", block_rows)
    past = (matrix.by_user.to_scipy().toarray() > 0).astype(np.float64)

    scorer = fit(matrix, Config(regularization=5.0, weighting="binary"), rng=rng)

    expected = _weights_by_regression(past, 5.0)
    np.testing.assert_allclose(scorer.weights, expected, atol=1e-6)
    np.testing.assert_allclose(scorer.scores(np.array([4, 2])), (past @ expected)[[4, 2]], atol=1e-5)


def test_fit__has_the_same_bytes_with_any_number_of_blas_threads(rng):
    items = np.minimum(rng.zipf(1.3, 40_000) - 1, 399)
    events = np.column_stack([rng.integers(0, 900, 40_000), items, rng.uniform(0, 90, 40_000)])
    matrix = full_log([(int(u), int(i), a) for u, i, a in np.unique(events, axis=0)[:4_000]], 900, 400)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(fit(matrix, Config(), rng=rng).weights.tobytes())

    assert found[0] == found[1]


def test_fit__refuses_more_items_than_it_may_have_and_says_what_they_would_take(rng, matrix):
    with pytest.raises(ValueError, match=r"20 items, 0\.0 GB .* max_items = 19: use item_knn"):
        fit(matrix, Config(max_items=19), rng=rng)


def test_similar_items__are_by_partial_correlation(rng, matrix):
    scorer = fit(matrix, Config(regularization=5.0, weighting="binary"), rng=rng)
    past = (matrix.by_user.to_scipy().toarray() > 0).astype(np.float64)
    precision = np.linalg.inv(past.T @ past + 5.0 * np.eye(20))
    scale = np.sqrt(np.diag(precision))
    partial = -precision / np.outer(scale, scale)
    np.fill_diagonal(partial, -np.inf)

    codes, scores = scorer.similar_items(np.arange(20), 3)

    np.testing.assert_allclose(scores, -np.sort(-partial, axis=1)[:, :3], atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(partial, codes, 1), scores, atol=1e-5)


def test_fold_in__scores_a_known_past_as_training_did(rng, matrix):
    config = Config(weighting="log")
    scorer = fit(matrix, config, rng=rng)
    users = np.arange(matrix.n_users)

    folded = ease.fold_in(scorer, matrix.by_user, config)

    np.testing.assert_array_equal(folded.scores(users), scorer.scores(users))
