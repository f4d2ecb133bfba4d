"""One Prefect server for all flow tests, and one finished run that most of them build on."""

import os
import shutil
from pathlib import Path

import pytest
from small_shop import run, write_dataset

from data_contracts.parameters import NightlyParameters
from tasks.sources.sample import write_sample


@pytest.fixture(scope="session", autouse=True)
def prefect_server(tmp_path_factory):
    """A server of the session; results go to a folder of the session, not to the user's."""
    from prefect.settings import PREFECT_API_URL, PREFECT_RESULTS_LOCAL_STORAGE_PATH, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        temporary_settings({PREFECT_RESULTS_LOCAL_STORAGE_PATH: tmp_path_factory.mktemp("results")}),
        prefect_test_harness(server_startup_timeout=120),
    ):
        yield PREFECT_API_URL.value()


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
def small(tmp_path, small_log):
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
    before = os.environ.get("SHELFTALKER_HOME")
    os.environ["SHELFTALKER_HOME"] = str(folder / "home")
    parameters = NightlyParameters(dataset=str(write_dataset(folder)), source=str(small_log))
    summary = run(parameters).result()
    if before is None:
        del os.environ["SHELFTALKER_HOME"]
    else:
        os.environ["SHELFTALKER_HOME"] = before
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


@pytest.fixture
def unpublished_home(warm_home):
    """The same, before anything was published."""
    shutil.rmtree(warm_home / "published")
    return warm_home
