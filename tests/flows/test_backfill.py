"""Backfills of the small shop: what is done is left alone, what breaks is said, nothing moves back."""

import json
import signal
import subprocess
import sys
import textwrap
from datetime import date

import pytest
from small_shop import write_dataset

from data_contracts.errors import ConfigurationError, UnfinishedError
from data_contracts.parameters import BackfillParameters
from flows.backfill import backfill
from tasks.publication.registry import latest, publications

DATES = {"first": date(2025, 5, 20), "last": date(2025, 6, 3), "every": "1w"}


@pytest.fixture
def shop(tmp_path, small_log, prefect_server):
    """Parameters of a backfill of three dates."""

    def make(changes=(), **parameters):
        path = write_dataset(tmp_path, changes)
        return BackfillParameters(**{"dataset": str(path), "source": str(small_log), **DATES, **parameters})

    return make


def results(rows):
    return [(row["as_of"], row["result"]) for row in rows]


def rows_of(parameters):
    return backfill(parameters, return_state=True).result()


def test_backfill__runs_what_is_missing_and_nothing_else(warm_home, shop, first_run):
    first = rows_of(shop(last=date(2025, 5, 27)))
    again = rows_of(shop())
    forced = rows_of(shop(first=DATES["last"], force=True))

    assert results(first) == [("2025-05-20", "published"), ("2025-05-27", "published")]
    assert results(again) == [
        ("2025-05-20", "done before"),
        ("2025-05-27", "done before"),
        ("2025-06-03", "published"),
    ]
    assert results(forced) == [("2025-06-03", "published")]
    assert [row["reason"] for row in again[:2]] == [row["reason"] for row in first]
    assert [str(each.as_of) for each in publications("small")] == [
        "2025-05-20",
        "2025-05-27",
        "2025-06-03",
        str(first_run.as_of),
    ]
    assert latest("small").run == first_run.run_id  # a newer day was live all the time


def test_backfill__a_dry_run_says_what_would_run(home_with_date, shop):
    before = publications("small")
    rows = rows_of(shop(dry_run=True))

    assert [row["result"] for row in rows] == ["done before", "would run", "would run"]
    assert publications("small") == before


def test_backfill__a_damaged_publication_is_made_again(home_with_date, shop):
    one = shop(last=DATES["first"])
    victim = next(home_with_date.glob("published/small/2025-05-20/*/predictions.parquet"))
    content = victim.read_bytes()
    victim.write_bytes(content[:-1])

    assert [row["result"] for row in rows_of(one)] == ["published"]
    assert victim.read_bytes() == content


def test_backfill__other_parameters_or_another_log_are_another_run(home_with_date, shop, small_log, tmp_path):
    one = shop(last=DATES["first"])
    longer = tmp_path / "longer.csv"
    lines = small_log.read_bytes().splitlines(keepends=True)
    longer.write_bytes(b"".join([*lines, lines[-1]]))

    for change in ({"seed": 7}, {"source": str(longer)}):
        changed = one.model_copy(update={**change, "dry_run": True})
        assert [row["result"] for row in rows_of(changed)] == ["would run"]


def test_backfill__a_broken_date_is_reported_and_the_others_run(warm_home, shop):
    # Four weeks are held out, so before the end of July 2024 there is nothing to train on.
    with pytest.raises(UnfinishedError, match="2 dates: 1 failed, 1 published") as caught:
        rows_of(shop(first=date(2024, 7, 23), last=date(2024, 7, 30)))

    broken, fine = caught.value.rows
    assert (broken["result"], broken["outcome"]) == ("failed", "")
    assert "holds 0 different user_id" in broken["reason"]
    assert fine["result"] == "published"


def test_backfill__even_a_bug_in_one_date_leaves_the_others_alone(warm_home, shop, monkeypatch):
    def broken(plan, day):
        raise ValueError if day == DATES["first"] else ValueError("a bug\nin two lines")

    monkeypatch.setattr("flows.one_date._run", broken)
    with pytest.raises(UnfinishedError) as caught:
        rows_of(shop())

    assert [row["reason"] for row in caught.value.rows] == ["ValueError", "a bug", "a bug"]


