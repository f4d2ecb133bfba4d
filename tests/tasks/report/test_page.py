"""The report: everything is on the page, nothing on it is loaded, and no text of the log becomes markup."""

import re
from html.parser import HTMLParser

import pytest
from chromium import dumped_page
from report_facts import (
    HOSTILE,
    LIST_SECTIONS,
    METRIC,
    SECTIONS,
    entry,
    make_content,
    make_findings,
    make_lists,
    rule,
)

from data_contracts.closer_look import CloserLook
from data_contracts.evaluation import Interval
from data_contracts.run_summary import RunFigures
from tasks.report import figures
from tasks.report.page import page_content, write_report
from tasks.report.rejected import RejectedRow

VOID = {"meta", "br", "wbr", "img", "input", "link", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails on tags that do not match."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.source, self.tags, self.attributes, self.open, self.text = text, [], [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    @property
    def ids(self):
        return [value for name, value in self.attributes if name == "id"]


@pytest.fixture
def page(tmp_path):
    def make(findings=None, **changed):
        path = write_report(tmp_path / "report.html", page_content(**make_content(findings, **changed)))
        return Page(path.read_text("utf-8"))

    return make


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A page of nothing unusual, drawn once."""
    path = write_report(tmp_path_factory.mktemp("plain") / "report.html", page_content(**make_content()))
    return Page(path.read_text("utf-8"))


def test_write_report__has_every_section_and_its_numbers(plain):
    made = plain

    assert [each for each in made.ids if each in SECTIONS + LIST_SECTIONS] == [
        "decision", "metrics", "training", "history", "exposure", "scores", "examples", "drift", "quarantine",
        "lineage",
    ]  # fmt: skip
    for words in (
        "The gate is open: no rule of 4 failed",
        "the last 28 days are held out",
        "dataset file",
        "the gain is +0.1000 (95 %: +0.0900 to +0.1100)",
        "no comparison with what was live before: nothing is live yet",
        "Discovery scenario",
        "bad price",
        "5.00 %",
        "train/c0ffee",
        "n_factors = 8",
        "numpy 2.4.6",
        "2026-02-03",
        "LAMP",
    ):
        assert words in made.text
    assert "never seen" not in made.text
    # two scenarios, one curve, slices, exposure, two of scores
    assert made.tags.count("svg") == 7


def test_write_report__loads_nothing(plain):
    made = plain

    assert not re.search(r"https?:|//[a-z]|@import|<script|<link|<iframe|\bon[a-z]+=", made.source)
    for name, value in made.attributes:
        if name.endswith(("href", "src")):
            assert value.startswith(("#", "data:image/png;base64,"))
    assert re.findall(r"url\((?!#)", made.source) == []
    assert len(made.ids) == len(set(made.ids))


def test_write_report__no_text_of_the_log_becomes_markup(page, plain):
    findings = make_findings(
        models=("popularity", HOSTILE),
        dataset=HOSTILE,
        counts={"rejected": {HOSTILE: 3}},
        gate={"rules": [rule("beats_best_baseline", 0.09, 0.0, meaning=HOSTILE)]},
    )
    made = page(findings, lists=make_lists(title=HOSTILE, item_id=HOSTILE, user_id=HOSTILE))

    assert sorted(set(made.tags)) == sorted(set(plain.tags))
    assert "script" not in made.tags
    assert "&lt;script&gt;" in made.source
    assert made.text.count("<script>alert") >= 6


def test_write_report__closed_gate_says_which_rule_failed_and_shows_no_lists(page):
    made = page(make_findings(is_open=False))

    assert set(SECTIONS) <= set(made.ids)
    assert not set(LIST_SECTIONS) & set(made.ids)
    assert "The gate is closed: 1 of 4 rules failed. Nothing was published" in made.text
    assert "coverage is 0.4000, the limit is 0.9000: share of the catalogue." in made.text
    assert "failed" in made.text


def test_write_report__same_content_gives_the_same_bytes(page, plain):
    assert page().source == plain.source


def test_write_report__stays_small_for_a_large_catalogue(page):
    made = page(lists=make_lists(n_items=200_000))

    assert len(made.source.encode()) < 1_000_000


def test_write_report__is_readable_in_light_and_dark(plain):
    made = plain

    assert "prefers-color-scheme: dark" in made.source
    assert figures.INK not in made.source
    assert "currentColor" in made.source


def test_write_report__shows_drift_from_the_second_run_on(page, plain):
    earlier = [
        RunFigures.read(make_findings().to_json()).model_copy(update={"as_of": "2026-02-01", "events": 700}),
        RunFigures.read({"as_of": "2026-02-15"}),  # an old summary that says little
    ]
    made, first = page(earlier=earlier), plain

    assert "drift is shown from the second one on" in first.text
    assert "drift is shown from the second one on" not in made.text
    assert made.tags.count("svg") == first.tags.count("svg") + 5
    for words in ("2026-02-01", "2026-02-15", "700", f"{METRIC} of the winner"):
        assert words in made.text


def test_write_report__gaps_and_undated_runs_are_fine(page):
    findings = make_findings(as_of=None)
    content = make_content(findings)
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    content["slices"]["wals"] = {**content["slices"]["wals"], "history 0": {METRIC: nothing}, "cold": {}}
    made = page(findings, slices=content["slices"], curves={"popularity": []})

    assert "nan" not in made.text
    assert "No model of this run reports a curve" in made.text


def test_drawing__writes_dollar_signs_as_they_are():
    assert "a$b$" in figures.intervals("t", {"a$b$": Interval(1.0, 0.5, 1.5)}, "m")


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1400])
def test_write_report__fits_the_window_in_a_browser(page, tmp_path, width):
    long = make_lists(title="W" * 80, item_id="x" * 300, user_id="y" * 300)
    page(make_findings(models=("popularity", "a_model_of_quite_an_extraordinarily_long_name")), lists=long)
    # A frame has the width it is given, however narrow a window the browser allows.
    measured = tmp_path / "measured.html"
    measured.write_text(
        f"""<iframe id="f" src="report.html" style="width: {width}px; height: 900px; border: 0"></iframe>
        <script>onload = () => {{
          const page = document.getElementById("f").contentDocument.documentElement;
          document.title = `widths ${{page.scrollWidth}} ${{page.clientWidth}}`;
        }}</script>"""
    )
    dumped = dumped_page(measured.as_uri(), tmp_path)
    scroll, client = map(int, re.search(r"<title>widths (\d+) (\d+)", dumped).groups())

    assert width - 20 <= client <= width
    assert scroll == client


def test_write_report__has_the_rules_of_the_shop_where_there_are_some(page, plain):
    rules = {
        "rules": [{"rule": f"never {HOSTILE}", "items": 12, "places": 34}, {"rule": "at_most", "places": 5}],
        "items": 100,
        "allowed_items": 88,
    }

    made = page(make_findings(rules=rules))

    assert "rules" in made.ids
    assert "rules" not in plain.ids
    assert "let 88 of 100 items be shown" in made.text
    assert "script" not in made.tags
    assert "items it forbids" in made.text


def looked(**changed):
    """A closer look at the winner, with a category that somebody named badly."""
    category = {"items": 5, "taken": 9, "share_of_taken": 0.3, "share_of_places": 0.4}
    some = entry(0.25, 0.05)
    return CloserLook.model_validate(
        {
            "model": "wals",
            "scenario": "repeat",
            "metric": METRIC,
            "k": 5,
            "n_users": 40,
            "categories_of": "Category",
            "categories": [
                {"name": HOSTILE, "metric": some, "recall": some, **category},
                {"name": "other", "other": True, "metric": None, "recall": None, **category},
            ],
            "diversity": [
                {"by": "Category", "measure": "jaccard", "lists": 0.75, "taken": 0.8, "n_lists": 40},
                {"by": "users", "measure": "cosine", "lists": None, "taken": 0.9, "n_lists": 40},
            ],
            "scores": [{"low": 0, "high": 1, "mean": 0.5, "places": 70, "hits": some}],
            **changed,
        }
    )


def test_write_report__shows_what_a_closer_look_at_the_winner_found(page, plain):
    made = page(looked=looked(), sizes={"wals": 2_500_000})

    assert {"categories", "diversity", "calibration", "cost"} <= set(made.ids)
    assert {"categories", "diversity", "calibration"}.isdisjoint(plain.ids)
    for words in ("30.0 %", "40.0 %", "all others", "0.7500", "the users who had them", "recall@5", "2.50"):
        assert words in made.text
    assert "script" not in made.tags
    bare = page(looked=looked(categories_of=None, categories=[], scores=[]))
    assert "categories" not in bare.ids
    assert "No known user is held out" in bare.text


def test_write_report__shows_rejected_rows_escaped_and_cut(page):
    rows = [
        RejectedRow("bad_price", "log.csv", 7, (("Title", HOSTILE), ("Note", "y" * 500)), 3),
        RejectedRow("invalid_encoding", "log.csv", 9, (("", "x" * 1000),), 0),
    ]

    made = page(rejected=rows)

    assert "Rejected rows, for example" in made.text
    assert "and 3 more columns" in made.text
    assert {"script", "img"}.isdisjoint(made.tags)
    assert "y" * 41 not in made.text
    assert "x" * 201 not in made.text
    assert "Rejected rows, for example" not in page().text


def test_write_report__every_table_and_figure_has_a_name(page):
    made = page(looked=looked(), rejected=[RejectedRow("bad_price", "log.csv", 7, (("Title", "a"),), 0)])

    assert made.tags.count("table") == made.tags.count("caption")
    assert made.source.count("<svg role=") == made.tags.count("svg") == made.source.count("aria-label=")
    assert made.tags.count("th") == sum(name == "scope" for name, _ in made.attributes)
