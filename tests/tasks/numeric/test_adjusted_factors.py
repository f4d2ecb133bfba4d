import numpy as np
import pytest

from data_contracts.interactions import Csr
from tasks.numeric.adjusted_factors import AdjustedFactors
from tasks.numeric.csr import marked

N_USERS, N_ITEMS = 700, 40


def _random(rng, share, values):
    there = np.argwhere(rng.random((N_USERS, N_ITEMS)) < share)
    found = marked(there[:, 0], there[:, 1], N_USERS, N_ITEMS)
    return Csr(found.indptr, found.indices, values(len(found.indices)).astype(np.float32), N_ITEMS)


@pytest.fixture
def scorer(rng):
    x, y = (rng.normal(size=(n, 6)).astype(np.float32) for n in (N_USERS, N_ITEMS))
    added = _random(rng, 0.2, lambda n: rng.normal(scale=5, size=n))
    return AdjustedFactors(x, y, rng.normal(size=N_ITEMS).astype(np.float32), added)


def _expected(dense, k, without, denied=()):
    dense = dense.copy()
    dense[without] = -np.inf
    dense[:, list(denied)] = -np.inf
    order = np.argsort(-dense, axis=1, kind="stable")[:, :k]
    return np.where(np.isinf(np.take_along_axis(dense, order, axis=1)), -1, order)


def _dense(scorer):
    return scorer.user_factors @ scorer.item_factors.T + scorer.item_bias + scorer.added.to_scipy().toarray()


def test_scores__add_what_a_pair_has(scorer):
    np.testing.assert_allclose(scorer.scores(np.array([5, 2])), _dense(scorer)[[5, 2]], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("k", [1, 7, N_ITEMS])
def test_top_k__is_that_of_the_dense_scores(scorer, rng, k):
    users, without = np.array([3, 699, 0, *range(10, 300)]), _random(rng, 0.3, np.ones)
    allow = np.arange(N_ITEMS) % 5 != 0

    codes, scores = scorer.top_k(users, k, exclude=without, allow=allow)

    masked = without.to_scipy().toarray()[users] > 0
    expected = _expected(_dense(scorer)[users], k, masked, np.flatnonzero(~allow))
    np.testing.assert_array_equal(codes, expected)
    # To the last bit: the product is summed in float64 and rounded, whatever BLAS this machine has, then added to.
    products = scorer.user_factors.astype(float) @ scorer.item_factors.T.astype(float) + scorer.item_bias
    exact = products.astype(np.float32) + scorer.added.to_scipy().toarray()
    there = codes >= 0
    np.testing.assert_array_equal(scores[there], exact[users][np.nonzero(there)[0], codes[there]])


def test_top_users__is_that_of_the_dense_scores(scorer):
    codes, _ = scorer.top_users(np.array([4, 0, 39]), 9)

    dense = _dense(scorer).T[[4, 0, 39]]
    np.testing.assert_array_equal(codes, _expected(dense, 9, np.zeros(dense.shape, bool)))


def test_nothing_added__is_a_product_of_factors(scorer):
    plain = AdjustedFactors(scorer.user_factors, scorer.item_factors, scorer.item_bias)

    codes, _ = plain.top_k(np.arange(20), 5)

    dense = (scorer.user_factors @ scorer.item_factors.T + scorer.item_bias)[:20]
    np.testing.assert_array_equal(codes, _expected(dense, 5, np.zeros(dense.shape, bool)))
