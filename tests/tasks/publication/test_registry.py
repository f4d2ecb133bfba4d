import fcntl
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from data_contracts.errors import ConfigurationError, DamagedError, ShelftalkerError
from tasks.publication import registry as pub
from tasks.publication.listing import verified_listing
from tasks.publication.registry import Publication, champion, latest, mend, publications, publish, roll_back


@pytest.fixture
def make(home, tmp_path):
    def publish_one(day, run, text="x"):
        source = tmp_path / "predictions.parquet"
        source.write_text(text)
        one = Publication(dataset="shop", as_of=date(2026, 1, day), run=run)
        return one, publish(one, {"predictions.parquet": source}, {"model": {"kind": "popularity"}})

    return publish_one


def test_publish__is_whole_and_live(make):
    one, live = make(1, "aaa")

    assert live
    assert latest("shop") == one
    assert (one.folder / "predictions.parquet").read_text() == "x"
    assert one.manifest["model"] == {"kind": "popularity"}


def test_publish__again_changes_nothing(make):
    one, _ = make(1, "aaa", "first")
    make(1, "aaa", "second")

    assert (one.folder / "predictions.parquet").read_text() == "first"


def test_publish__repairs_a_damaged_publication(make):
    one, _ = make(1, "aaa")
    (one.folder / "predictions.parquet").write_text("harm")
    make(1, "aaa")

    assert (one.folder / "predictions.parquet").read_text() == "x"


def test_publish__an_older_day_never_becomes_live(make):
    newer, _ = make(5, "new")
    older, live = make(2, "old")

    assert not live
    assert latest("shop") == newer
    assert publications("shop") == [older, newer]


def test_publish__a_failure_leaves_the_pointer_and_no_partial_folder(make, home, monkeypatch):
    one, _ = make(1, "aaa")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pub.shutil, "copyfile", full)
    with pytest.raises(OSError, match="no space left"):
        make(2, "bbb")

    assert latest("shop") == one
    assert publications("shop") == [one]
    assert [each.name for each in (home / "published/shop/2026-01-02").iterdir()] == []


def test_champion__is_what_was_live_before_the_day(make):
    first, _ = make(1, "aaa")
    second, _ = make(2, "bbb")
    third, _ = make(3, "ccc")

    assert champion("shop", date(2026, 1, 4)) == third
    assert champion("shop", date(2026, 1, 3)) == second
    assert champion("shop", date(2026, 1, 1)) is None
    assert champion("shop", None) == third
    roll_back("shop", "aaa")
    assert champion("shop", date(2026, 1, 4)) == first  # what is live, not what is newest


def test_roll_back__goes_to_the_one_before_or_the_one_named(make):
    first, _ = make(1, "aaa")
    second, _ = make(2, "bbb")
    third, _ = make(3, "ccc")

    assert roll_back("shop") == second
    assert roll_back("shop") == first
    assert roll_back("shop", "cc") == third
    assert latest("shop") == third


def test_roll_back__lists_what_there_is(make):
    make(1, "aaa")

    with pytest.raises(
        ConfigurationError, match=r"no single publication 'zzz'; there are: aaa \(as of 2026-01-01\)"
    ):
        roll_back("shop", "zzz")
    with pytest.raises(ConfigurationError, match="before the live one"):
        roll_back("shop")


