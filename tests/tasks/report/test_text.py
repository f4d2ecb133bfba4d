"""The report's words and numbers."""

from report_facts import make_findings, rule

from data_contracts.evaluation import Interval
from tasks.report.text import (
    best_first,
    decision,
    figure,
    mark,
    share_of_top,
    shop_rules,
    shown,
    sliced_metric,
)


def test_decision__says_when_the_best_baseline_wins():
    findings = make_findings(
        gate={"best_baseline": "wals", "differences": {"personal": Interval(-0.1, -0.2, 0.0)}}
    )

    assert "no candidate is significantly better; the closest is personal" in decision(findings)[2]


def test_decision__a_warning_closes_nothing():
    warning = rule("novelty", 3.0, 5.0, passed=False, meaning="too plain", level="warn")
    sentences = decision(make_findings(gate={"rules": [*make_findings().gate.rules, warning]}))

    assert sentences[0].startswith("The gate is open: no rule of 5 failed")
    assert sentences[1] == "Warning, which does not close the gate: novelty is 3, the limit is 5: too plain."


def test_shown__shortens_and_escapes_what_does_not_print():
    assert shown("a" * 100, 10) == "a" * 9 + "…"
    assert shown("\x1b[31mred\n\u202e") == "\\x1b[31mred\\n\\u202e"
    assert shown(None) == ""


def test_figure__writes_numbers_for_people():
    given = [None, float("nan"), -0.0, 1234567, 0.12345, 1234.56, "f" * 64]

    assert [figure(value) for value in given] == [
        "\N{EN DASH}", "\N{EN DASH}", "0", "1,234,567", "0.1235", "1,234.6", "fffffffffff…",
    ]  # fmt: skip


def test_share_of_top__goes_by_the_values():
    assert share_of_top([5, 1, 1, 9, 0, 0, 0, 0, 0, 0], [0, 0, 0, 3, 1, 0, 0, 0, 0, 0], 0.1) == 0.75
    assert share_of_top([1.0], [0.0], 0.1) == 0.0


def test_decision__says_what_is_lacking_and_what_goes_out():
    few = rule("known_users", 3, 10, passed=False, meaning="known users", level="evidence")
    gate = {"verdict": "undecided", "open": False, "rules": (few,)}

    out = decision(make_findings(gate={**gate, "publishes": True}))
    stays = decision(make_findings(gate={**gate, "publishes": False}))

    assert out[0].endswith("Nothing was live, so the lists of the fallback, wals, go out.")
    assert stays[0].endswith("Nothing was published; what was live stays live.")
    assert out[1] == "Too little is known: known_users is 3, the limit is 10: known users."


def test_mark__what_does_not_apply_is_not_passed():
    marks = [mark(rule("r", 1, 1, passed=passed, level=level)) for passed, level in (
        (True, "fail"), (None, "fail"), (False, "fail"), (False, "warn"), (False, "evidence"),
    )]  # fmt: skip

    assert [word for _, word in marks] == [
        "passed",
        "does not apply",
        "failed",
        "warning",
        "too little known",
    ]


def test_best_first__goes_by_the_direction_of_the_metric():
    some = {"a": {"rmse": Interval(0.9, 0, 1)}, "b": {}, "c": {"rmse": Interval(0.8, 0, 1)}}

    assert best_first(some, "rmse") == ["c", "a", "b"]
    assert best_first({"a": {"ndcg@5": Interval(0.1, 0, 1)}, "c": {"ndcg@5": Interval(0.2, 0, 1)}}, "ndcg@5") == [
        "c", "a",
    ]  # fmt: skip


def test_sliced_metric__is_ndcg_where_the_deciding_one_has_no_parts():
    assert sliced_metric(make_findings()) == "basket_precision@5"
    assert sliced_metric(make_findings(gate={"metric": "rmse"})) == "ndcg@5"


RULES = {
    "rules": [{"rule": "never Category", "items": 12, "places": 34}, {"rule": "at_most", "places": 5}],
    "items": 100,
    "allowed_items": 88,
    "withdrawn_ids": 7,
    "unknown_withdrawn": 2,
    "compared_users": 50,
    "compared_places": 500,
    "lists": 60,
    "unfilled_lists": 3,
}


def test_shop_rules__says_what_they_did_in_sentences():
    left_out = {"n_users": 40, "n_known_users": 30, "n_baskets": 60, "n_known_baskets": 50, "n_items": 20}
    left_out |= {"n_forbidden_pairs": 9, "n_users_left_out": 1}

    said = shop_rules(make_findings(rules=RULES, counts={"holdout": left_out}))

    for words in (
        "The shop's rules let 88 of 100 items be shown.",
        "Of 7 withdrawn ids, 2 are of no item of the run.",
        "(500 places); each rule by itself",
        "3 of 60 lists could not be filled.",
        "9 pairs of a user and an item that could not have been shown are left out, and with them 1 users",
    ):
        assert words in said
    assert "blocked pairs" not in said
    assert shop_rules(make_findings()) == ""
