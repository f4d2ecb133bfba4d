import os
import subprocess
import sys
import textwrap
import time
from datetime import date
from pathlib import Path

import pytest

from tasks.publication.registry import Publication, point_to, publish
from tasks.publication.retention import DAY, prune
from tasks.publication.run_receipts import Receipt
from tasks.runtime import store
from tasks.runtime.home import at_work_since


@pytest.fixture
def made(home):
    """Make an artifact that was last used some days ago."""

    def make(name, days_ago):
        def write(folder):
            (folder / "data.txt").write_text(name)
            return {}

        ref = store.obtain("tiny", {"name": name}, "code", write)
        then = time.time() - days_ago * DAY
        os.utime(ref.folder, (then, then))
        return ref

    return make


def receipt(day, run, *refs):
    Receipt(
        key=run,
        dataset="shop",
        as_of=date(2026, 1, day),
        run=run,
        outcome="rejected",
        winner="wals",
        artifacts=tuple(ref.path for ref in refs),
    ).keep()


def left(*refs):
    return [ref.folder.exists() for ref in refs]


def test_prune__removes_what_nobody_used_for_long(made, home):
    old, young = made("old", 40), made("young", 5)
    rows = prune(30, 1, dry_run=False)

    assert left(old, young) == [False, True]
    assert [(row["step"], row["kept"], row["removed"]) for row in rows] == [("tiny", 1, 1)]


def test_prune__a_dry_run_only_counts(made):
    old = made("old", 40)

    assert prune(30, 1, dry_run=True)[0]["removed"] == 1
    assert left(old) == [True]


def test_prune__spares_what_the_newest_runs_used(made):
    first, second, third = (made(name, 40) for name in "abc")
    for day, ref in enumerate((first, second, third), start=1):
        receipt(day, f"run{day}", ref)
    prune(30, 2, dry_run=False)

    assert left(first, second, third) == [False, True, True]


def test_prune__spares_what_the_live_publication_was_made_from(made, tmp_path):
    first, second = made("a", 40), made("b", 40)
    receipt(1, "run1", first)
    receipt(2, "run2", second)
    source = tmp_path / "predictions.parquet"
    source.write_text("x")
    live = Publication(dataset="shop", as_of=date(2026, 1, 1), run="run1")
    publish(live, {"predictions.parquet": source}, {"model": {}})
    point_to(live)
    prune(30, 1, dry_run=False)

    assert left(first, second) == [True, True]
    assert (live.folder / "predictions.parquet").exists()


def test_prune__reading_a_reference_counts_as_use(made):
    ref = made("old", 40)
    store.ArtifactRef.model_validate(ref.model_dump())
    prune(30, 1, dry_run=False)

    assert left(ref) == [True]


def test_prune__removes_old_results_of_prefect(home):
    (home / "results").mkdir(parents=True)
    for name, days in (("old", 40), ("young", 1)):
        path = home / "results" / name
        path.write_text("{}")
        os.utime(path, (time.time() - days * DAY,) * 2)
    prune(30, 1, dry_run=False)

    assert [path.name for path in (home / "results").iterdir()] == ["young"]


def test_prune__spares_whatever_was_used_since_a_living_run_began(made, home):
    script = textwrap.dedent("""
        import sys, time
        from tasks.runtime import store
        store.sweep()
        print("at work", flush=True)
        time.sleep(60)
    """)
    run = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    try:
        assert run.stdout.readline() == b"at work\n"
        before, since = made("before", 1), made("since", 0)
        prune(0, 1, dry_run=False)
        assert left(before, since) == [False, True]
    finally:
        run.kill()
        run.communicate()


def test_at_work_since__is_never_where_nobody_works(home):
    assert at_work_since() == float("inf")
