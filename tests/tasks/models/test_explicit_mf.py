"""Models of ratings on tables of low rank, and on noise."""

import numba
import numpy as np
import pytest
from rated_tables import error, fitted, rated
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from tasks.models import explicit_mf, rating_means


def test_explicit_mf__finds_tastes_that_means_cannot_see():
    matrix, *held = rated()

    means = error(fitted(rating_means, matrix), *held)
    found = error(fitted(explicit_mf, matrix, n_factors=4, regularization=0.5), *held)

    assert found < 0.5 * means


def test_explicit_mf__stops_at_once_on_noise_and_goes_on_where_there_is_taste():
    noise, taste = [], []

    fitted(explicit_mf, rated(taste=0.0, noise=1.0)[0], progress=lambda *call: noise.append(call))
    fitted(
        explicit_mf, rated()[0], n_factors=4, regularization=0.5, progress=lambda *call: taste.append(call)
    )

    searched = [call for call in noise if "validation_rmse" in call[2]]
    assert len(searched) < explicit_mf.Config().iterations
    assert len(noise) < len(taste)


def test_explicit_mf__gives_the_same_bytes_on_any_number_of_threads():
    matrix, before, found = rated(n_users=3000)[0], numba.get_num_threads(), []
    for threads in (1, before):
        numba.set_num_threads(threads)
        found.append(fitted(explicit_mf, matrix, iterations=2).item_factors.tobytes())
    numba.set_num_threads(before)

    assert found[0] == found[1]


@pytest.mark.parametrize("model", [explicit_mf, rating_means])
def test_predictions__stay_on_the_scale_and_unknown_users_get_the_items_mean(model):
    matrix, users, items, _ = rated()
    scorer = fitted(model, matrix)

    found = scorer.predict_ratings(users, items)

    assert found.min() >= matrix.ratings.values.min()
    assert found.max() <= matrix.ratings.values.max()
    np.testing.assert_allclose(scorer.predict_ratings(np.array([-1]), np.array([5])), scorer.item_bias[5])


@pytest.mark.parametrize("model", [explicit_mf, rating_means])
def test_ratings__must_be_there_and_finite(model):
    matrix = rated()[0]
    with pytest.raises(ValueError, match="no entries with ratings"):
        fitted(model, GroupedMatrix(matrix.by_user, matrix.by_item))
    matrix.ratings.values[3] = np.nan
    with pytest.raises(ValueError, match="ratings must be finite"):
        fitted(model, matrix)


def test_rating_means__believe_what_differs_by_more_than_chance():
    matrix, *held = rated(taste=0.0, noise=0.01)
    noise, *noisy = rated(taste=0.0, noise=3.0)

    sure = rating_means.Config().settled(matrix, rng=np.random.default_rng(0))
    unsure = rating_means.Config().settled(noise, rng=np.random.default_rng(0))

    assert sure.item_damping < 5 < unsure.item_damping
    assert error(fitted(rating_means, matrix), *held) < 0.1
    assert error(fitted(rating_means, noise), *noisy) < 1.02 * np.std(noisy[2])


def test_rating_means__are_damped_and_alternate():
    matrix = GroupedMatrix.from_csr(csr_matrix(np.array([[5.0, 1.0], [5.0, 0.0]])))
    matrix = GroupedMatrix(matrix.by_user, matrix.by_item, ratings=matrix.by_user)

    exact = fitted(rating_means, matrix, user_damping=0.0, item_damping=0.0)
    damped = fitted(rating_means, matrix, user_damping=1e6, item_damping=1e6)

    np.testing.assert_allclose(
        exact.predict_ratings(np.array([0, 0, 1]), np.array([0, 1, 0])), [5, 1, 5], atol=0.05
    )
    np.testing.assert_allclose(damped.predict_ratings(np.array([0]), np.array([1])), 11 / 3, atol=1e-4)


def test_rating_means__have_a_list_for_unknown_users_and_so_has_explicit_mf():
    matrix = rated()[0]

    means = fitted(rating_means, matrix)

    np.testing.assert_array_equal(means.cold_start, means.item_bias)
    both = fitted(explicit_mf, matrix, iterations=1)
    np.testing.assert_array_equal(both.cold_start, both.item_bias)
