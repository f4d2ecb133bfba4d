"""Homes that earlier versions left (tests/homes) are read, compared with, added to and pruned by this one."""

import json
import os
import tarfile
from datetime import date

import pytest
from installed_wheel import ROOT
from small_shop import run

from data_contracts.dataset import DatasetSpec
from data_contracts.parameters import NightlyParameters
from flows.planning import chosen_models, contenders
from tasks.lookup import open_publication
from tasks.publication.registry import latest, publications

FOLDER = ROOT / "tests" / "homes"
HOMES = ("2026-11-25", "0.1.0")
NEXT_DAY = date(2025, 7, 1)
"""A week after what the old home published last."""


@pytest.fixture(params=HOMES)
def old_home(request, home):
    """The home as the old version left it, beside its log and dataset file."""
    for name in ("log", request.param):
        with tarfile.open(FOLDER / f"{name}.tar.xz") as archive:
            archive.extractall(home.parent, filter="data")
    return home


@pytest.fixture
def rows(shelftalker):
    """What a command prints with --json."""

    def call(*words):
        done = shelftalker(*words, "--dataset", "small", "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return call


def test_upgrade__look_ups_answer_from_what_the_old_version_published(old_home, rows):
    shop = open_publication("small")
    user, item = shop.columns.users[0], shop.columns.items[0]
    published = rows("runs")

    assert [each["as_of"] for each in published] == ["2025-06-17", "2025-06-24"]
    assert [each["verified"] for each in rows("runs", "--verify")] == ["whole", "whole"]
    assert len(rows("recommend", "--user", user, "-k", 3)) == 3
    assert len(rows("recommend", "--user", "nobody", "-k", 3)) == 3
    assert rows("similar", "--item", item)
    assert rows("target", "--item", item)
    assert rows("fold-in", "--item", item)


def test_upgrade__goes_back_and_forth_between_what_the_old_version_published(old_home, shelftalker):
    before, newest = publications("small")
    assert latest("small") == newest

    back = shelftalker("rollback", "--dataset", "small")
    assert back.exit_code == 0, back.output
    assert latest("small") == before
    assert shelftalker("rollback", "--dataset", "small", "--to", newest.run).exit_code == 0
    assert latest("small") == newest


def test_upgrade__the_next_night_is_held_against_what_the_old_version_published(
    old_home, rows, shelftalker, prefect_server
):
    old = latest("small")
    spec = DatasetSpec.load(str(old_home.parent / "small.toml"))
    _choices, represented = contenders(spec.name, NEXT_DAY, chosen_models(spec))
    source = str(old_home.parent / "small.csv")

    summary = run(NightlyParameters(dataset=str(spec.file), source=source, as_of=NEXT_DAY)).result()

    compared = {each.name: each for each in summary.gate.rules}["not_worse_than_live"]
    kind = old.manifest["model"]["kind"]
    assert represented in {
        kind,
        f"live_{kind}",
    }  # the same recipe, or one whose parameters are spelt otherwise now
    assert compared.passed or compared.meaning == "the winner is what is live"
    assert latest("small").run == summary.run_id
    assert [each["as_of"] for each in rows("runs")] == ["2025-06-17", "2025-06-24", "2025-07-01"]
    assert shelftalker("rollback", "--dataset", "small").exit_code == 0
    assert latest("small") == old


def test_upgrade__prune_takes_old_artifacts_and_no_publication(old_home, shelftalker):
    for folder in (old_home / "artifacts").glob("*/*"):
        os.utime(folder, (0, 0))
    needed = {each.name for each in (old_home / "published").rglob("*") if each.is_file()}

    done = shelftalker("prune", "--keep-days", 0, "--keep-last", 1, "--json")

    assert done.exit_code == 0, done.output
    assert any(row["removed"] for row in json.loads(done.stdout))
    assert {each.name for each in (old_home / "published").rglob("*") if each.is_file()} == needed
    assert not [each for each in publications("small") if each.damage()]
