"""Other models as parts of the blend and of LambdaMART."""

from dataclasses import replace

import numpy as np
import pytest
from event_logs import full_log, random_log
from pydantic import ValidationError

from tasks.models import Need, blend, kinds_within, lambdamart, wals, wanted
from tasks.models._stacked_parts import StackedParts
from tasks.numeric.dense import DenseScorer
from tasks.numeric.ranking import recommend
from tasks.training.serialization import load_scorer, save_scorer

TASTE = wals.Config(n_factors=4, iterations=2, unobserved_weight=0.1, regularization=0.01)
SMALL = {"taste": TASTE, "inner_days": 20, "candidates": 6, "min_inner_events": 0, "min_inner_users": 0}


class OwnNumber(DenseScorer):
    """Everybody's best item is one that nobody had: the user code, counted among the last items."""

    shape = (30, 300)
    cold_start = None

    def scores(self, user_codes):
        return -np.abs(np.arange(self.shape[1]) - self.shape[1] + self.shape[0] - user_codes[:, None]).astype(
            np.float32
        )


def _blend(*parts, catalogue_items=0):
    matrix = full_log(random_log(np.random.default_rng(1)), 30, 20 + catalogue_items, catalogue_items)
    config = blend.Config(parts=parts, **SMALL)
    return matrix, blend.fit(matrix, config, rng=np.random.default_rng(7))


def test_part__is_named_by_kind_or_with_parameters_and_survives_json():
    config = blend.Config(parts=["bpr", {"kind": "als", "n_factors": 8}])

    assert [part.kind for part in config.parts] == ["bpr", "als"]
    assert config.parts[1].config().n_factors == 8
    assert blend.Config.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("no_such_model", "unknown model 'no_such_model'"),
        ("lambdamart", "'lambdamart' is a stack itself"),
        ("predicts_ratings", "'predicts_ratings' learns from ratings"),
        ({"kind": "bpr", "epochs": -1}, "greater than or equal to 1"),
    ],
)
def test_part__is_refused_where_it_cannot_be_one(part, words):
    with pytest.raises(ValidationError, match=words):
        blend.Config(parts=[part])


def test_needs__of_parts_are_those_of_the_stack():
    given = {"parts": ["needs_item_features"]}

    assert kinds_within("blend", given) == ("blend", "needs_item_features")
    assert kinds_within("lambdamart", {"candidates": given}) == ("lambdamart", "needs_item_features")
    assert Need.ITEM_FEATURES in wanted("blend", given)
    assert Need.ITEM_FEATURES not in wanted("blend", {})


def test_parts__are_signals_with_learned_weights_and_rank_as_the_dense_scores_say(tmp_path):
    _, scorer = _blend("bpr", "popularity")
    users = np.arange(30)

    dense = scorer.scores(users)
    items, scores = scorer.top_k(users, 5)

    assert scorer.names[-4:] == ("own, bpr", "new, bpr", "own, popularity", "new, popularity")
    assert (scorer.weights[-4:] != 0).any()
    np.testing.assert_allclose(
        np.take_along_axis(dense, items, axis=1), -np.sort(-dense, axis=1)[:, :5], rtol=1e-4
    )
    save_scorer(scorer, tmp_path)
    np.testing.assert_array_equal(load_scorer(tmp_path).top_k(users, 5)[1], scores)


def test_parts__find_candidates_that_nothing_else_finds():
    wide = blend.fit(
        full_log(random_log(np.random.default_rng(1)), 30, 300),
        blend.Config(**SMALL),
        rng=np.random.default_rng(7),
    )
    others = StackedParts(("own number",), (OwnNumber(),), 300)
    wide = replace(wide, others=others, weights=np.append(wide.weights, [0.0, 100.0]))

    assert recommend(wide, np.arange(30), 1)[0][:, 0].tolist() == list(range(270, 300))


def test_parts__list_no_item_without_events_and_take_allowed_ones_only():
    _, scorer = _blend("popularity", catalogue_items=4)
    allow = np.arange(24) < 10

    found, _ = scorer.others.find(np.arange(30), scorer.past, allow)

    assert found.max() < 10
    assert scorer.others.find(np.arange(30), scorer.past, None)[0].max() < 20


def test_explain__names_a_part_that_lifts_an_item():
    matrix, scorer = _blend("popularity")
    scorer.weights[-1] = 50.0
    user = 3
    items = recommend(scorer, np.array([user]), 1, exclude=matrix.by_user)[0][0]

    (reason,) = blend.explain(scorer, matrix.by_user, user, items, blend.Config(taste=TASTE))

    assert "popularity +" in reason.how


def test_lambdamart__sees_what_parts_say():
    matrix = full_log(random_log(np.random.default_rng(1)), 30, 20)
    config = lambdamart.Config(
        candidates=blend.Config(parts=["bpr"], **SMALL), windows=2, rounds=2, min_leaf=2
    )

    scorer = lambdamart.fit(matrix, config, rng=np.random.default_rng(7))

    assert scorer.names[-1] == "bpr"
    assert np.isfinite(scorer.scores(np.arange(30))).all()
