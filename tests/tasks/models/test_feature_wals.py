"""WALS drawn to what items' features say."""

from dataclasses import replace

import dense_wals
import numpy as np
import pytest
from event_logs import checkerboard
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix, ItemFeatures, Labels
from tasks.models import feature_wals, wals
from tasks.models._checkpoints import Resume
from tasks.models.feature_wals import Config, explain, fit, fold_in, with_events
from tasks.numeric.wals_side import GivenWeights

SMALL = {
    "n_factors": 6,
    "iterations": 6,
    "unobserved_weight": 0.1,
    "regularization": 0.02,
    "weighting": "count",
}
GROUPS = ("left", "right")


@pytest.fixture
def matrix(rng):
    """40 users of two groups like one half of 24 items each; 4 more items, whose halves are known, have no events."""
    groups = np.r_[np.arange(24) // 12, 0, 1, 0, 1]
    likes = np.where(np.arange(40)[:, None] % 2 == groups, 0.6, 0.03)
    likes[:, 24:] = 0
    base = GroupedMatrix.from_csr(csr_matrix((rng.random((40, 28)) < likes).astype(np.float32)))
    has = csr_matrix((np.ones(28, np.float32), (np.arange(28), groups)))
    labels = Labels(GROUPS, GroupedMatrix.from_csr(has).by_user)
    return replace(base, item_features=ItemFeatures(labels={"group": labels}), catalogue_items=4)


def train(matrix, **changes):
    return fit(matrix, Config(**(SMALL | changes)), rng=np.random.default_rng(0))


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
def test_new_items__stand_high_with_the_users_of_their_group(matrix, solver):
    scores = train(matrix, solver=solver).scores(np.arange(40))[:, 24:]

    favourite = scores.argmax(axis=1) % 2
    assert favourite.tolist() == [0, 1] * 20


def test_new_items__are_placed_alike_by_the_same_features(matrix):
    items = train(matrix).item_factors

    assert items[24] == pytest.approx(items[26])
    assert items[25] == pytest.approx(items[27])


def test_items__end_where_the_gradient_towards_the_features_is_zero(matrix):
    given = {
        "n_factors": 3,
        "iterations": 400,
        "solver": "cholesky",
        "feature_weight": 1.0,
        "newcomer_items": 0.0,
    }
    config = Config(**(SMALL | given))
    scorer = fit(matrix, config, rng=np.random.default_rng(0))

    known = with_events(matrix)
    _, items = wals.sides(known, config, GivenWeights())
    about = feature_wals.item_features(matrix, config)[:24]
    y = scorer.item_factors[:24]
    pulled = replace(items, prior=about @ feature_wals.feature_map(about, y, items, config))
    scale = np.abs(dense_wals.gradient(pulled, 0 * y, scorer.user_factors)).max()
    assert np.abs(dense_wals.gradient(pulled, y, scorer.user_factors)).max() < 1e-3 * scale
    assert np.abs(dense_wals.gradient(items, y, scorer.user_factors)).max() > 1e-2 * scale


def test_users__with_few_items_are_drawn_to_the_mean(matrix):
    config = Config(**(SMALL | {"n_factors": 3, "solver": "cholesky", "newcomer_items": 7.0}))
    scorer = fit(matrix, config, rng=np.random.default_rng(0))

    users, _ = wals.sides(with_events(matrix), config, GivenWeights())
    newness = 7 / (7 + matrix.by_user.lengths())
    pulled = replace(users, prior=np.float32(newness[:, None] * scorer.mean_user))
    expected = dense_wals.solve(pulled, scorer.item_factors[:24])
    assert scorer.user_factors == pytest.approx(expected, abs=1e-4)


def test_users__without_a_past_get_what_is_popular(matrix):
    # Everybody has item 5, and the new user nothing.
    pairs = matrix.by_user.to_scipy().tolil()
    pairs[:, 5] = 1
    base = GroupedMatrix.from_csr(pairs.tocsr())
    popular = replace(matrix, by_user=base.by_user, by_item=base.by_item)
    scorer = train(popular)

    nobody = fold_in(scorer, Csr(np.zeros(2, np.int64), np.int32([]), np.float32([]), 28), Config(**SMALL))

    assert nobody.top_k(np.array([0]), 1)[0].tolist() == [[5]]


def test_fit__without_weight_on_features_and_the_mean_is_plain_wals(matrix):
    scorer = train(matrix, feature_weight=0.0, newcomer_items=0.0)
    plain = wals.fit(with_events(matrix), wals.Config(**SMALL), rng=np.random.default_rng(0))

    np.testing.assert_array_equal(scorer.item_factors[:24], plain.item_factors)
    np.testing.assert_array_equal(scorer.user_factors, plain.user_factors)
    assert scorer.item_factors[24:].any()


def test_fit__resumes_from_a_checkpoint_as_if_never_interrupted(matrix):
    class Kept:
        def save(self, iteration, user_factors, item_factors):
            self.last = Resume(iteration, user_factors.copy(), item_factors.copy())

    kept, config = Kept(), Config(**SMALL)
    whole = fit(matrix, config, rng=np.random.default_rng(0))
    fit(
        matrix,
        Config(**(SMALL | {"iterations": 4, "checkpoint_every": 2})),
        rng=np.random.default_rng(0),
        checkpoint=kept,
    )
    resumed = fit(matrix, config, rng=np.random.default_rng(0), resume=kept.last)

    assert kept.last.iteration == 4
    np.testing.assert_array_equal(resumed.item_factors, whole.item_factors)


def test_fit__reports_an_objective_that_falls(matrix):
    seen = []

    fit(matrix, Config(**SMALL), rng=np.random.default_rng(0), progress=lambda *call: seen.append(call[2]))

    curve = [figures["objective"] for figures in seen]
    assert curve == sorted(curve, reverse=True)


def test_fold_in__of_known_pasts_gives_the_factors_of_the_training(matrix):
    scorer = train(matrix)

    folded = fold_in(scorer, matrix.by_user, Config(**SMALL))

    assert folded.user_factors == pytest.approx(scorer.user_factors, abs=1e-6)


def test_fold_in__hears_new_items_and_leaves_other_users_alone(matrix):
    scorer = train(matrix)
    # The first new user had an item of the right half that nobody had in training, the second one of the left.
    past = Csr(np.array([0, 1, 2]), np.int32([25, 3]), np.float32([1, 1]), 28)

    scores = fold_in(scorer, past, Config(**SMALL)).scores(np.arange(2))
    alone = fold_in(scorer, Csr(np.array([0, 1]), np.int32([3]), np.float32([1]), 28), Config(**SMALL))

    assert scores[0, 12:24].mean() > scores[0, :12].mean()
    assert scores[1, 12:24].mean() < scores[1, :12].mean()
    assert alone.scores(np.arange(1))[0] == pytest.approx(scores[1], abs=1e-6)


def test_explain__shares_of_a_new_item_are_those_of_its_score(matrix):
    scorer, config = train(matrix, solver="cholesky"), Config(**(SMALL | {"solver": "cholesky"}))

    known, new = explain(scorer, matrix.by_user, 0, np.array([3, 24]), config, 40)

    assert "placed by its features" in new.how
    assert known.how == "shares of the score"
    assert sum(share for _, share in new.past) == pytest.approx(1)


def test_fit__names_features_that_say_nothing_or_are_missing():
    matrix, _ = checkerboard(8)
    with pytest.raises(ValueError, match=r"8 items say nothing.*train wals instead"):
        train(matrix, labels=0.0, titles=0.0, numbers=0.0, dates=0.0)
    with pytest.raises(ValueError, match="needs item features of the 8 items"):
        train(replace(matrix, item_features=None))