def test_backfill__stops_on_error_if_asked(warm_home, shop):
    with pytest.raises(UnfinishedError) as caught:
        rows_of(shop(first=date(2020, 1, 7), last=date(2020, 1, 21), stop_on_error=True))

    assert [row["result"] for row in caught.value.rows] == ["failed", "left alone", "left alone"]
    assert caught.value.rows[1]["reason"] == "2020-01-07 failed"


def test_backfill__a_mistake_that_every_date_would_make_stops_it_at_once(warm_home, shop):
    with pytest.raises(ConfigurationError, match="nowhere"):
        rows_of(shop(source="/nowhere.csv"))
    with pytest.raises(ConfigurationError, match="has no times"):
        rows_of(
            shop(
                [
                    ('time = "Date"\n', ""),
                    ('split = "time"', 'split = "random"'),
                    ("default_as_of = 2025-07-01     # the day after the last row\n", ""),
                ]
            )
        )


def test_backfill__a_closed_gate_is_told_every_time(warm_home, shop):
    closed = shop([("[evaluation]", "[gate]\nmin_coverage = 1.0\n\n[evaluation]")], last=DATES["first"])
    first, again = rows_of(closed), rows_of(closed)

    assert [(row["result"], row["outcome"]) for row in (*first, *again)] == [
        ("gate closed", "gate closed"),
        ("done before", "gate closed"),
    ]


def test_backfill__in_parallel_does_the_same(warm_home, shop, home, prefect_server):
    rows = rows_of(shop(parallel=2))

    assert results(rows) == [(day, "published") for day in ("2025-05-20", "2025-05-27", "2025-06-03")]
    assert len(publications("small")) == 4


SCRIPT = textwrap.dedent("""
    import os, signal, sys
    from data_contracts.parameters import BackfillParameters
    from flows.backfill import backfill
    from tasks.runtime import store

    whole, exports = store.seal, []

    def seal(folder, manifest, started):
        exports.append(manifest.get("step"))
        if exports.count("export") == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        whole(folder, manifest, started)

    store.seal = seal
    backfill(BackfillParameters.model_validate_json(sys.argv[1]))
""")


def test_backfill__killed_in_the_middle_and_started_again_finishes_the_rest(warm_home, shop, other_process):
    parameters = shop()
    command = [sys.executable, "-c", SCRIPT, parameters.model_dump_json()]
    killed = subprocess.run(command, env=other_process, check=False)

    assert killed.returncode == -signal.SIGKILL
    assert results(rows_of(parameters)) == [
        ("2025-05-20", "done before"),
        ("2025-05-27", "published"),
        ("2025-06-03", "published"),
    ]


def test_backfill__leaves_its_table_in_the_ui(home_with_date):
    from prefect import get_client
    from prefect.client.schemas.filters import ArtifactFilter

    with get_client(sync_client=True) as client:
        wanted = ArtifactFilter.model_validate({"key": {"any_": ["backfill", "backfill-progress"]}})
        found = client.read_artifacts(artifact_filter=wanted, limit=200)
    tables = [json.loads(each.data) for each in found if each.key == "backfill"]
    progress = [each for each in found if each.key == "backfill-progress"]

    assert any(rows[0]["as_of"] == "2025-05-20" for rows in tables)
    assert ("1 of 1 dates: 1 published", 100.0) in {(each.description, each.data) for each in progress}


def test_backfill__tags_its_runs_and_not_their_tasks(warm_home, shop):
    """For every tag of a task Prefect waits for a slot."""
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter, TaskRunFilter

    rows_of(shop(last=DATES["first"], seed=7))
    with get_client(sync_client=True) as client:
        tagged = FlowRunFilter.model_validate({"tags": {"all_": ["backfill", "partition:2025-05-20"]}})
        runs = client.read_flow_runs(flow_run_filter=tagged)
        untagged = TaskRunFilter.model_validate({"tags": {"is_null_": True}})
        tasks = client.read_task_runs(flow_run_filter=tagged, limit=200)
        without = client.read_task_runs(flow_run_filter=tagged, task_run_filter=untagged, limit=200)

    assert runs
    assert tasks
    assert len(tasks) == len(without)