def test_publishing__waits_and_then_says_who_holds_the_lock(make, home, monkeypatch):
    make(1, "aaa")
    monkeypatch.setattr(pub, "LOCK_SECONDS", 0.1)
    handle = os.open(home / "published/shop/.lock", os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(ShelftalkerError, match="another run has been publishing 'shop'"):
            make(2, "bbb")
    finally:
        os.close(handle)
    assert make(2, "bbb")[1]


def test_publishing__the_lock_of_a_killed_process_is_free_at_once(make, home, monkeypatch):
    make(1, "aaa")
    monkeypatch.setattr(pub, "LOCK_SECONDS", 5.0)
    script = "import time\nfrom tasks.publication.registry import publishing\nwith publishing('shop'):\n print(1, flush=True)\n time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert holder.stdout.readline() == b"1\n"
    holder.kill()
    holder.communicate()

    assert make(2, "bbb")[1]


TORN = ("", "{", "[]", '{"dataset": "shop"}', '{"dataset": "other", "as_of": null, "run": "x"}')


@pytest.mark.parametrize("content", TORN)
def test_latest__a_damaged_pointer_is_believed_by_its_copy_and_mended(make, home, content, caplog):
    first, _ = make(1, "aaa")
    make(2, "bbb")
    roll_back("shop")
    pointer = home / "published/shop/latest.json"
    written = pointer.read_text()
    pointer.write_text(content)

    assert latest("shop") == first  # what was rolled back to, not what is newest
    assert str(pointer) in caplog.text
    mend("shop")
    assert pointer.read_text() == written


@pytest.mark.parametrize("content", TORN)
def test_latest__without_a_copy_it_is_the_newest_publication(make, home, content):
    make(1, "aaa")
    second, _ = make(2, "bbb")
    for name in (pub.LATEST, pub.COPY):
        (home / "published/shop" / name).write_text(content)

    assert latest("shop") == second
    shutil.rmtree(home / "published/shop/2026-01-01")
    shutil.rmtree(second.folder)
    assert latest("shop") is None
    assert make(3, "ccc")[1]
    assert latest("shop").run == "ccc"


def test_publications__one_that_cannot_be_read_is_left_out_and_named(make, home, caplog):
    whole, _ = make(3, "ccc")
    torn, _ = make(1, "aaa")
    (torn.folder / "manifest.json").write_text('{"files"')
    shutil.copytree(whole.folder.parent, whole.folder.parent.with_name("2026-01-03.bak"))
    shutil.copytree(whole.folder, whole.folder.with_name("ccc.bak"))
    shutil.copytree(whole.folder.parent, whole.folder.parent.with_name("20260103"))
    (home / "published/shop/2026-01-09/ddd").mkdir(parents=True)

    assert publications("shop") == [whole]
    for name in ("2026-01-01/aaa/manifest.json", "2026-01-03.bak", "ccc.bak", "20260103", "2026-01-09/ddd"):
        assert name in caplog.text
    assert champion("shop", date(2026, 1, 4)) == whole


def test_champion__a_live_one_that_cannot_be_read_is_passed_over(make):
    first, _ = make(1, "aaa")
    second, _ = make(2, "bbb")
    (second.folder / "manifest.json").unlink()

    assert champion("shop", date(2026, 1, 4)) == first


def test_roll_back__never_makes_a_damaged_publication_live(make, caplog):
    first, _ = make(1, "aaa")
    second, _ = make(2, "bbb")
    third, _ = make(3, "ccc")
    (second.folder / "predictions.parquet").unlink()

    with pytest.raises(
        DamagedError, match=r"bbb is damaged: predictions.parquet is missing; run its day again"
    ):
        roll_back("shop", "bbb")
    assert latest("shop") == third
    assert roll_back("shop") == first
    assert "passed over" in caplog.text


def test_roll_back__from_a_live_one_that_cannot_be_read(make):
    first, _ = make(1, "aaa")
    second, _ = make(2, "bbb")
    shutil.rmtree(second.folder)

    assert roll_back("shop") == first


def test_publish__what_the_disk_damaged_does_not_become_live(make, monkeypatch):
    first, _ = make(1, "aaa")
    commit = pub.store.commit

    def harm(folder, final):
        commit(folder, final)
        (final / "predictions.parquet").write_text("y")

    monkeypatch.setattr(pub.store, "commit", harm)
    with pytest.raises(DamagedError, match=r"predictions.parquet is not what was written"):
        make(2, "bbb")
    assert latest("shop") == first


def test_verified_listing__reads_every_file(make):
    first, _ = make(1, "aaa")
    second, _ = make(2, "bbb")
    (first.folder / "predictions.parquet").write_text("y")
    (second.folder / "manifest.json").write_text("")

    found = {row["run"]: (row["live"], row["verified"]) for row in verified_listing("shop")}
    assert found == {
        "aaa": ("", f"{first.folder} is damaged: predictions.parquet is not what was written"),
        "bbb": ("yes", f"{second.folder / 'manifest.json'} is damaged: it is empty"),
    }


def test_part__is_checked_once_and_again_when_it_changes(make, monkeypatch):
    one, _ = make(1, "aaa")
    assert one.part("predictions.parquet").read_text() == "x"
    with monkeypatch.context() as patch:
        patch.setattr("tasks.runtime.manifests.sha256_of", lambda path: pytest.fail(f"{path} is read again"))
        one.part("predictions.parquet")
    (one.folder / "predictions.parquet").write_text("y")
    with pytest.raises(DamagedError, match=r"predictions.parquet is not what was written"):
        one.part("predictions.parquet")
