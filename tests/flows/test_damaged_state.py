"""Damage to what a home keeps: the next run mends it or goes on without it, and says which file it is."""

import json
import shutil
from pathlib import Path

import pytest
from small_shop import write_dataset

from tasks.publication.registry import latest, publications

TORN = ("", '{"dataset"')


@pytest.fixture
def call(shelftalker, tmp_path, small_log):
    """Run a command on the small shop; runs as of a day on its log."""
    toml = write_dataset(tmp_path)

    def run(*words):
        log = ("--source", small_log) if words[0] == "run" else ()
        return shelftalker(*words, "--dataset", toml, *log)

    return run


@pytest.mark.parametrize("content", TORN)
def test_damaged_pointer__every_command_works_and_a_run_mends_it(warm_home, call, content, first_run, caplog):
    pointer = warm_home / "published/small/latest.json"
    written = pointer.read_text()
    pointer.write_text(content)

    for words in (("runs",), ("recommend", "--user", "nobody knows me"), ("export",)):
        assert call(*words).exit_code == 0
    assert str(pointer) in caplog.text
    assert pointer.read_text() == content
    done = call("run", "--json")
    assert (done.exit_code, json.loads(done.stdout)["live"]) == (0, True)
    assert pointer.read_text() == written


def test_damaged_old_publication__later_nights_go_on_without_it(home_with_date, call, caplog):
    old, live = publications("small")
    for harm in ("summary.json", "manifest.json"):
        whole = (old.folder / harm).read_bytes()
        (old.folder / harm).write_bytes(whole[:90])
        done = call("run", "--json")
        assert (done.exit_code, json.loads(done.stdout)["live"]) == (0, True)
        assert f"{old.run}" in caplog.text
        verified = call("runs", "--verify", "--json")
        assert (verified.exit_code, harm in verified.stderr) == (1, True)
        (old.folder / harm).write_bytes(whole)
    shutil.copytree(old.folder.parent, Path(f"{old.folder.parent}.bak"))
    assert call("run").exit_code == 0
    assert ".bak" in caplog.text
    assert latest("small").as_of == live.as_of
    shutil.rmtree(f"{old.folder.parent}.bak")
    assert call("runs", "--verify").exit_code == 0


def test_damaged_earlier_publication__is_not_rolled_back_to(home_with_date, call):
    old, live = publications("small")
    (old.folder / "predictions.parquet").unlink()

    done = call("rollback")
    assert (done.exit_code, "no whole publication before the live one" in done.stderr) == (2, True)
    named = call("rollback", "--to", old.run)
    assert (named.exit_code, "predictions.parquet is missing" in named.stderr) == (1, True)
    assert latest("small").as_of == live.as_of
    assert call("recommend", "--user", "nobody knows me").exit_code == 0


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("predictions.parquet", ("recommend", "--user", "1")),
        ("items.parquet", ("similar", "--item", "1")),
        ("users_per_item.parquet", ("export",)),
    ],
)
def test_damaged_live_publication__is_an_error_that_names_the_file(warm_home, call, file, words):
    path = latest("small").folder / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    done = call(*words)
    assert (done.exit_code, f"{file} is not what was written" in done.stderr) == (1, True)
    assert "shelftalker rollback --dataset small" in done.stderr
    assert call("run").exit_code == 0  # which writes the same publication again
    assert call("export").exit_code == 0
