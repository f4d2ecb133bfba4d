import json

import numpy as np
import pytest

from data_contracts.evaluation import Evaluation, RuleResult
from tasks.evaluation.evidence import EvidenceLimits, evidence_rules
from tasks.evaluation.judgement import Fitness, Limits, judge
from tasks.evaluation.model_selection import Criterion, choose

METRIC = Criterion("precision@5", "repeat", seed=0, n_samples=500)
FIT = Fitness(not_finite=0, model_vocabulary="ab12", expected_vocabulary="ab12")


def _result(
    mean,
    *,
    coverage=0.5,
    identical=0.1,
    complete=1.0,
    forbidden=0,
    known_users=300,
    low=None,
    high=None,
):
    """An evaluation of 400 users whose metric has this mean, with the same noise for everybody."""
    noise = np.random.default_rng(0).normal(0, 0.05, size=400)
    facts = {"complete_share": complete, "identical_share": identical, "forbidden": forbidden}
    value = {"value": coverage, "low": coverage, "high": coverage}
    own = {
        "value": mean,
        "low": mean - 0.01 if low is None else low,
        "high": mean + 0.01 if high is None else high,
    }
    return Evaluation(
        {
            "repeat": {"coverage@5": value, "precision@5": own},
            "lists": {"repeat": facts, "discovery": facts},
            "evidence": {"repeat": {"known_users": known_users, "known_baskets": 4}},
        },
        {"repeat.precision@5": (noise - noise.mean() + mean).astype(np.float32)},
    )


def _choose(results, candidates):
    baselines = [name for name in results if name not in candidates]
    return choose(results, METRIC, baselines=baselines, candidates=candidates)


def _judge(results, candidates, **options):
    fitness = options.pop("fitness", FIT)
    return judge(_choose(results, candidates), results, METRIC, fitness=fitness, **options)


def _rule(decision, name):
    return next(rule for rule in decision.rules if rule.name == name)


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
    assert [found.name for found in decision.rules if found.broken] == [rule]


@pytest.mark.parametrize(
    ("fitness", "rule"),
    [(Fitness(3, "ab12", "ab12"), "finite_scores"), (Fitness(0, "cd34", "ab12"), "same_vocabulary")],
)
def test_judge__closes_on_an_unfit_model(fitness, rule):
    decision = _judge({"personal": _result(0.2), "blend": _result(0.25)}, ["blend"], fitness=fitness)

    assert [found.name for found in decision.rules if found.broken] == [rule]


@pytest.mark.parametrize(("live_mean", "opens"), [(0.24, True), (0.265, True), (0.275, False)])
def test_judge__lets_the_winner_lose_no_more_than_the_margin_against_live(live_mean, opens):
    results = {"personal": _result(0.2), "blend": _result(0.25)}

    decision = _judge(results, ["blend"], live=_result(live_mean), limits=Limits(margin_live=0.02))

    assert decision.open is opens
    assert _rule(decision, "not_worse_than_live").limit == -0.02


def test_judge__publishes_popularity_when_nothing_is_better_although_all_lists_are_equal():
    """The honest answer: equal lists are right for a model that gives everybody the same."""
    decision = _judge(
        {"popularity": _result(0.2, coverage=0.001, identical=1.0), "wals": _result(0.1)},
        ["wals"],
        same_for_all=["popularity"],
    )

    assert decision.open
    assert decision.winner == "popularity"
    assert _rule(decision, "identical_lists").value == 1.0
    assert _rule(decision, "identical_lists").passed is None
    assert _rule(decision, "identical_lists").limit is None


def test_judge__does_not_excuse_a_personal_baseline_that_gives_everybody_the_same():
    decision = _judge({"personal_frequency": _result(0.2, identical=1.0)}, [])

    assert [rule.name for rule in decision.rules if rule.broken] == ["identical_lists"]


def _evidence(passed):
    return RuleResult(name="known_users", value=3, limit=10, passed=passed, meaning="", level="evidence")


@pytest.mark.parametrize(
    ("passed", "publish", "faults", "verdict", "publishes"),
    [
        (True, True, {}, "open", True),
        (True, False, {}, "open", True),
        (None, False, {}, "open", True),
        (False, True, {}, "undecided", True),
        (False, False, {}, "undecided", False),
        # What may not be shown may not be shown, however little is known.
        (False, True, {"complete": 0.9}, "closed", False),
        (False, True, {"forbidden": 1}, "closed", False),
    ],
)
def test_judge__too_little_evidence_is_a_verdict_of_its_own(passed, publish, faults, verdict, publishes):
    decision = _judge(
        {"personal": _result(0.2), "blend": _result(0.25, **faults)},
        ["blend"],
        evidence=[_evidence(passed)],
        publish_undecided=publish,
    )

    assert (decision.verdict, decision.publishes, decision.open) == (verdict, publishes, verdict == "open")


def test_judge__does_not_compare_without_evidence():
    """Much worse than what is live, on three users: that closes nothing."""
    results = {"personal": _result(0.2), "blend": _result(0.25)}

    decision = _judge(results, ["blend"], live=_result(0.9), evidence=[_evidence(passed=False)])

    assert decision.verdict == "undecided"
    assert _rule(decision, "not_worse_than_live").passed is None
    assert _rule(decision, "beats_best_baseline").passed is None


