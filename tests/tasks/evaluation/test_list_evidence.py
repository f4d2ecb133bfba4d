"""What lists say by category, by pairs of items and by score."""

import numpy as np
import pytest
from holdouts import csr, holdout, random_case

from data_contracts.interactions import Labels
from tasks.evaluation import list_evidence
from tasks.evaluation.list_evidence import DecidingLists, by_category, by_score, diversity
from tasks.numeric.scenarios import TopLists

N_ITEMS = 6
LABELS = Labels(("desk", "garden", "party"), csr([[0], [0, 1], [1], [1], [], []], 3))


def case(scores=None):
    truth = holdout([0, 1, -1], [[0, 1], [2, 4], [1]], [(0, [0, 1]), (1, [2]), (-1, [4])], n_items=N_ITEMS)
    rows = np.array([[0, 2], [2, 3], [4, -1]], np.int32)
    scores = np.full(rows.shape, -np.inf) if scores is None else scores
    return DecidingLists(TopLists(rows, np.array([4, -1], np.int32)), truth, scores.astype(np.float32))


def test_by_category__counts_what_was_taken_and_what_is_shown():
    found = {each.name: each for each in by_category(case(), LABELS, "precision@2", seed=0)}

    assert list(found) == ["desk", "garden", "other"]
    assert [(each.items, each.taken) for each in found.values()] == [(2, 3), (3, 3), (2, 1)]
    assert found["desk"].share_of_taken == pytest.approx(3 / 5)
    assert found["desk"].share_of_places == pytest.approx(1 / 5)
    assert found["garden"].share_of_places == pytest.approx(3 / 5)
    assert found["other"].other
    # of users 0 and 2, who took desk items, one hit among two places
    assert found["desk"].metric.value == pytest.approx(0.25)
    assert found["desk"].recall.value == pytest.approx(0.25)


def test_by_category__of_many_the_largest_stand_by_themselves(monkeypatch):
    monkeypatch.setattr(list_evidence, "N_CATEGORIES", 1)

    first, other = by_category(case(), LABELS, "basket_precision@2", seed=0)

    assert first.name == "desk"
    assert (other.name, other.items) == ("other", 4)
    assert other.metric is not None


def test_diversity__compares_lists_with_what_was_taken():
    by_label, by_user = diversity(case(), ("Kind", LABELS), csr([[0, 2], [2, 3], [4]], N_ITEMS))

    assert (by_label.by, by_label.measure, by_label.n_lists) == ("Kind", "jaccard", 3)
    assert by_label.lists == pytest.approx((1.0 + 0.0) / 2)
    assert by_label.taken == pytest.approx(0.5)
    assert by_user.measure == "cosine"
    assert by_user.lists == pytest.approx(1 - 0.5**0.5)
    assert by_user.taken == 1.0
    assert diversity(case(), None, csr([[], [], []], N_ITEMS))[0].lists is None


def test_by_score__hits_are_those_of_known_users():
    scores = np.array([[2.0, 1.0], [2.0, 0.5], [-np.inf, -np.inf]])

    found = by_score(case(scores))

    assert sum(each.places for each in found) == 4
    assert sum(round(each.places * each.hits.value) for each in found) == 2
    assert found[-1].hits.value == 1.0


def test_evidence__of_a_random_case_with_empty_rows_and_padding():
    rng = np.random.default_rng(1)
    truth, seen, rows = random_case(rng)
    scores = np.where(rows >= 0, rng.random(rows.shape), -np.inf).astype(np.float32)
    lists = DecidingLists(TopLists(rows, rows[0]), truth, scores)
    labels = Labels(("a", "b"), csr([[i % 2] if i % 3 else [] for i in range(truth.n_items)], 2))

    shares = by_category(lists, labels, "ndcg@8", seed=0)

    assert sum(each.share_of_places for each in shares) == pytest.approx(1)
    assert sum(each.places for each in by_score(lists)) == (rows >= 0).sum()
    assert all(0 <= each.lists <= 1 for each in diversity(lists, ("kind", labels), seen))


def test_evidence__of_a_truth_that_nobody_is_left_in():
    truth = holdout([], [], n_items=N_ITEMS)
    empty = np.empty((0, 2), np.int32)
    lists = DecidingLists(TopLists(empty, np.array([4, -1], np.int32)), truth, empty.astype(np.float32))

    assert by_score(lists) == ()
    assert [each.metric for each in by_category(lists, LABELS, "ndcg@2", seed=0)] == [None]
    assert [each.lists for each in diversity(lists, ("Kind", LABELS), csr([[0]], N_ITEMS))] == [None, None]
