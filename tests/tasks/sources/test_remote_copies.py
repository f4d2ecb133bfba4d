"""Remote files: downloaded once, whole and of one moment, and read like any others."""

import errno
import os
from pathlib import Path

import fsspec
import pytest

from data_contracts.errors import ConfigurationError, ContractError, RemoteError
from tasks.runtime.home import sweep
from tasks.runtime.progress import Silent, listening
from tasks.runtime.step import is_worth_a_retry
from tasks.sources import remote as stores
from tasks.sources import remote_copies
from tasks.sources.remote_copies import copy_of, named_by_url

DOING = "reading dataset 'shop' (shop.toml)"


def put(url, **files):
    """Write files below a URL."""
    system, path = fsspec.core.url_to_fs(url)
    for name, content in files.items():
        system.pipe_file(f"{path}/{name}", content.encode())


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


class Heard(Silent):
    def __init__(self):
        self.bytes = 0

    def finished(self, step, seconds, *, reused, facts):
        self.bytes += facts["mb"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(stores, "WAIT_SECONDS", 0)
    monkeypatch.setattr(remote_copies, "_whole", set())


@pytest.fixture
def downloads(monkeypatch):
    """Names of the objects that are downloaded."""
    chunks, seen = stores.Remote.chunks, []

    def seeing(self, listed):
        seen.append(listed.path.rsplit("/", 1)[-1])
        return chunks(self, listed)

    monkeypatch.setattr(stores.Remote, "chunks", seeing)
    return seen


def test_copy_of__a_file_a_folder_and_a_pattern(home, remote):
    put(
        remote,
        **{"orders/a.csv": "1", "orders/day=2/b.csv": "22", "orders/_SUCCESS": "", "orders/notes": "no"},
    )
    put(remote, **{"orders/.hidden.csv": "x", "other.csv": "y"})

    file = copy_of(f"{remote}/orders/a.csv", DOING)
    assert (file.name, file.read_text()) == ("a.csv", "1")
    for url in (f"{remote}/orders", f"{remote}/orders/"):
        folder = copy_of(url, DOING)
        assert folder.name == "orders"
        assert contents(folder) == {"a.csv": "1", "day=2/b.csv": "22"}
    assert contents(copy_of(f"{remote}/orders/*.csv", DOING)) == {"a.csv": "1"}
    assert contents(copy_of(f"{remote}/orders/**/b.csv", DOING)) == {"day=2/b.csv": "22"}
    assert contents(copy_of(f"{remote}/orders", DOING, "b*")) == {"day=2/b.csv": "22"}


def test_copy_of__nothing_is_downloaded_twice_and_what_is_gone_is_removed(home, remote, downloads):
    put(remote, **{"orders/a.csv": "1", "orders/b.csv": "22"})
    first = copy_of(f"{remote}/orders", DOING)
    inodes = {path.name: path.stat().st_ino for path in first.iterdir()}
    assert copy_of(f"{remote}/orders", DOING) == first
    assert sorted(downloads) == ["a.csv", "b.csv"]

    put(remote, **{"orders/b.csv": "333", "orders/c.csv": "4"})
    second = copy_of(f"{remote}/orders", DOING)
    assert sorted(downloads[2:]) == ["b.csv", "c.csv"]
    assert contents(second) == {"a.csv": "1", "b.csv": "333", "c.csv": "4"}
    assert (second / "a.csv").stat().st_ino == inodes["a.csv"]
    # No other process is at work, so nobody reads what was there before.
    assert not first.exists()
    kept = list((home / "remote").glob("*/objects/*"))
    assert len(kept) == 3


def test_copy_of__what_a_living_process_reads_is_kept(home, memory, monkeypatch):
    put(memory, **{"a.csv": "1"})
    first = copy_of(f"{memory}/a.csv", DOING)
    monkeypatch.setattr(remote_copies, "at_work_since", lambda: first.parent.stat().st_mtime)
    put(memory, **{"a.csv": "2"})
    second = copy_of(f"{memory}/a.csv", DOING)

    assert (first.read_text(), second.read_text()) == ("1", "2")


def test_copy_of__a_damaged_copy_is_fetched_again(home, memory, downloads, monkeypatch):
    put(memory, **{"a.csv": "1"})
    copy_of(f"{memory}/a.csv", DOING).write_text("2")
    monkeypatch.setattr(remote_copies, "_whole", set())

    assert copy_of(f"{memory}/a.csv", DOING).read_text() == "1"
    assert downloads == ["a.csv", "a.csv"]


def test_copy_of__large_objects_come_in_chunks(home, remote, monkeypatch):
    monkeypatch.setattr(stores, "CHUNK_BYTES", 1000)
    text = "".join(map(str, range(2000)))
    put(remote, **{"a.csv": text, "empty.csv": ""})
    heard = Heard()
    with listening(heard):
        assert contents(copy_of(remote, DOING)) == {"a.csv": text, "empty.csv": ""}
    assert heard.bytes == round(len(text) / 1e6, 1)


def test_copy_of__a_lost_connection_goes_on_where_it_was(home, memory, monkeypatch):
    monkeypatch.setattr(stores, "CHUNK_BYTES", 10)
    put(memory, **{"a.csv": "x" * 25})
    memory_files = type(fsspec.filesystem("memory"))
    cat, asked = memory_files.cat_file, []

    def lossy(self, path, start=None, end=None, **more):
        asked.append(start)
        if len(asked) in {2, 3}:
            raise ConnectionResetError(errno.ECONNRESET, "reset by peer")
        return cat(self, path, start, end, **more)

    monkeypatch.setattr(memory_files, "cat_file", lossy)
    assert copy_of(f"{memory}/a.csv", DOING).read_text() == "x" * 25
    assert asked == [0, 10, 10, 10, 20]


def test_copy_of__a_connection_that_stays_lost_leaves_nothing_and_is_worth_a_retry(home, memory, monkeypatch):
    put(memory, **{"a.csv": "1"})
    monkeypatch.setattr(
        type(fsspec.filesystem("memory")),
        "cat_file",
        lambda *_given, **_more: (_ for _ in ()).throw(TimeoutError("slow")),
    )
    with pytest.raises(
        RemoteError, match=r"'shop' \(shop.toml\): memory://shop/a.csv does not answer .* slow"
    ) as raised:
        copy_of(f"{memory}/a.csv", DOING)

    class Failed:
        def result(self):
            raise raised.value

    assert is_worth_a_retry(None, None, Failed())
    assert not list(home.glob("remote/*/*/*"))


def test_copy_of__objects_that_change_meanwhile_are_read_again(home, memory, monkeypatch):
    put(memory, **{"a.csv": "1"})
    chunks, texts = stores.Remote.chunks, ["22", "333"]

    def change_after(self, listed):
        yield from chunks(self, listed)
        if texts:
            put(memory, **{"a.csv": texts.pop(0)})

    monkeypatch.setattr(stores.Remote, "chunks", change_after)
    assert copy_of(f"{memory}/a.csv", DOING).read_text() == "333"
    assert len(list(home.glob("remote/*/objects/*"))) == 1
    texts = ["4", "5", "6", "7"]
    put(memory, **{"a.csv": "8"})
    with pytest.raises(RemoteError, match="changed while it was read, 3 times"):
        copy_of(f"{memory}/a.csv", DOING)


def test_copy_of__an_object_that_is_shorter_than_listed(home, memory, monkeypatch):
    put(memory, **{"a.csv": "123"})
    monkeypatch.setattr(type(fsspec.filesystem("memory")), "cat_file", lambda *_given, **_more: b"1")

    with pytest.raises(RemoteError, match=r"memory://.*a\.csv changed while it was read"):
        copy_of(f"{memory}/a.csv", DOING)


@pytest.mark.parametrize("name", ["a/../../../b.csv", "..", "a//b.csv", "a/./b.csv", "x" * 256 + ".csv"])
def test_copy_of__no_name_leaves_the_folder(home, memory, name):
    put(memory, **{"fine.csv": "1"})
    files = fsspec.filesystem("memory")
    files.store[f"/shop/{name}"] = files.store["/shop/fine.csv"]

    with pytest.raises(ConfigurationError, match="has a name that no file here can have"):
        copy_of(memory, DOING)


def test_copy_of__a_name_that_is_a_file_and_a_folder(home, bucket):
    put(bucket, **{"a.csv": "1", "a.csv/b.csv": "2"})

    with pytest.raises(ConfigurationError, match="both as a file and as a folder"):
        copy_of(bucket, DOING)


def test_copy_of__what_is_not_there(home, remote):
    put(remote, **{"a.csv": "1"})
    for url in (f"{remote}/nowhere.csv", f"{remote}/nowhere/", f"{remote}/*.parquet", f"{remote}-not/a.csv"):
        with pytest.raises(ConfigurationError, match=r"'shop' \(shop.toml\): there is nothing at ") as raised:
            copy_of(url, DOING)
        assert url.rstrip("/") in str(raised.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "ftp://host/a.csv",
            "is an address that nothing is read from or written to: files lie on this machine or at s3://",
        ),
        ("postgresql://u:hidden@host/db", "A database is given as url or url_env"),
        (
            "s3://key:hidden@bucket/a.csv",
            "holds a password: leave it out, credentials come from the environment",
        ),
        ("memory://", "names no place"),
        ("gs://bucket/a.csv", r"needs gcsfs, which is not installed: pip install .*'\.\[gcs\]'"),
    ],
)
def test_copy_of__urls_that_nothing_is_asked_by(home, monkeypatch, url, said):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ConfigurationError, match=said) as raised:
        copy_of(url, DOING)
    assert "hidden" not in str(raised.value)


