"""What all tests share: a home of their own, a seeded generator, and where real data may lie."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# Before anything imports Prefect: nothing leaves this machine, nothing touches the user's own Prefect.
os.environ.update(
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
    PREFECT_LOGGING_TO_API_ENABLED="false",
    GX_ANALYTICS_ENABLED="false",
)

# The first example of a property may compile a kernel: no deadline. The same examples every time.
settings.register_profile("shelftalker", deadline=None, derandomize=True)
settings.load_profile("shelftalker")

ROOT = Path(__file__).parents[1]


@pytest.fixture
def rng():
    return np.random.default_rng(20260101)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty artifact store."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SHELFTALKER_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def real_data():
    """The folder of real files; tests that ask for it skip where there is none."""
    folder = Path(os.environ.get("SHELFTALKER_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "online_retail.parquet").exists():
        pytest.skip(f"no real data at {folder}; set SHELFTALKER_TEST_DATA")
    return folder
