"""Where the real data lies that some tests need, see CONTRIBUTING.md."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("SHELFTALKER_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def real_file(name: str) -> Path:
    """A file of the real data; the test skips, saying so, where it is absent."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no {path}; CONTRIBUTING.md says how to get it (or set SHELFTALKER_TEST_DATA)")
    return path