def test_copy_of__wrong_credentials_are_one_line_and_not_tried_again(home, bucket, monkeypatch):
    put(bucket, **{"a.csv": "1"})
    tries = []

    def refuse(*_given, **_more):
        tries.append(1)
        raise PermissionError("The AWS Access Key Id you provided does not exist in our records.")

    monkeypatch.setattr("s3fs.S3FileSystem.info", refuse)
    with pytest.raises(
        ConfigurationError, match=r"is refused: The AWS Access Key Id .* come from the environment"
    ):
        copy_of(f"{bucket}/a.csv", DOING)
    assert len(tries) == 1


def test_copy_of__no_credentials_at_all(home, bucket, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(ConfigurationError, match="is refused: Unable to locate credentials"):
        copy_of(f"{bucket}/a.csv", DOING)


def test_copy_of__a_store_that_is_away(home, bucket, monkeypatch, closed_port):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(RemoteError, match="does not answer as it should: Could not connect to the endpoint"):
        copy_of(f"{bucket}/a.csv", DOING)


def test_named_by_url__errors_about_copies_name_what_they_are_copies_of(home, memory):
    put(memory, **{"my orders/a.csv": "1", "b.csv": "1"})
    folder, file = copy_of(f"{memory}/my orders/*.csv", DOING), copy_of(f"{memory}/b.csv", DOING)

    with (
        pytest.raises(
            ContractError, match=r"^memory://shop/my orders/a\.csv and memory://shop/b\.csv, or /x\.csv$"
        ),
        named_by_url(),
    ):
        raise ContractError(f"{folder / 'a.csv'} and {file}, or /x.csv")
    with pytest.raises(FileNotFoundError, match=r"'memory://shop/b\.csv\.gone'"), named_by_url():
        Path(f"{file}.gone").read_text()


def test_sweep__what_a_killed_download_left(home, memory):
    put(memory, **{"a.csv": "1"})
    path = copy_of(f"{memory}/a.csv", DOING)
    left = [
        home / "remote" / path.parents[1].parent.name / part / ".tmp-abc" for part in ("objects", "views")
    ]
    for folder in left:
        folder.mkdir()
        (folder / "object").write_text("half")

    assert sweep() == len(left)
    assert not any(map(os.path.exists, left))
    assert path.read_text() == "1"
