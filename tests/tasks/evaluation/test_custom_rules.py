import numpy as np
import pytest
from pydantic import ValidationError

from data_contracts.errors import ConfigurationError
from data_contracts.evaluation import Evaluation
from data_contracts.gate_section import CustomRule, GateSection
from tasks.evaluation.custom_rules import apply_rules
from tasks.evaluation.judgement import Fitness, judge
from tasks.evaluation.model_selection import Criterion, SelectedModel, choose

QUESTION = Criterion("precision@5", "repeat", seed=0, n_samples=300)
CHOICE = SelectedModel("wals", "personal", {})


def _result(mean):
    """400 users, the same noise in every model; discovery is half of repeat; the rmse is the precision."""
    noise = np.random.default_rng(0).normal(0, 0.05, size=400)
    values = (noise - noise.mean() + mean).astype(np.float32)
    facts = {"complete_share": 1.0, "identical_share": 0.1, "forbidden": 0}
    metrics = {
        "precision@5": {"value": mean, "low": mean, "high": mean},
        "coverage@5": {"value": 0.5, "low": 0.5, "high": 0.5},
        "rmse": {"value": mean, "low": mean, "high": mean},
    }
    return Evaluation(
        {"repeat": metrics, "discovery": metrics, "lists": {"repeat": facts, "discovery": facts}},
        {
            "repeat.precision@5": values,
            "discovery.precision@5": values / 2,
            "repeat.rmse": np.full(400, mean**2),
            "repeat.ratings_clusters": np.arange(400) // 4,
        },
    )


RESULTS = {"wals": _result(0.30), "personal": _result(0.20), "bpr": _result(0.31)}


def _apply(live=None, **rule):
    given = {"name": "mine", "metric": "precision@5", **rule}
    return apply_rules([CustomRule(**given)], CHOICE, RESULTS, QUESTION, live)[0]


@pytest.mark.parametrize(
    ("rule", "value", "limit", "passed"),
    [
        ({"versus": "best_baseline"}, 0.1, 0.0, True),
        ({"versus": "best_baseline", "scenario": "discovery"}, 0.05, 0.0, True),
        ({"versus": "bpr"}, -0.01, 0.0, False),
        ({"versus": "bpr", "margin": 0.02}, -0.01, -0.02, True),
        ({"versus": "bpr", "margin": 0.005}, -0.01, -0.005, False),
        ({"versus": "wals"}, None, 0.0, None),
        ({"versus": "live"}, None, 0.0, None),
        ({"versus": "bpr", "metric": "rmse"}, 0.01, 0.0, True),
        ({"versus": "personal", "metric": "rmse"}, -0.1, 0.0, False),
        ({"versus": "bpr", "metric": "mae"}, None, 0.0, False),
        ({"at_most": 0.30, "metric": "rmse"}, 0.30, 0.30, True),
        ({"at_most": 0.29, "metric": "rmse"}, 0.30, 0.29, False),
        ({"at_most": 0.29, "metric": "mae"}, None, 0.29, False),
        ({"at_least": 0.25}, 0.30, 0.25, True),
        ({"at_least": 0.35}, 0.30, 0.35, False),
        ({"at_least": 0.6, "metric": "coverage@5"}, 0.5, 0.6, False),
    ],
)
def test_apply_rules__holds_the_winner_against_the_limit(rule, value, limit, passed):
    # All models share their noise, so that the interval of a difference is the difference itself.
    found = _apply(**rule)

    assert found.value == (value if value is None else pytest.approx(value, abs=1e-6))
    assert (found.limit, found.passed) == (limit, passed)
    assert "-0" not in str(found.limit) or found.limit < 0


def test_apply_rules__a_model_that_was_left_out_is_nothing_to_compare_with():
    found = _apply(versus="als")

    assert (found.value, found.passed) == (None, None)
    assert found.meaning == "als was left out of this run"


def test_apply_rules__compares_with_what_is_live():
    found = _apply(live=_result(0.32), versus="live", margin=0.01)

    assert (found.value, found.passed) == (pytest.approx(-0.02, abs=1e-6), False)
    assert "of wals over live" in found.meaning


@pytest.mark.parametrize(("level", "is_open"), [("fail", False), ("warn", True)])
def test_judge__a_broken_rule_closes_the_gate_only_where_it_says_so(level, is_open):
    choice = choose(RESULTS, QUESTION, baselines=["personal"], candidates=["wals", "bpr"])
    rule = CustomRule(name="mine", metric="precision@5", at_least=0.9, level=level)
    fitness = Fitness(not_finite=0, model_vocabulary="a", expected_vocabulary="a")

    decision = judge(
        choice,
        RESULTS,
        QUESTION,
        fitness=fitness,
        custom_rules=apply_rules([rule], choice, RESULTS, QUESTION),
    )

    assert decision.open is is_open
    assert (decision.rules[-1].name, decision.rules[-1].passed, decision.rules[-1].level) == (
        "mine",
        False,
        level,
    )
    assert not any(each.broken for each in decision.rules[:-1])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "exactly one of versus, at_least and at_most"),
        ({"versus": "live", "at_least": 0.1}, "exactly one of versus, at_least and at_most"),
        ({"at_most": 0.2, "at_least": 0.1}, "exactly one of versus, at_least and at_most"),
        ({"at_least": 0.1, "margin": 0.1}, "margin belongs to versus"),
        ({"versus": "live", "metric": "coverage@5"}, "coverage@5 has no values per user"),
        ({"versus": "live", "metric": "accuracy@5"}, "unknown metric 'accuracy@5'"),
        ({"versus": "live", "margin": -0.1}, "greater than or equal to 0"),
        ({"versus": "live", "level": "maybe"}, "'fail' or 'warn'"),
    ],
)
def test_own_rule__refuses_what_cannot_be_answered(rule, said):
    with pytest.raises(ValidationError, match=said):
        CustomRule(**{"name": "mine", "metric": "precision@5", **rule})


def test_gate_section__refuses_two_rules_of_one_name():
    rule = {"name": "mine", "metric": "precision@5", "at_least": 0.1}

    with pytest.raises(ValidationError, match="two rules share a name"):
        GateSection(rules=[rule, rule])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('metric = "precision@7"\nversus = "live"', "needs its k in ks"),
        ('metric = "precision@5"\nversus = "walls"', "'walls' is neither 'best_baseline' nor 'live'"),
    ],
)
def test_dataset__refuses_a_rule_about_what_it_does_not_have(tmp_path, line, said):
    from small_shop import write_dataset

    from data_contracts.dataset import DatasetSpec

    path = write_dataset(
        tmp_path, [("[evaluation]", f'[[gate.rules]]\nname = "mine"\n{line}\n\n[evaluation]')]
    )

    with pytest.raises(ConfigurationError, match=said):
        DatasetSpec.load(path)
