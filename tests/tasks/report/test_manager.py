"""The paragraph for whoever owns the shop."""

from report_facts import METRIC, entry, make_findings

from tasks.report.manager import paragraph


def findings_of(repeat, discovery, **changed):
    """A run whose models have these precisions; `personal` is the winner."""
    findings = make_findings(models=tuple(repeat), gate={"winner": "personal"}, **changed)
    models = {
        name: model.model_copy(
            update={
                "kind": name,
                "repeat": {METRIC: entry(repeat[name])},
                "discovery": {METRIC: entry(discovery[name])},
            }
        )
        for name, model in findings.models.items()
    }
    return findings.model_copy(update={"models": models})


GIVEN_UP = "The lists give up those discoveries for things that customers buy again."
SHARES = {"popularity": 0.08, "personal": 0.2, "wals": 0.17}


def test_paragraph__says_worth_trade_change_and_rejected_rows_in_plain_words():
    said = paragraph(findings_of(SHARES, {"popularity": 0.05, "personal": 0.07, "wals": 0.1}), 0.123)

    assert said == [
        "Tonight's lists for 100 customers are those of personal, the best of 3 ways that were compared.",
        "Tried on customers' most recent shopping, of 5 items shown 1 was in the next basket; bestsellers would have had 0.4.",
        f"Counting only what a customer never had before, it is 0.35 of 5; wals would find 0.5. {GIVEN_UP}",
        "Tonight's lists change 12 % of the places of the lists before.",
        "5.0 % of the log's rows were rejected, mostly: bad price.",
    ]


def test_paragraph__without_another_way_or_a_night_before():
    said = paragraph(findings_of(SHARES, SHARES), None)

    assert said[2].endswith("and no other way finds clearly more.")
    assert not any("change" in each for each in said)


def test_paragraph__says_when_nothing_went_out():
    assert paragraph(make_findings(is_open=False), None)[0].startswith("No new lists went out tonight")


def test_paragraph__leaves_out_what_no_metric_says():
    findings = make_findings(gate={"metric": "rmse"}, counts={"rows_rejected": 0})

    assert paragraph(findings, None)[1:] == ["No row of the log was rejected."]
