"""The rule of courses: few events, content; many, collaborative."""

from dataclasses import replace

import numpy as np
import pytest
from event_logs import checkerboard, full_log
from pydantic import ValidationError

from data_contracts.errors import ConfigurationError
from data_contracts.interactions import Csr
from tasks.models import kinds_within, wals
from tasks.models._similar_users import most_similar
from tasks.models.hybrid import Config, explain, fit, fold_in

TASTE = {
    "kind": "wals",
    "n_factors": 4,
    "unobserved_weight": 0.1,
    "regularization": 0.01,
    "weighting": "count",
}


@pytest.fixture
def matrix():
    """40 items of two tastes in turn, of which 20 users each lack their own; then 8 new ones, labelled in turn."""
    events = [(u, i, 1.0 + i) for u in range(20) for i in range(40) if u % 2 == i % 2 and u != i]
    # A user of few events, and one of none.
    events += [(20, 0, 1.0), (20, 4, 1.0)]
    return full_log(events, 22, 48, catalogue_items=8)


def train(matrix, **parameters):
    config = Config(**({"collaborative": TASTE} | parameters))
    return fit(matrix, config, rng=np.random.default_rng(0)), config


@pytest.mark.parametrize(("k", "expected"), [(9, 0), (10, 1), (19, 1), (20, 2)])
def test_lists__give_one_place_in_ten_to_new_items(matrix, k, expected):
    scorer, _ = train(matrix)

    items, _ = scorer.top_k(np.arange(20), k, exclude=matrix.by_user)

    assert ((items >= 40).sum(axis=1) == expected).all()


def test_lists__of_known_items_are_the_collaborative_ones(matrix):
    scorer, _ = train(matrix)
    parameters = {key: value for key, value in TASTE.items() if key != "kind"}
    alone = wals.fit(matrix, wals.Config(**parameters), rng=np.random.default_rng(0))
    given = {"exclude": matrix.by_user, "allow": np.arange(48) < 40}

    mine, _ = scorer.top_k(np.arange(20), 10, **given)

    np.testing.assert_array_equal(mine, alone.top_k(np.arange(20), 10, **given)[0])


def test_new_items__are_in_the_order_of_content(matrix):
    scorer, _ = train(matrix)

    new = scorer.scores(np.arange(20))[:, 40:]
    content = scorer.content.scores(np.arange(20))[:, 40:]
    np.testing.assert_array_equal(np.argsort(-new, axis=1), np.argsort(-content, axis=1, kind="stable"))


def test_items_with_few_events__are_ordered_by_content_unless_the_user_has_had_them(matrix):
    scorer, _ = train(matrix, min_item_events=10)

    # Items below 20 have 9 buyers, items 0 and 4 ten with user 20, all others ten.
    few = [item for item in range(20) if item not in {0, 4}]
    assert np.flatnonzero(scorer.by_content).tolist() == [*few, *range(40, 48)]
    order = np.argsort(-scorer.scores(np.array([0]))[0])
    assert (order[:9] % 2 == 0).all()
    assert 2 in order[:20]  # user 0 had it


def test_users_with_few_events__may_get_the_list_of_the_most_similar_user(matrix):
    scorer, config = train(matrix, few_events="similar_user", min_user_events=3)

    assert scorer.as_user[:20].tolist() == list(range(20))
    assert scorer.as_user[20] == 2  # the first who had both
    assert scorer.as_user[21] == -1
    past = Csr(np.array([0, 1, 1]), np.int32([7]), np.float32([1]), 48)
    assert fold_in(scorer, past, config).as_user.tolist() == [1, -1]
    reasons = explain(scorer, matrix.by_user, 20, np.array([2]), config)
    assert "most alike" in reasons[0].how


def test_users_without_events__get_what_is_popular(matrix):
    scorer, config = train(matrix)

    listed = scorer.top_k(np.array([21]), 9)[0][0]
    popular = np.argsort(-scorer.content.popular, kind="stable")
    assert listed.tolist() == popular[:9].tolist()
    assert "popular" in explain(scorer, matrix.by_user, 21, listed[:1], config)[0].how


def test_explain__says_which_model_speaks(matrix):
    scorer, config = train(matrix)

    found = explain(scorer, matrix.by_user, 0, np.array([0, 44]), config)

    assert found[0].how.startswith("by wals: ")
    assert found[1].how.startswith("by content: ")
    assert found[1].past


def test_fold_in__of_known_pasts_gives_the_same_lists(matrix):
    scorer, config = train(matrix)

    folded = fold_in(scorer, matrix.by_user, config)
    again, first = (each.top_k(np.arange(20), 20, exclude=matrix.by_user)[0] for each in (folded, scorer))

    # The log is so regular that items tie but for the last bits: those may change places.
    assert (again == first).mean() > 0.85
    np.testing.assert_array_equal(np.isin(again, range(40, 48)), np.isin(first, range(40, 48)))


def test_fold_in__names_a_part_that_takes_no_new_users(matrix):
    scorer, config = train(matrix, collaborative={"kind": "popularity"})

    with pytest.raises(ConfigurationError, match=r"popularity.*few_events"):
        fold_in(scorer, matrix.by_user, config)


def test_new_items__may_be_in_the_order_of_a_collaborative_part_that_knows_them(matrix):
    part = TASTE | {"kind": "feature_wals"}
    scorer, config = train(matrix, collaborative=part, new_items_by="collaborative")

    new = scorer.scores(np.arange(20))[:, 40:]
    own = scorer.collaborative.scores(np.arange(20))[:, 40:]
    np.testing.assert_array_equal(np.argsort(-new, axis=1), np.argsort(-own, axis=1, kind="stable"))
    assert "by feature_wals" in explain(scorer, matrix.by_user, 0, np.array([44]), config)[0].how
    with pytest.raises(ValidationError, match="'wals' offers no new items"):
        Config(collaborative="wals", new_items_by="collaborative")


def test_config__refuses_itself_as_a_part_and_names_its_parts():
    with pytest.raises(ValidationError, match="stack itself"):
        Config(collaborative="hybrid")
    assert kinds_within("hybrid", {"collaborative": "bpr"}) == ("hybrid", "bpr", "content_cosine")


def test_most_similar__is_the_highest_cosine_of_those_who_may_be_named(rng):
    matrix, _ = checkerboard(12)
    past = replace(matrix.by_user)
    found = most_similar(past, matrix.by_user, np.arange(4, 12))
    dense = matrix.by_user.to_scipy().astype(bool).toarray().astype(float)
    unit = dense / np.linalg.norm(dense, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[:, 4:]

    assert np.array_equal(found, 4 + np.argmax(np.round(cosines, 12), axis=1))
