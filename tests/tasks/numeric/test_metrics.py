import numpy as np
import pytest
import slow_metrics
from holdouts import holdout, random_case
from sklearn.metrics import ndcg_score

from tasks.numeric.metrics import score_lists

STRANGER = np.array([3, 1, 2], dtype=np.int32)


def test_score_lists__equals_the_table_made_by_hand():
    """Three users at k = 3: hits at ranks 1 and 3 of 2 relevant; nothing; a short list of a cold user."""
    truth = holdout([4, 7, -1], [[5, 6], [0], [2]], n_items=10, unknown=[0, 3, 0])
    lists = np.array([[5, 9, 6], [1, 2, 3], [8, 2, -1]], dtype=np.int32)

    users = score_lists(lists, STRANGER, truth, [3]).users

    best_two = 1 + 1 / np.log2(3)
    expected = {
        "precision@3": [2 / 3, 0, 1 / 3],
        "recall@3": [1, 0, 1],
        "hit_rate@3": [1, 0, 1],
        "map@3": [(1 + 2 / 3) / 2, 0, 1 / 2],
        "ndcg@3": [1.5 / best_two, 0, 1 / np.log2(3)],
        "mrr@3": [1, 0, 0.5],
        "full_lists@3": [1, 1, 0],
    }
    assert set(users) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(users[name], values, rtol=1e-6, err_msg=name)


def test_score_lists__counts_basket_rows_and_serves_anonymous_baskets_with_the_cold_start_list():
    truth = holdout([0], [[1, 2]], [(0, [1, 1, 2, 9]), (-1, [3, 3, 3, 0]), (0, [])], n_items=10)
    lists = np.array([[1, 5, 9]], dtype=np.int32)

    baskets = score_lists(lists, STRANGER, truth, [1, 3]).baskets

    np.testing.assert_allclose(baskets["basket_precision@3"], [3 / 3, 3 / 3, 0])
    np.testing.assert_allclose(baskets["basket_precision@1"], [2, 3, 0])


@pytest.mark.parametrize("seed", range(6))
def test_score_lists__equals_the_slow_reference(seed):
    rng = np.random.default_rng(seed)
    truth, _, lists = random_case(rng)
    cold_start = lists[0]

    values = score_lists(lists, cold_start, truth, [1, 5, 8])

    for k in (1, 5, 8):
        for row in range(truth.n_rows):
            items = truth.items[truth.indptr[row] : truth.indptr[row + 1]].tolist()
            expected = slow_metrics.user_metrics(lists[row].tolist(), items, truth.n_relevant[row], k)
            for name, value in expected.items():
                assert values.users[f"{name}@{k}"][row] == pytest.approx(value, rel=1e-6), name
        for basket, row in enumerate(truth.basket_rows):
            rows = truth.basket_items[truth.basket_indptr[basket] : truth.basket_indptr[basket + 1]].tolist()
            ranked = (lists[row] if row >= 0 else cold_start).tolist()
            expected = slow_metrics.basket_precision(ranked, rows, k)
            assert values.baskets[f"basket_precision@{k}"][basket] == pytest.approx(expected, rel=1e-6)


def test_score_lists__ndcg_equals_scikit_learn_where_the_catalogue_holds_the_whole_truth():
    """scikit-learn cuts the ideal list at the relevant items it sees; ours also counts new items."""
    rng = np.random.default_rng(1)
    n_items, k = 20, 5
    truths = [rng.choice(n_items, size=n, replace=False).tolist() for n in (1, 3, 5, 9)]
    lists = np.array([rng.permutation(n_items) for _ in truths], dtype=np.int32)
    relevance, scores = np.zeros((4, n_items)), np.zeros((4, n_items))
    for row, truth in enumerate(truths):
        relevance[row, truth] = 1
        scores[row, lists[row]] = np.arange(n_items, 0, -1)

    ours = score_lists(lists, lists[0], holdout(range(4), truths, n_items=n_items), [k]).users["ndcg@5"]
    with_new = holdout(range(4), truths, n_items=n_items, unknown=[4, 2, 0, 0])
    lower = score_lists(lists, lists[0], with_new, [k]).users["ndcg@5"]

    theirs = [ndcg_score(relevance[[row]], scores[[row]], k=k) for row in range(4)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    found = np.array(theirs[:2]) > 0
    assert (lower[:2][found] < ours[:2][found]).all()
    np.testing.assert_allclose(lower[2:], theirs[2:], rtol=1e-6)


def test_score_lists__novelty_and_coverage_look_at_the_lists_of_holdout_users():
    truth = holdout([0, 1], [[0], [1]], n_items=4)
    lists = np.array([[0, 1], [0, -1]], dtype=np.int32)
    popularity = np.array([7.0, 3.0, 1.0, 1.0])

    values = score_lists(lists, np.array([2, 3], np.int32), truth, [1, 2], popularity=popularity)

    assert values.lists == {"coverage@1": 0.25, "coverage@2": 0.5}
    np.testing.assert_allclose(values.users["novelty@2"], [(1 + 2) / 2, 1])


@pytest.mark.parametrize(
    ("lists", "ks", "message"),
    [
        ([[0, 1, 2]], [3], r"one row for each of 2 users; got \(1, 3\)"),
        ([[0, 1, 2], [0, 1, 2]], [4], r"between 1 and the list length 3; got \[4\]"),
        ([[0, 1, 2], [0, 1, 2]], [], "between 1 and the list length"),
        ([[0, 1, 2], [0, 1, 10]], [3], "codes below 10, or -1; got 0 to 10"),
        ([[0, 1, 2], [5, 1, 5]], [3], "row 1 holds an item twice"),
        ([[0, -1, 2], [0, 1, 2]], [3], "row 0 has -1 before an item"),
    ],
)
def test_score_lists__refuses_lists_that_cannot_be_scored(lists, ks, message):
    truth = holdout([0, 1], [[0], [1]], n_items=10)

    with pytest.raises(ValueError, match=message):
        score_lists(np.array(lists, dtype=np.int32), STRANGER, truth, ks)
