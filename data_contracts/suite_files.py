"""Where the Great Expectations suites are: one .json file each."""

from pathlib import Path

from data_contracts.errors import ConfigurationError

FOLDER = Path(__file__).parent / "expectations"
"""Where the suites live that are known by name."""


def find_suite(name: str, folder: Path) -> Path:
    """Path of a suite: a name in data_contracts/expectations, or a .json relative to `folder`.

    Raises
    ------
    ConfigurationError
        If there is none; the message lists the known names.

    """
    places = [folder / name] if name.endswith(".json") else [FOLDER / f"{name}.json"]
    if places[0].is_file():
        return places[0]
    known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.json")))
    raise ConfigurationError(f"suite {name!r} is not at {places[0]}; known: {known}")
