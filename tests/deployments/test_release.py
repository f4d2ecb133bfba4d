"""The version stands in one place, and the changelog has a dated section for it."""

import re
import tomllib
from datetime import date
from importlib.metadata import version

import pytest
from click.testing import CliRunner
from installed_wheel import ROOT

from flows.cli import main

SECTIONS = {"Added", "Changed", "Deprecated", "Fixed", "Removed", "Security", "Upgrade notes"}
TEXT = (ROOT / "CHANGELOG.md").read_text("utf-8")
RELEASES = re.findall(r"^## (\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)$", TEXT, re.MULTILINE)


@pytest.fixture
def stated():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_version__is_that_of_the_project_file(stated):
    said = CliRunner().invoke(main, ["--version"], prog_name="shelftalker").output

    assert version("shelftalker") == stated, (
        "the environment is older than pyproject.toml: run `make install`"
    )
    assert said == f"shelftalker, version {stated}\n"


def test_changelog__has_a_dated_section_of_this_version_and_of_all_before_it(stated):
    versions = [tuple(map(int, each.split("."))) for each, _day in RELEASES]
    days = [date.fromisoformat(day) for _version, day in RELEASES]

    assert RELEASES[0][0] == stated
    assert versions == sorted(set(versions), reverse=True)
    assert days == sorted(days, reverse=True)
    assert re.findall(r"^## .*$", TEXT, re.MULTILINE)[0] == "## Unreleased"


def test_changelog__groups_each_release_under_known_headings_once():
    for release in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        headings = re.findall(r"^### (.*)$", release, re.MULTILINE)
        assert set(headings) <= SECTIONS
        assert len(set(headings)) == len(headings), release.splitlines()[0]


def test_changelog__says_how_to_come_from_the_release_before():
    upgrades = [each.splitlines()[0] for each in TEXT.split("\n## ")[1:] if "\n### Upgrade notes\n" in each]

    assert [f"{version} - {day}" for version, day in RELEASES[:-1]] == upgrades