def test_judge__what_does_not_apply_is_not_passed():
    decision = _judge({"personal": _result(0.2)}, [])

    not_applicable = [rule.name for rule in decision.rules if rule.passed is None]
    assert not_applicable == ["beats_best_baseline", "not_worse_than_live"]
    assert decision.open


def test_judge__a_model_is_not_compared_with_itself():
    results = {"personal": _result(0.0), "blend": _result(0.25)}

    decision = _judge(results, ["blend"], live=results["blend"], limits=Limits(margin_live=0.0))

    assert decision.open
    assert _rule(decision, "not_worse_than_live").meaning == "the winner is what is live"


def test_judge__exactly_at_the_margin_is_not_above_it():
    """One rule everywhere: the low end must lie above minus the margin."""
    results = {"personal": _result(0.2), "blend": _result(0.25)}
    same = _result(0.25)

    assert not _judge(results, ["blend"], live=same, limits=Limits(margin_live=0.0)).open
    assert _judge(results, ["blend"], live=same, limits=Limits(margin_live=1e-6)).open


def _rated(error):
    """A model whose every squared error is error^2, of 400 pairs of 100 users."""
    result = _result(0.2)
    entry = {"value": error, "low": error - 0.01, "high": error + 0.01}
    result.summary["repeat"]["rmse"] = entry
    result.summary["evidence"] = {"repeat": {"known_users": 100, "known_baskets": 0}}
    noise = np.random.default_rng(0).normal(0, 0.01, size=400)
    result.arrays["repeat.rmse"] = ((error + noise) ** 2).astype(np.float32)
    result.arrays["repeat.ratings_clusters"] = np.arange(400, dtype=np.int32) // 4
    return result


RMSE = Criterion("rmse", "repeat", seed=0, n_samples=500)


def test_gate__can_be_decided_by_a_metric_of_which_less_is_better():
    results = {"mean": _rated(1.0), "bias": _rated(0.95), "svd": _rated(0.9), "wals": _result(0.5)}

    choice = choose(results, RMSE, baselines=["mean", "bias"], candidates=["svd", "wals"])
    decision = judge(choice, results, RMSE, fitness=FIT, live=_rated(0.85), list_k=5)

    assert (choice.winner, choice.best_baseline) == ("svd", "bias")
    assert set(choice.differences) == {"svd"}  # wals predicts no ratings
    assert choice.differences["svd"].value == pytest.approx(0.05, abs=1e-4)
    assert _rule(decision, "not_worse_than_live").value < -0.04
    assert decision.verdict == "closed"


def _rules(result=None, others=(), criterion=METRIC, age_days=1.0, **limits):
    result = result or _result(0.2)
    results = {"personal": result, **{f"other {n}": each for n, each in enumerate(others)}}
    choice = choose(results, criterion, baselines=list(results), candidates=[])
    found = evidence_rules(results, choice, criterion, age_days=age_days, limits=EvidenceLimits(**limits))
    return {rule.name: rule for rule in found}


def test_evidence__enough_is_enough():
    found = _rules(others=[_result(0.1)])

    assert {name: rule.passed for name, rule in found.items()} == {
        "known_users": True,
        "known_baskets": None,
        "interval_width": True,
        "models_differ": True,
        "log_age_days": True,
    }
    assert {rule.level for rule in found.values()} == {"evidence"}


def test_evidence__names_what_is_lacking():
    few = _result(0.2, known_users=9, low=0.0, high=0.41)

    found = _rules(few, others=[_result(0.2)], age_days=26.4)

    assert [name for name, rule in found.items() if rule.broken] == [
        "known_users",
        "interval_width",
        "models_differ",
        "log_age_days",
    ]
    assert (found["known_users"].value, found["log_age_days"].value) == (9, 26.4)
    assert found["interval_width"].value == pytest.approx(2.05)


def test_evidence__no_hit_is_no_evidence():
    none = _result(0.0, low=0.0, high=0.0)
    none.arrays["repeat.precision@5"] = np.zeros(400, np.float32)

    assert _rules(none)["interval_width"].broken
    assert "no hit at all" in _rules(none)["interval_width"].meaning


def test_evidence__asks_for_baskets_only_where_the_metric_reads_them():
    result = _result(0.2)
    result.arrays.update(
        {"repeat.basket_precision@5": np.ones(5, np.float32), "repeat.clusters": np.arange(5)}
    )
    result.summary["repeat"]["basket_precision@5"] = {"value": 1.0, "low": 1.0, "high": 1.0}
    baskets = Criterion("basket_precision@5", "repeat", seed=0, n_samples=100)

    assert _rules(result, criterion=baskets)["known_baskets"].broken
    assert _rules(result, criterion=baskets, min_known_baskets=4)["known_baskets"].passed


def test_evidence__says_nothing_about_age_without_times_or_about_a_lonely_model():
    found = _rules(age_days=None)

    assert found["log_age_days"].passed is None
    assert found["models_differ"].passed is None
