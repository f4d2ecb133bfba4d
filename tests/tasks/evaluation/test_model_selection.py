import json

import numpy as np
import pytest

from data_contracts.evaluation import Evaluation
from tasks.evaluation.model_selection import Criterion, Fitness, Limits, choose, judge

METRIC = Criterion("precision@5", "repeat", seed=0, n_samples=500)
FIT = Fitness(not_finite=0, model_vocabulary="ab12", expected_vocabulary="ab12")


def _result(mean, *, coverage=0.5, identical=0.1, complete=1.0, forbidden=0):
    """An evaluation of 400 users whose metric has this mean, with the same noise for everybody."""
    noise = np.random.default_rng(0).normal(0, 0.05, size=400)
    facts = {"complete_share": complete, "identical_share": identical, "forbidden": forbidden}
    value = {"value": coverage, "low": coverage, "high": coverage}
    return Evaluation(
        {"repeat": {"coverage@5": value}, "lists": {"repeat": facts, "discovery": facts}},
        {"repeat.precision@5": (noise - noise.mean() + mean).astype(np.float32)},
    )


def _noisy(mean):
    """Another model: right for other users, so that differences are uncertain."""
    values = np.random.default_rng(1).normal(0, 0.05, size=400)
    result = _result(mean)
    arrays = {"repeat.precision@5": (values - values.mean() + mean).astype(np.float32)}
    return Evaluation(result.summary, arrays)


def _choose(results, candidates):
    baselines = [name for name in results if name not in candidates]
    return choose(results, METRIC, baselines=baselines, candidates=candidates)


def _judge(results, candidates, **options):
    fitness = options.pop("fitness", FIT)
    return judge(_choose(results, candidates), results, METRIC, fitness=fitness, **options)


def _rule(decision, name):
    return next(rule for rule in decision.rules if rule.name == name)


def test_choose__takes_the_best_of_the_candidates_that_surely_win():
    results = {"popularity": _result(0.1), "personal": _result(0.2), "a": _result(0.21), "b": _result(0.22)}

    choice = _choose(results, ["a", "b"])

    assert (choice.winner, choice.best_baseline) == ("b", "personal")
    assert choice.differences["a"].value == pytest.approx(0.01, abs=1e-6)


def test_choose__falls_back_to_the_best_baseline_when_a_lead_may_be_luck():
    results = {"popularity": _result(0.1), "personal": _result(0.2), "lucky": _noisy(0.201)}

    choice = _choose(results, ["lucky"])

    assert choice.differences["lucky"].low < 0.0 < choice.differences["lucky"].value
    assert choice.winner == "personal"


def test_choose__prefers_a_sure_candidate_to_a_better_but_unsure_one():
    results = {"personal": _result(0.2), "sure": _result(0.2005), "unsure": _noisy(0.203)}

    assert _choose(results, ["sure", "unsure"]).winner == "sure"


def test_choose__does_not_need_candidates():
    assert _choose({"popularity": _result(0.1)}, []).winner == "popularity"


def test_choose__names_models_without_a_result():
    with pytest.raises(ValueError, match=r"missing: \['wals'\]"):
        choose({"popularity": _result(0.1)}, METRIC, baselines=["popularity"], candidates=["wals"])


def test_judge__opens_and_lists_every_rule_with_value_and_limit():
    decision = _judge({"personal": _result(0.2), "blend": _result(0.25)}, ["blend"])

    told = json.loads(decision.model_dump_json())
    assert (told["open"], told["winner"]) == (True, "blend")
    assert [rule["name"] for rule in told["rules"]] == [
        "beats_best_baseline",
        "not_worse_than_live",
        "coverage",
        "complete_lists",
        "identical_lists",
        "no_forbidden_item",
        "finite_scores",
        "same_vocabulary",
    ]
    assert all({"name", "value", "limit", "passed"} <= set(rule) for rule in told["rules"])
    assert _rule(decision, "beats_best_baseline").value == pytest.approx(0.05, abs=1e-6)
    assert _rule(decision, "not_worse_than_live").value is None


@pytest.mark.parametrize(
    ("faults", "rule"),
    [
        ({"coverage": 0.009}, "coverage"),
        ({"identical": 0.96}, "identical_lists"),
        ({"complete": 0.99}, "complete_lists"),
        ({"forbidden": 1}, "no_forbidden_item"),
    ],
)
def test_judge__closes_on_one_bad_fact_about_the_lists(faults, rule):
    decision = _judge({"personal": _result(0.2), "blend": _result(0.25, **faults)}, ["blend"])

    assert not decision.open
    assert [found.name for found in decision.rules if not found.passed] == [rule]


@pytest.mark.parametrize(
    ("fitness", "rule"),
    [(Fitness(3, "ab12", "ab12"), "finite_scores"), (Fitness(0, "cd34", "ab12"), "same_vocabulary")],
)
def test_judge__closes_on_an_unfit_model(fitness, rule):
    decision = _judge({"personal": _result(0.2), "blend": _result(0.25)}, ["blend"], fitness=fitness)

    assert [found.name for found in decision.rules if not found.passed] == [rule]


@pytest.mark.parametrize(("live_mean", "opens"), [(0.24, True), (0.265, True), (0.275, False)])
def test_judge__lets_the_winner_lose_no_more_than_the_margin_against_live(live_mean, opens):
    results = {"personal": _result(0.2), "blend": _result(0.25)}

    decision = _judge(results, ["blend"], live=_result(live_mean), limits=Limits(margin_live=0.02))

    assert decision.open is opens
    assert _rule(decision, "not_worse_than_live").limit == -0.02


def test_judge__publishes_popularity_when_nothing_is_better_although_all_lists_are_equal():
    """The honest answer: equal lists are right for a model that gives everybody the same."""
    decision = _judge(
        {"popularity": _result(0.2, coverage=0.001, identical=1.0), "wals": _result(0.1)}, ["wals"]
    )

    assert decision.open
    assert decision.winner == "popularity"
    assert _rule(decision, "identical_lists").value == 1.0
    assert _rule(decision, "identical_lists").limit is None


def test_judge__does_not_excuse_a_personal_baseline_that_gives_everybody_the_same():
    decision = _judge({"personal_frequency": _result(0.2, identical=1.0)}, [])

    assert [rule.name for rule in decision.rules if not rule.passed] == ["identical_lists"]
