import numpy as np
import pytest
from event_logs import full_log, random_log

from tasks.models import item_knn
from tasks.models.item_knn import Config, fit


@pytest.fixture
def matrix(rng):
    return full_log(random_log(rng), 30, 20)


def _neighbours(by_user, config):
    """Row j, column i: the shrunk cosine of i and j where j is among the best neighbours of i."""
    values = by_user.to_scipy().toarray().astype(np.float64)
    lengths = (values > 0).sum(axis=1)
    weights = np.log1p(values) / np.sqrt(1 + np.log1p(lengths))[:, None]
    common = weights.T @ weights
    norms = np.sqrt(np.diag(common))
    alike = common / (np.outer(norms, norms) + config.shrinkage + 1e-300)
    np.fill_diagonal(alike, 0)
    for item in range(len(alike)):
        order = np.lexsort((np.arange(len(alike)), -alike[item]))
        alike[item, order[config.neighbours :]] = 0
    return alike.T


@pytest.mark.parametrize(("neighbours", "itself"), [(3, 0.0), (50, 2.0)])
def test_fit__adds_up_the_neighbours_of_the_users_items(rng, matrix, neighbours, itself):
    config = Config(neighbours=neighbours, itself=itself, weighting="count")
    voices = _neighbours(matrix.by_user, config) + itself * np.eye(20)

    own = fit(matrix, config, rng=rng).own.to_scipy().toarray()

    np.testing.assert_allclose(own, matrix.by_user.to_scipy().toarray() @ voices, rtol=1e-4, atol=1e-6)


def test_similar_items__are_the_neighbours_best_first(rng, matrix):
    config = Config(neighbours=4)
    expected = _neighbours(matrix.by_user, config).T

    codes, scores = fit(matrix, config, rng=rng).similar_items(np.array([3, 0, 19]), 6)

    for line, item in enumerate((3, 0, 19)):
        there = codes[line] >= 0
        assert there.sum() == np.count_nonzero(expected[item])
        np.testing.assert_allclose(scores[line][there], -np.sort(-expected[item])[: there.sum()], rtol=1e-4)
        np.testing.assert_allclose(expected[item, codes[line][there]], scores[line][there], rtol=1e-4)


def test_fold_in__scores_a_known_past_as_training_did(rng, matrix):
    scorer = fit(matrix, Config(), rng=rng)

    folded = item_knn.fold_in(scorer, matrix.by_user, Config())

    np.testing.assert_array_equal(folded.scores(np.arange(30)), scorer.scores(np.arange(30)))


def test_explain__shares_are_parts_of_the_score(rng, matrix):
    config = Config(itself=0.5)
    scorer, user = fit(matrix, config, rng=rng), int(np.argmax(matrix.by_user.lengths()))
    item = int(scorer.top_k(np.array([user]), 1)[0][0, 0])
    past, values = matrix.by_user.row(user)
    voices = _neighbours(matrix.by_user, config) + 0.5 * np.eye(20)
    parts = voices[past, item] * np.log1p(values)

    (reason,) = item_knn.explain(scorer, matrix.by_user, user, np.array([item]), config, 3)

    assert reason.past[0][1] == pytest.approx(parts.max() / parts.sum(), rel=1e-4)
    assert dict(zip(past.tolist(), parts, strict=True))[reason.past[0][0]] == pytest.approx(parts.max())
