import json

import numpy as np
import pytest
from holdouts import csr, holdout, lists, random_case

from tasks.numeric.scenarios import TopLists, evaluate, list_facts
from tasks.numeric.slices import restrict


def _evaluate(seed=0, **options):
    rng = np.random.default_rng(seed)
    truth, seen, repeat = random_case(rng)
    new = lists(rng, truth.user_codes, truth.n_items, repeat.shape[1])
    cold_start = np.arange(repeat.shape[1], dtype=np.int32)
    found = evaluate(
        TopLists(repeat, cold_start),
        TopLists(new, cold_start),
        truth,
        seen,
        ks=[2, 5],
        seed=3,
        n_samples=200,
        **options,
    )
    return found, truth, seen, repeat


def test_evaluate__summary_is_json_with_the_mean_of_the_kept_values_and_its_interval():
    found, truth, seen, _ = _evaluate()

    rest, _ = restrict(truth, seen)
    summary = json.loads(json.dumps(found.summary))
    for scenario, units in (("repeat", truth), ("discovery", rest)):
        assert {"precision@2", "ndcg@5", "basket_precision@5", "coverage@2", "novelty@5"} <= set(
            summary[scenario]
        )
        for name, entry in summary[scenario].items():
            assert entry["low"] <= entry["value"] <= entry["high"], name
            if not name.startswith("coverage"):
                values, clusters = found.units(scenario, name)
                assert values.dtype == np.float32
                assert len(values) == (units.n_baskets if clusters is not None else units.n_rows)
                assert entry["value"] == pytest.approx(values.mean(dtype="float64"), abs=1e-6)


def test_evaluate__gives_anonymous_baskets_clusters_of_their_own():
    found, truth, _, _ = _evaluate()

    _, clusters = found.units("repeat", "basket_precision@5")

    owned = truth.basket_rows >= 0
    assert (clusters[owned] == truth.basket_rows[owned]).all()
    assert len(np.unique(clusters[~owned])) == (~owned).sum()
    assert not np.isin(clusters[~owned], clusters[owned]).any()


def test_evaluate__slices_of_users_add_up_to_the_whole():
    found, truth, _, _ = _evaluate()

    slices = found.summary["slices"]["repeat"]
    values, _ = found.units("repeat", "recall@5")
    n_cold = int((truth.user_codes < 0).sum())
    total = n_cold * slices["cold"]["recall@5"]["value"]
    total += (truth.n_rows - n_cold) * slices["warm"]["recall@5"]["value"]
    assert total == pytest.approx(values.sum())
    assert {"history 0", "history 3-10", "head items", "tail items"} <= set(slices)


def test_evaluate__item_slices_ask_for_recall_of_that_part_of_the_truth():
    """Item 0 is the head; the list holds it, and none of the tail."""
    truth = holdout([0], [[0, 2, 3]], n_items=4)
    top = TopLists(np.array([[0, 1]], np.int32), np.array([0, 1], np.int32))

    found = evaluate(
        top, top, truth, csr([[]], 4), ks=[2], seed=0, popularity=np.array([70.0, 10.0, 5.0, 5.0])
    )

    slices = found.summary["slices"]["repeat"]
    assert slices["head items"]["recall@2"]["value"] == 1.0
    assert slices["tail items"]["recall@2"]["value"] == 0.0
    assert slices["mid items"] == {}


def test_evaluate__a_scenario_without_anything_left_has_no_means():
    truth = holdout([0], [[1]], n_items=2)
    top = TopLists(np.array([[1]], np.int32), np.array([1], np.int32))
    nothing = TopLists(np.array([[0]], np.int32), np.array([1], np.int32))

    found = evaluate(top, nothing, truth, csr([[1]], 2), ks=[1], seed=0)

    assert found.summary["repeat"]["precision@1"]["value"] == 1.0
    assert "precision@1" not in found.summary["discovery"]


def test_evaluation__units_names_what_there_is():
    found, *_ = _evaluate()

    with pytest.raises(ValueError, match=r"'repeat\.coverage@5'; there are \['discovery\.basket"):
        found.units("repeat", "coverage@5")


def test_list_facts__count_short_equal_and_forbidden_lists():
    """Four users of four items; user 3 had three of them, so that a list of one is complete."""
    seen = csr([[0], [], [1], [0, 1, 2]], 4)
    rows = np.array([[0, 1], [2, 3], [2, 3], [3, -1], [2, -1]], dtype=np.int32)
    truth = holdout([0, 1, 2, 3, -1], [[0]] * 5, n_items=4)

    facts = list_facts(rows, truth, seen)

    assert facts == {"complete_share": 4 / 5, "identical_share": 2 / 4, "forbidden": 1}
    assert list_facts(rows, truth, None)["complete_share"] == 3 / 5
    assert list_facts(rows, truth, None)["forbidden"] == 0
