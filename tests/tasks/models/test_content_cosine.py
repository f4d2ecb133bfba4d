"""Content cosine: the items whose features are those of the past."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from event_logs import full_log, grouped
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix, ItemFeatures, Labels
from tasks.models import content_cosine
from tasks.models.content_cosine import Config, explain, fit, fold_in

GENRES = ("Action", "Comedy", "Drama", "Romance")
CATALOGUE = [set(genres) for size in (1, 2, 3) for genres in combinations(GENRES, size)] * 3
"""Sets of genres of the items; each set belongs to three items."""


def films(events=((0, 0, 1.0),), n_users=1):
    """A catalogue of films of which all is known by their genres."""
    pairs = [(item, GENRES.index(genre)) for item, genres in enumerate(CATALOGUE) for genre in genres]
    has = csr_matrix(
        (np.ones(len(pairs), np.float32), tuple(zip(*pairs, strict=True))),
        shape=(len(CATALOGUE), len(GENRES)),
    )
    labels = Labels(GENRES, GroupedMatrix.from_csr(has).by_user)
    return replace(
        grouped(list(events), n_users, len(CATALOGUE)),
        item_features=ItemFeatures(labels={"genres": labels}),
        catalogue_items=len(CATALOGUE) - 1,
    )


def train(matrix, **parameters):
    return fit(matrix, Config(**parameters), rng=np.random.default_rng(0))


def test_similar_items__of_a_romance_with_action_are_those_of_exactly_its_genres():
    romance = CATALOGUE.index({"Romance", "Action"})
    same = [code for code, genres in enumerate(CATALOGUE) if genres == CATALOGUE[romance] and code != romance]

    items, scores = train(films()).similar_items(np.array([romance]), 5)

    # Nobody has had any of these items.
    assert items[0, :2].tolist() == same
    np.testing.assert_allclose(scores[0, :2], 1, rtol=1e-6)
    assert scores[0, 2] < 0.9


def test_similar_items__with_nothing_in_common_are_not_listed():
    action = CATALOGUE.index({"Action"})

    items, scores = train(films()).similar_items(np.array([action]), len(CATALOGUE))

    listed = [code for code, genres in enumerate(CATALOGUE) if "Action" in genres and code != action]
    assert sorted(items[0][items[0] >= 0].tolist()) == listed
    assert (scores[0][len(listed) :] == -np.inf).all()


def test_scores__are_cosines_with_the_weighted_mean_of_the_past():
    matrix = films([(0, 0, 1.0), (0, 0, 2.0), (0, 7, 1.0)])
    scorer = train(matrix, weighting="count")
    rows = np.array([[genre in genres for genre in GENRES] for genres in CATALOGUE], float)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    mean = 2 * unit[0] + unit[7]

    np.testing.assert_allclose(scorer.scores(np.array([0]))[0], unit @ mean / np.linalg.norm(mean), atol=1e-5)


def test_users_without_a_past__and_ties_are_ordered_by_popularity():
    matrix = films([(0, 4, 1.0), (0, 4, 1.5), (0, 2, 1.0)], n_users=2)

    assert train(matrix).top_k(np.array([1]), 3)[0].tolist() == [[4, 2, 0]]


def test_fold_in__of_known_pasts_gives_the_same_scores():
    matrix = films([(0, 0, 1.0), (0, 5, 1.0), (1, 7, 1.0)], n_users=2)
    scorer = train(matrix)

    folded = fold_in(scorer, matrix.by_user, Config())

    np.testing.assert_array_equal(folded.scores(np.arange(2)), scorer.scores(np.arange(2)))


def test_explain__shares_are_parts_of_the_cosine():
    matrix = films([(0, CATALOGUE.index({"Action"}), 1.0), (0, CATALOGUE.index({"Drama"}), 1.0)])
    both, other = CATALOGUE.index({"Action", "Drama"}), CATALOGUE.index({"Comedy", "Romance"})

    found = explain(train(matrix), matrix.by_user, 0, np.array([both, other]), Config())

    assert [share for _, share in found[0].past] == pytest.approx([0.5, 0.5])
    assert found[1].past == []
    assert "nothing in common" in found[1].how


def test_blocks__of_users_and_features_change_no_score(monkeypatch):
    matrix = full_log([(user, user % 7, 1.0) for user in range(12)], 12, 20)
    scorer = train(matrix)
    whole, lists = scorer.scores(np.arange(12)), scorer.similar_items(np.arange(20), 4)

    monkeypatch.setattr(content_cosine, "DENSE_BYTES", 8 * 40)

    np.testing.assert_array_equal(scorer.scores(np.arange(12)), whole)
    np.testing.assert_array_equal(scorer.similar_items(np.arange(20), 4)[0], lists[0])


def test_features__that_say_nothing_or_are_missing_are_named():
    with pytest.raises(ValueError, match=r"42 items say nothing.*under .columns. or .items."):
        train(films(), labels=0.0)
    with pytest.raises(ValueError, match="needs item features of the 42 items"):
        train(replace(films(), item_features=None))
