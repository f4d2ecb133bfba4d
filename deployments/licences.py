"""Licences of everything that constraints.txt pins, as docs/licences.md: ``python -m deployments.licences``."""

from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "licences.md"
LONGEST: Final = 60
"""Some packages put the whole text where the name belongs."""


def pinned() -> dict[str, str]:
    """Version of each package in constraints.txt, by its name."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pairs = (line.split("#")[0].split(";")[0].strip().partition("==") for line in lines)
    return {name: version for name, separator, version in pairs if separator}


def licence_of(package: str) -> str:
    """What a package that is installed says of its licence."""
    try:
        found = metadata(package)
    except PackageNotFoundError:
        return "not installed where this page was made"
    stated = next((found[key] for key in ("License-Expression", "License") if key in found), "")
    if stated and "\n" not in stated and len(stated) <= LONGEST:
        return stated
    named = [
        each.rpartition("::")[2].strip() for each in found.get_all("Classifier") or () if "License ::" in each
    ]
    return ", ".join(named) or "see the package"


def page() -> str:
    """Text of docs/licences.md."""
    rows = [f"| {name} | {version} | {licence_of(name)} |" for name, version in pinned().items()]
    head = [
        "# Licences",
        "",
        "Shelftalker is under the MIT licence (LICENSE). What it installs, extras included, says of itself:",
        "",
        "| package | version | licence |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
