"""The report step: earlier runs of the dataset, and what importing it costs."""

import subprocess
import sys
from datetime import date
from pathlib import Path

from tasks.publication.registry import Publication, publish
from tasks.report.task import earlier_runs


def test_earlier_runs__one_a_day_before_this_one(home, tmp_path):
    def make(day, run, rows):
        path = tmp_path / "summary.json"
        path.write_text(f'{{"as_of": "2026-01-{day:02}", "counts": {{"events": {rows}}}}}')
        publish(
            Publication(dataset="shop", as_of=date(2026, 1, day), run=run),
            {"summary.json": path},
            {"model": {}},
        )

    for day, run, rows in ((1, "a", 10), (3, "c", 30), (2, "b", 20), (5, "e", 50)):
        make(day, run, rows)
    this = Publication(dataset="shop", as_of=date(2026, 1, 5), run="other")

    assert [each.events for each in earlier_runs(this)] == [10, 20, 30]
    assert earlier_runs(Publication(dataset="shop", as_of=None, run="x")) == []
    damaged = Publication(dataset="shop", as_of=date(2026, 1, 2), run="b")
    (damaged.folder / "summary.json").write_text("{")
    assert [each.events for each in earlier_runs(this)] == [10, 30]


def test_report__matplotlib_costs_nothing_until_a_page_is_written():
    code = "import sys, tasks.report.task; sys.exit('matplotlib' in sys.modules)"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(Path.cwd())}, capture_output=True
    )
