import numpy as np
import pytest

from data_contracts.evaluation import Evaluation
from tasks.evaluation.judgement import Fitness, judge
from tasks.evaluation.model_selection import Criterion, choose

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
