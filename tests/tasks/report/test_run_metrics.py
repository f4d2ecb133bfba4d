"""Figures of the newest night for Prometheus."""

from prometheus_client.parser import text_string_to_metric_families

from data_contracts.evaluation import Interval
from tasks.report.nights import Night, Shop
from tasks.report.run_metrics import exposition


def night(**given):
    plain = Night(
        "2026-03-01", "abc", True, True, "open", "wals", "ndcg@5, repeat", None, 0.05, None, "r.html"
    )
    return plain._replace(**given)


def read(shops):
    families = text_string_to_metric_families(exposition(shops).decode())
    return {
        (each.name, *(each.labels[name] for name in sorted(each.labels))): each.value
        for family in families
        for each in family.samples
    }


def test_exposition__says_what_the_newest_night_found():
    found = read(
        [Shop("orders", [night(value=Interval(0.2, 0.1, 0.3)), night(verdict="closed")], "2026-03-01", 3)]
    )

    assert found["shelftalker_live_age_days", "orders"] == 3
    assert found["shelftalker_rejected_rows_ratio", "orders"] == 0.05
    assert found["shelftalker_winner_metric", "low", "orders", "ndcg@5, repeat"] == 0.1
    assert found["shelftalker_verdict", "orders", "open"] == 1
    assert found["shelftalker_verdict", "orders", "closed"] == 0
    assert ("shelftalker_changed_places_ratio", "orders") not in found


def test_exposition__of_nothing_known_is_no_figure():
    found = read(
        [Shop('odd "name"\n', [night(rejected=None, verdict="?")], None, None), Shop("none", [], None, None)]
    )

    assert set(found.values()) == {0}
    assert {key[1] for key in found} == {'odd "name"\n'}
