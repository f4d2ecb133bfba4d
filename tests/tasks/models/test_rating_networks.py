"""Networks of ratings find tastes, and nothing in noise."""

import numpy as np
import pytest
from rated_tables import error, fitted, rated

pytest.importorskip("torch", reason="the extra neural is not installed")

from tasks.models import autoencoder, gmf, rating_means

FAST = {
    gmf: {"regularization": 0.01, "learning_rate": 0.3, "epochs": 100},
    autoencoder: {"learning_rate": 5e-3, "dropout": 0.1},
}


@pytest.mark.parametrize("model", [gmf, autoencoder])
def test_fit__finds_tastes_that_means_cannot_see(model):
    matrix, *held = rated(n_users=200, n_items=150)
    losses = []

    found = error(
        fitted(
            model, matrix, progress=lambda *call: losses.append(call[2]["validation_loss"]), **FAST[model]
        ),
        *held,
    )

    assert found < 0.8 * error(fitted(rating_means, matrix), *held)
    assert min(losses) < 0.8 * losses[0]


@pytest.mark.parametrize("model", [gmf, autoencoder])
def test_fit__stops_early_on_noise(model):
    epochs = []

    fitted(model, rated(taste=0.0, noise=1.0)[0], progress=lambda *call: epochs.append(call))

    assert len(epochs) < model.Config().epochs


@pytest.mark.parametrize("model", [gmf, autoencoder])
def test_predictions__of_users_and_items_without_ratings_are_means(model):
    matrix, *_ = rated()
    matrix.ratings.indptr[-1:] = matrix.ratings.indptr[-2]  # the last user's are gone
    ratings = type(matrix.ratings)(
        matrix.ratings.indptr,
        matrix.ratings.indices[: matrix.ratings.indptr[-1]],
        matrix.ratings.values[: matrix.ratings.indptr[-1]],
        matrix.ratings.n_cols,
    )
    scorer = fitted(model, type(matrix)(matrix.by_user, matrix.by_item, ratings=ratings))

    found = scorer.predict_ratings(np.array([-1, matrix.n_users - 1]), np.array([3, 3]))

    assert np.isfinite(found).all()
    assert abs(found[0] - found[1]) < 0.5
