"""The index of a home's nights."""

import json
from dataclasses import astuple
from datetime import date

import pytest
from report_facts import make_findings

from tasks.report.index_page import comparable, index_page, line
from tasks.report.nights import shops


def keep(home, day, run, *, is_open=True):
    findings = make_findings(is_open=is_open, as_of=date.fromisoformat(day), run_id=run)
    path = home / f"rejected/shop/{day}/{run}.json"
    if is_open:
        path = home / f"published/shop/{day}/{run}/summary.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(findings.to_json()))


@pytest.fixture
def nights_home(tmp_path):
    keep(tmp_path, "2026-03-01", "first")
    keep(tmp_path, "2026-03-02", "second")
    keep(tmp_path, "2026-03-03", "third", is_open=False)
    (tmp_path / "published/shop/latest.json").write_text(
        json.dumps({"dataset": "shop", "as_of": "2026-03-02", "run": "second"})
    )
    return tmp_path


def test_shops__lists_nights_newest_first_and_knows_what_is_live(nights_home):
    (shop,) = shops(nights_home, date(2026, 3, 5))

    assert (shop.name, shop.live_day, shop.age_days) == ("shop", "2026-03-02", 3)
    assert [(night.run, night.published, night.live) for night in shop.nights] == [
        ("third", False, False), ("second", True, True), ("first", True, False),
    ]  # fmt: skip
    assert shop.nights[0].report == "rejected/shop/2026-03-03/third.html"
    assert shop.nights[1].report == "published/shop/2026-03-02/second/report.html"
    assert astuple(shop.nights[1].value) == pytest.approx((0.15, 0.14, 0.16))
    assert shop.nights[1].rejected == 0.05


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"gate": {}, "models": {}, "counts": {"rows_read": "x"}, "as_of": 5}',
        '{"gate": 1}',
        "\\xff",
    ],
)
def test_shops__lives_with_a_damaged_summary(nights_home, content):
    (nights_home / "published/shop/2026-03-02/second/summary.json").write_text(content)
    (shop,) = shops(nights_home, date(2026, 3, 5))

    assert len(shop.nights) in {2, 3}
    assert "shop" in index_page([shop])


def test_index_page__draws_a_line_and_escapes_names(nights_home):
    (shop,) = shops(nights_home, date(2026, 3, 5))
    hostile = shop._replace(nights=[night._replace(winner="<script>x</script>") for night in shop.nights])
    page = index_page([hostile])

    assert len(comparable(shop.nights)) == 3
    assert line(shop.nights).count("<circle") == 3
    assert "which is 3 days ago" in page
    assert "<script>" not in page
    assert page.count('scope="row"') == 3


def test_index_page__of_an_empty_home_says_how_to_begin(tmp_path):
    assert "shelftalker run --dataset" in index_page(shops(tmp_path, date(2026, 3, 5)))
