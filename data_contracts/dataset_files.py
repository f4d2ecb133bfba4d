"""Where dataset files are found by name: those that come with the program, and those dropped into the home."""

from pathlib import Path

from data_contracts.errors import ConfigurationError
from data_contracts.home_folder import home
from data_contracts.suggestions import did_you_mean

FOLDER = Path(__file__).parent / "datasets"
"""Where the datasets live that come with the program."""
DROP_INS = "datasets"
"""Folder of the home whose ``*.toml`` are found by name and served."""


def shipped() -> dict[str, Path]:
    """Files of the datasets that come with the program, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}


def dropped_in() -> dict[str, Path]:
    """Files of the home's folder of datasets, by name, whether or not they can be read."""
    return {path.stem: path for path in sorted((home() / DROP_INS).glob("*.toml"))}


def known_names() -> list[str]:
    """Names of all datasets that are found by name."""
    return sorted({*shipped(), *dropped_in()})


def find_dataset(name_or_path: str) -> Path:
    """The dataset file of a name, or of a path of a .toml; names of the program go before those of the home.

    Raises
    ------
    ConfigurationError
        If there is none; the message lists the known names.

    """
    if not name_or_path.endswith(".toml"):
        found = {**dropped_in(), **shipped()}.get(name_or_path)
        if found is not None:
            return found
        raise ConfigurationError(
            f"unknown dataset {name_or_path!r}{did_you_mean(name_or_path, known_names())}; known: "
            f"{', '.join(known_names())}; or give the path of a .toml, which `shelftalker init FILE` drafts, or put it "
            f"into {home() / DROP_INS}"
        )
    path = Path(name_or_path)
    if not path.is_file():
        raise ConfigurationError(f"dataset file {path} does not exist; `shelftalker init FILE` drafts one")
    return path


def must_be_named_alike(path: Path, name: str) -> None:
    """Refuse a dropped-in file whose dataset has another name than the file: look-ups know only the latter.

    Raises
    ------
    ConfigurationError
        Naming both names, and what to do.

    """
    if path.absolute().parent != home() / DROP_INS:
        return
    if path.stem != name:
        raise ConfigurationError(
            f"{path} says name = {name!r}: files of that folder are found by their name, so call it {name}.toml, or write "
            f"name = {path.stem!r}"
        )
    if name in shipped():
        raise ConfigurationError(
            f"{path}: {name!r} is a dataset that comes with the program; give the file and name another one"
        )
