"""Uploading a publication: files beside their places, then their names, the manifest last."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import fsspec
import pytest
from shop_database import make_publication, rows_of

from data_contracts.errors import ConfigurationError, RemoteError
from data_contracts.published_files import TABLES
from tasks.publication import remote_export
from tasks.publication.delivery import upload_files
from tasks.sources import remote as stores


@pytest.fixture
def publication(home, tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "WAIT_SECONDS", 0)
    return make_publication(tmp_path)


def objects(url):
    files, path = fsspec.core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
    return {name.removeprefix(f"{path}/"): files.cat_file(name) for name in files.find(path)}


@pytest.fixture
def actions(monkeypatch):
    """What is done to the store, in order; raises at the one that is named."""
    done, fail = [], []

    def watched(what):
        kept = getattr(remote_export.Folder, what)

        def act(self, *given):
            done.append((what, *(str(each) for each in given[:1])))
            if what in fail:
                raise RemoteError("the connection is lost")
            return kept(self, *given)

        monkeypatch.setattr(remote_export.Folder, what, act)

    for what in ("send", "copy", "write"):
        watched(what)
    return done, fail


def test_upload__files_with_a_manifest(publication, remote):
    told = upload_files(publication, TABLES, ["csv", "parquet"], f"{remote}/lists/")

    found = objects(f"{remote}/lists")
    manifest = json.loads(found.pop("manifest.json"))
    assert set(found) == {f"{name}.{form}" for name in TABLES for form in ("csv", "parquet")}
    assert found["predictions.parquet"] == (publication.folder / TABLES["predictions"]).read_bytes()
    assert found["strangers.csv"].count(b"\r\n") > len(rows_of(publication, "strangers"))
    assert (manifest["dataset"], manifest["run"], manifest["as_of"]) == ("shop", "first", "2026-01-01")
    assert {name: hashlib.sha256(content).hexdigest() for name, content in found.items()} == {
        name: about["sha256"] for name, about in manifest["files"].items()
    }
    assert told[0] == {"what": "predictions.csv", "rows": 24, "where": f"{remote}/lists"}


def test_upload__nothing_is_replaced_unless_told(publication, remote):
    upload_files(publication, ["strangers"], ["csv"], remote)
    before = objects(remote)

    with pytest.raises(ConfigurationError, match=r"strangers\.csv exists already; .* --overwrite"):
        upload_files(publication, ["strangers"], ["csv"], remote)
    assert objects(remote) == before
    upload_files(publication, ["strangers"], ["csv"], remote, overwrite=True)
    assert objects(remote) == before


def test_upload__the_manifest_comes_last_and_goes_first(publication, memory, actions):
    done, fail = actions
    upload_files(publication, ["strangers", "predictions"], ["csv"], memory)
    assert [what for what, *_ in done] == ["send", "send", "copy", "copy", "write"]
    fail.append("copy")
    with pytest.raises(RemoteError):
        upload_files(publication, ["strangers", "predictions"], ["csv"], memory, overwrite=True)
    assert set(objects(memory)) == {"strangers.csv", "predictions.csv"}


def test_upload__one_that_fails_early_leaves_what_was_there(publication, memory, actions):
    _, fail = actions
    upload_files(publication, ["strangers"], ["csv"], memory)
    before = objects(memory)
    fail.append("send")

    with pytest.raises(RemoteError):
        upload_files(publication, ["strangers"], ["csv"], memory, overwrite=True)
    assert objects(memory) == before


def test_upload__what_a_killed_one_left_is_removed_when_it_is_old(publication, memory, monkeypatch):
    files = fsspec.filesystem("memory")
    files.pipe_file("/shop/.tmp-a/old.csv", b"1")
    upload_files(publication, ["strangers"], ["csv"], memory)
    assert ".tmp-a/old.csv" in objects(memory)
    files.store["/shop/.tmp-a/old.csv"].modified = datetime.now(UTC) - timedelta(days=1)
    upload_files(publication, ["strangers"], ["csv"], memory, overwrite=True)

    assert set(objects(memory)) == {"strangers.csv", "manifest.json"}


def test_upload__other_bytes_than_were_sent_are_found_out(publication, memory, monkeypatch):
    monkeypatch.setattr(
        type(fsspec.filesystem("memory")), "put_file", lambda self, _local, path: self.pipe_file(path, b"1")
    )
    with pytest.raises(RemoteError, match=r"has 1 bytes, expected .* nothing was replaced"):
        upload_files(publication, ["strangers"], ["csv"], memory)
    assert not objects(memory)


def test_upload__a_bucket_that_is_not_there(publication, bucket):
    with pytest.raises(ConfigurationError, match=f"there is nothing at {bucket}-not/lists"):
        upload_files(publication, ["strangers"], ["csv"], f"{bucket}-not/lists")
