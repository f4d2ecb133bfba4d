"""The report: everything is on the page, nothing on it is loaded, and no text of the log becomes markup."""

import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from report_facts import (
    HOSTILE,
    LIST_SECTIONS,
    METRIC,
    SECTIONS,
    make_content,
    make_findings,
    make_lists,
    rule,
)

from data_contracts.evaluation import Interval
from data_contracts.run_summary import RunFigures
from data_contracts.selection import Selection
from tasks.publication.registry import Publication, publish
from tasks.report import figures
from tasks.report.statistics import N_EXAMPLES, read_lists
from tasks.report.task import earlier_runs, page_content, write_report
from tasks.report.text import decision, figure, share_of_top, shown

VOID = {"meta", "br", "img", "input", "link", "hr"}


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
        "the difference is +0.1000 (95 %: +0.0900 to +0.1100)",
        "Nothing was live before",
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

    assert "drift shows from the second one on" in first.text
    assert "drift shows from the second one on" not in made.text
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


def test_drawing__writes_dollar_signs_as_they_are():
    assert "a$b$" in figures.intervals("t", {"a$b$": Interval(1.0, 0.5, 1.5)}, "m")


def test_read_lists__agrees_with_plain_python(tmp_path, rng):
    users, items = [f"u{n:02}" for n in range(25)], [f"i{n}" for n in range(8)]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    events = [
        (
            users[min(int(rng.exponential(6)), 24)],
            items[rng.integers(6)],
            start + timedelta(days=int(rng.integers(60))),
        )
        for _ in range(200)
    ]
    known = sorted({user for user, _, _ in events})
    scores = [(user, rank, f"i{7 - rank}", 1.0 / rank, "wals") for user in known for rank in (1, 2, 3)]
    cold_start_items = [("zz", 1, "i7", 99.0, "popularity")]
    names = ("user_id", "rank", "item_id", "score", "model")
    lists = [*scores, *cold_start_items]
    pq.write_table(
        pa.table(dict(zip(names, zip(*lists, strict=True), strict=True))), tmp_path / "lists.parquet"
    )
    columns = dict(zip(("user_id", "item_id", "event_time"), zip(*events, strict=True), strict=True))
    pq.write_table(pa.table(columns), tmp_path / "events.parquet")
    pq.write_table(pa.table({"item_id": ["i6"], "title": ["x" * 999]}), tmp_path / "items.parquet")
    end = start + timedelta(days=40)
    found = read_lists(
        *(tmp_path / f"{name}.parquet" for name in ("lists", "events", "items")),
        Selection(end=end),
        "wals",
        tmp_path,
    )
    seen = [(user, item, time) for user, item, time in events if time < end]
    order = sorted(
        {*items[:6], *(row[2] for row in lists)} & {*(row[1] for row in seen), *(row[2] for row in lists)}
    )

    assert found.exposure.events.tolist() == [sum(row[1] == item for row in seen) for item in order]
    assert found.exposure.lists.tolist() == [sum(row[2] == item for row in lists) for item in order]
    np.testing.assert_allclose(found.scores.by_rank[:, 2], [1, 1 / 2, 1 / 3])
    assert found.scores.edges[[0, -1]].tolist() == pytest.approx([1 / 3, 1.0])
    assert found.scores.counts.sum() == len(scores)
    lengths = [user["n"] for user in found.examples]
    assert len(lengths) == min(N_EXAMPLES, len(known))
    assert lengths == sorted(lengths)
    for user in found.examples:
        mine = [row for row in seen if row[0] == user["user_id"]]
        assert len(mine) == user["n"]
        assert user["past"][0]["last"] == max(row[2] for row in mine)
        for row in user["list"]:
            assert (row["times"] or 0) == sum(past[1] == row["item_id"] for past in mine)
    assert {row["title"] for user in found.examples for row in user["list"] if row["item_id"] == "i6"} == {
        "x" * 80
    }


def test_read_lists__a_log_without_titles_times_or_known_users_is_fine(tmp_path):
    nothing = pa.nulls(1, pa.timestamp("us", tz="UTC"))
    events = {"user_id": pa.array([None], pa.string()), "item_id": ["i1"], "event_time": nothing}
    pq.write_table(pa.table(events), tmp_path / "events.parquet")
    lists = {"user_id": ["u"], "rank": [1], "item_id": ["i1"], "score": [1.0], "model": ["popularity"]}
    pq.write_table(pa.table(lists), tmp_path / "lists.parquet")
    pq.write_table(pa.table({"item_id": ["i1"]}), tmp_path / "items.parquet")
    paths = (tmp_path / f"{name}.parquet" for name in ("lists", "events", "items"))
    found = read_lists(*paths, Selection(), "wals", tmp_path)

    assert found.examples == []
    assert found.scores.counts.sum() == 0
    assert page_content(**make_content(lists=found))["lists"]["never"] == 0


def test_earlier_runs__one_a_day_before_this_one(home, tmp_path):
    def make(day, run, rows):
        path = tmp_path / "summary.json"
        path.write_text(f'{{"as_of": "2026-01-{day:02}", "counts": {{"events": {rows}}}}}')
        publish(Publication(dataset="shop", as_of=date(2026, 1, day), run=run), {"summary.json": path}, {})

    for day, run, rows in ((1, "a", 10), (3, "c", 30), (2, "b", 20), (5, "e", 50)):
        make(day, run, rows)
    this = Publication(dataset="shop", as_of=date(2026, 1, 5), run="other")

    assert [each.events for each in earlier_runs(this)] == [10, 20, 30]
    assert earlier_runs(Publication(dataset="shop", as_of=None, run="x")) == []


def test_report__matplotlib_costs_nothing_until_a_page_is_written():
    code = "import sys, tasks.report.task; sys.exit('matplotlib' in sys.modules)"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(Path.cwd())}, capture_output=True
    )


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1400])
def test_write_report__fits_the_window_in_a_browser(page, tmp_path, width):
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on the path, so the page cannot be measured in a browser")
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
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path / 'browser'}", "--window-size=1600,1000", "--virtual-time-budget=5000",
        "--dump-dom",
    ]  # fmt: skip
    dumped = subprocess.run(
        [chromium, *flags, measured.as_uri()], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    scroll, client = map(int, re.search(r"<title>widths (\d+) (\d+)", dumped).groups())

    assert width - 20 <= client <= width
    assert scroll == client
