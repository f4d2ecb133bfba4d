"""What the Prefect UI shows of a run."""

import pytest
from report_facts import make_findings, rule

from data_contracts.run_summary import RunSummary
from flows.ui_artifacts import gate_rows, gate_text, key_of, report_text


def test_gate_rows__are_short_and_say_how_each_rule_ended():
    digest = "f" * 64
    rules = (
        rule("coverage", 0.12345678901234567, 0.1, passed=False, meaning=f"vocabulary {digest}"),
        rule("same", digest, digest),
        rule("novelty", 3.0, 5.0, passed=False, level="warn"),
        rule("live", None, None, passed=None),
    )
    gate = make_findings(gate={"rules": rules}).gate
    rows = gate_rows(gate)

    assert gate_text(gate).startswith("gate open, winner wals; coverage: vocabulary fffffffffff…; novelty: ")
    assert [row["result"] for row in rows] == ["failed", "passed", "warning", "does not apply"]
    assert rows[0]["found"] == "0.1235"
    assert all(len(value) <= 30 for row in rows for value in row.values())


@pytest.mark.parametrize(("dataset", "key"), [("Shop_2.eu", "shop-2-eu-gate"), ("orders", "orders-gate")])
def test_key_of__carries_the_dataset(dataset, key):
    assert key_of(dataset, "gate") == key


def test_report_text__shows_verdict_table_pictures_and_the_link():
    summary = RunSummary.of(
        make_findings(models=("popularity", "a|b_c")), published=True, path="/h", report="/h/report.html"
    )
    text = report_text(summary, {"plot": ("data:image/svg+xml;base64,AA", "how good")})

    assert text.startswith("**a\\|b\\_c published: basket\\_precision@5 0.1000")
    assert "| a\\|b\\_c | 0.1000 \\[0.0900, 0.1100\\] |" in text
    assert "![how good](data:image/svg+xml;base64,AA)" in text
    assert text.endswith("[The whole report](file:///h/report.html)")
