"""One Prefect server for all flow tests, and one finished run that most of them build on."""

import os
import shutil
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from small_shop import run, write_dataset

from data_contracts.parameters import BackfillParameters, NightlyParameters
from flows.cli import main
from tasks.sources.sample import write_sample

DATE = date(2025, 5, 20)
"""A day before the finished run that backfills of tests begin with."""


@pytest.fixture
def other_process(home, prefect_server):
    """Environment of another process that shares this one's home, server and cached results."""
    from prefect.settings import PREFECT_RESULTS_LOCAL_STORAGE_PATH

    return {
        **os.environ,
        "PYTHONPATH": str(Path.cwd()),
        "PREFECT_API_URL": prefect_server,
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(PREFECT_RESULTS_LOCAL_STORAGE_PATH.value()),
    }


@pytest.fixture(scope="session")
def small_log(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "small.csv"
    write_sample(path, n_users=800, n_items=300, n_rows=30_000)
    return path


@pytest.fixture
def small(tmp_path, small_log, prefect_server):
    """Parameters of a run on the small shop; changes its dataset file if asked."""

    def make(changes=(), models=None, **parameters):
        given = {} if models is None else {"models": models}
        path = write_dataset(tmp_path, changes, **given)
        return NightlyParameters(dataset=str(path), source=str(small_log), **parameters)

    return make


@pytest.fixture(scope="session")
def first_home(tmp_path_factory, prefect_server, small_log):
    """The home of one finished run, and its summary."""
    folder = tmp_path_factory.mktemp("first")
    parameters = NightlyParameters(dataset=str(write_dataset(folder)), source=str(small_log))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHELFTALKER_HOME", str(folder / "home"))
        summary = run(parameters).result()
    return folder / "home", summary


@pytest.fixture
def first_run(first_home):
    """Summary of the finished run."""
    return first_home[1]


@pytest.fixture
def warm_home(home, first_home):
    """A copy of the finished run's home: nothing needs to be made again."""
    shutil.copytree(first_home[0], home)
    return home


@pytest.fixture(scope="session")
def first_date(tmp_path_factory, first_home, small_log):
    """The home of the finished run after a backfill of one date before it, and that date."""
    from flows.backfill import backfill

    folder = tmp_path_factory.mktemp("date")
    shutil.copytree(first_home[0], folder / "home")
    given = {"dataset": str(write_dataset(folder)), "source": str(small_log), "first": DATE, "last": DATE}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHELFTALKER_HOME", str(folder / "home"))
        (row,) = backfill(BackfillParameters(**given), return_state=True).result()
    assert row["result"] == "published"
    return folder / "home"


@pytest.fixture
def home_with_date(home, first_date):
    """A copy of that home."""
    shutil.copytree(first_date, home)
    return home


@pytest.fixture
def unpublished_home(warm_home):
    """The same, before anything was published."""
    shutil.rmtree(warm_home / "published")
    return warm_home


@pytest.fixture
def shelftalker(monkeypatch, prefect_server):
    """The command line, under the session's server."""
    # The session's Prefect settings stay in force; only what the command itself would set is left out.
    monkeypatch.setattr(
        "flows.cli_common.settle",
        lambda home, **_: home and monkeypatch.setenv("SHELFTALKER_HOME", str(home)),
    )

    def call(*words):
        return CliRunner().invoke(main, [str(word) for word in words])

    return call
