"""Where the Great Expectations suites are: one .json file each."""

from contextlib import suppress
from pathlib import Path

from data_contracts.errors import ConfigurationError

FOLDER = Path(__file__).parent / "expectations"
"""Where the suites live that are known by name."""


LONGEST_NAME = 200
"""Of a suite, as messages show it."""


def find_suite(name: str, folder: Path) -> Path:
    """Path of a suite: a name in data_contracts/expectations, or a .json relative to `folder`.

    Raises
    ------
    ConfigurationError
        If there is none; the message lists the known names.

    """
    place = folder / name if name.endswith(".json") else FOLDER / f"{name}.json"
    with suppress(OSError):  # a name that no file system takes is that of no file
        if place.is_file():
            return place
    known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.json")))
    raise ConfigurationError(f"suite {name[:LONGEST_NAME]!r} is not in {place.parent}; known: {known}")
