"""A run in one sentence."""

import pytest
from report_facts import make_findings, rule

from data_contracts.run_summary import RunSummary
from tasks.report.headline import headline


def said(findings, *, published, **given):
    return headline(
        RunSummary.of(findings, published=published, path="p", report="r").model_copy(update=given)
    )


def test_headline__of_a_publication_names_winner_metric_and_verdict():
    assert said(make_findings(), published=True, live=True) == (
        "wals published: basket_precision@5 0.1500 (0.1400 to 0.1600), +0.1000 over popularity; gate open; "
        "50 of 1,000 rows rejected"
    )


@pytest.mark.parametrize(
    ("findings", "given", "begins"),
    [
        (make_findings(), {"published": True, "live": False}, "wals published, not live: "),
        (make_findings(), {"published": False}, "wals made, not published: "),
        (make_findings(is_open=False), {"published": False}, "nothing published, wals was best: "),
    ],
)
def test_headline__says_what_became_of_the_lists(findings, given, begins):
    assert said(findings, **given).startswith(begins)


def test_headline__of_a_closed_gate_names_the_broken_rules_alone():
    found = said(make_findings(is_open=False), published=False)

    assert "gate closed (coverage is 0.4000, limit 0.9000);" in found
    assert "f" * 20 not in found


def test_headline__shows_a_broken_warning_of_an_open_gate():
    warning = rule("novelty", 3.0, 5.0, passed=False, level="warn")

    assert "gate open (novelty is 3, limit 5)" in said(
        make_findings(gate={"rules": (warning,)}), published=True
    )
