import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from data_contracts.errors import ConfigurationError, VocabularyMismatchError
from data_contracts.selection import Selection
from tasks.runtime import store
from tasks.runtime.files import read_json, replace_json


def obtain(content="hello", **inputs):
    def write(folder):
        (folder / "data.txt").write_text(content)
        return {"n": len(content)}

    return store.obtain("tiny", inputs or {"x": 1}, "code", write)


def test_obtain__writes_once_and_reuses(home):
    first = obtain()
    stamp = (first.folder / "data.txt").stat().st_mtime_ns
    second = obtain("never written")

    assert second == first
    assert (second.folder / "data.txt").stat().st_mtime_ns == stamp
    assert second.facts == {"n": 5}


def test_obtain__key_depends_on_inputs_and_code(home):
    assert obtain(x=1).key != obtain(x=2).key
    assert store.key_of("s", {"x": 1}, "a") != store.key_of("s", {"x": 1}, "b")
    assert store.key_of("s", {"a": 1, "b": 2}, "c") == store.key_of("s", {"b": 2, "a": 1}, "c")


def test_key_of__a_named_tuple_is_known_by_its_names_and_its_content(home):
    class Pair(NamedTuple):
        first: store.ArtifactRef
        window: Selection

    one, other = obtain(x=1), obtain(x=2)
    pair = Pair(one, Selection(leave_last_n=1))
    keys = {
        store.key_of("s", {"x": each}, "c")
        for each in (pair, Pair(other, pair.window), Pair(one, Selection(leave_last_n=2)))
    }

    assert len(keys) == 3
    assert store.key_of("s", {"x": pair}, "c") in keys
    assert obtain(pair=pair).manifest["inputs"]["pair"]["first"] == one.cache_identity()


def test_key_of__refuses_a_bare_path(tmp_path):
    with pytest.raises(TypeError, match="pass a reference with a content hash"):
        store.key_of("s", {"x": tmp_path}, "c")


def test_manifest__has_sizes_hashes_and_versions(home):
    manifest = obtain().manifest

    assert manifest["files"]["data.txt"]["size"] == 5
    assert len(manifest["files"]["data.txt"]["sha256"]) == 64
    assert {"numpy", "lightgbm"} <= set(manifest["packages"])
    assert manifest["inputs"] == {"x": 1}


@pytest.mark.parametrize("harm", ["change", "shorten", "remove", "no manifest"])
def test_obtain__rebuilds_a_damaged_artifact(home, harm):
    folder = obtain().folder
    if harm == "no manifest":
        (folder / store.MANIFEST).unlink()
    elif harm == "remove":
        (folder / "data.txt").unlink()
    else:
        (folder / "data.txt").write_text("jello" if harm == "change" else "h")

    assert store.damage(folder)
    assert (obtain().folder / "data.txt").read_text() == "hello"


def test_artifact_ref__cannot_be_made_for_a_damaged_folder(home):
    ref = obtain()
    saved = ref.model_dump_json()
    assert store.ArtifactRef.model_validate_json(saved) == ref
    (ref.folder / "data.txt").write_text("other")

    with pytest.raises(ValueError, match=r"data\.txt is not what was written"):
        store.ArtifactRef.model_validate_json(saved)


def test_obtain__leaves_nothing_when_writing_fails(home):
    def fail(folder):
        (folder / "half.txt").write_text("half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.obtain("tiny", {}, "code", fail)

    assert list((home / "artifacts" / "tiny").iterdir()) == []


def test_obtain__full_disk_names_the_place(home):
    def fail(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"no space left while writing .*; free some and run again"):
        store.obtain("tiny", {}, "code", fail)


def test_sweep__removes_what_a_killed_run_left_and_spares_a_living_one(home):
    script = textwrap.dedent("""
        import time
        from tasks.runtime import store
        def write(folder):
            (folder / "half.txt").write_text("half")
            print("writing", flush=True)
            time.sleep(60)
        store.obtain("tiny", {}, "code", write)
    """)
    run = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert run.stdout.readline() == b"writing\n"
    left = list((home / "artifacts" / "tiny").iterdir())
    assert store.sweep() == 0
    assert left[0].exists()
    run.kill()
    run.communicate()
    deadline = time.monotonic() + 10
    while not store.sweep() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert list((home / "artifacts" / "tiny").iterdir()) == []


def test_replace_json__replaces_in_one_step(tmp_path):
    path = tmp_path / "latest.json"
    replace_json(path, {"run": "a"})
    replace_json(path, {"run": "ü"})

    assert read_json(path) == {"run": "ü"}
    assert [each.name for each in tmp_path.iterdir()] == ["latest.json"]


def test_same_vocabulary__names_what_differs():
    one = {"users_sha256": "a" * 64, "items_sha256": "b" * 64}
    store.same_vocabulary(one, dict(one), "model m")

    with pytest.raises(
        VocabularyMismatchError, match="model m was made with another vocabulary: items_sha256"
    ):
        store.same_vocabulary(one, {**one, "items_sha256": "c" * 64}, "model m")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "x\n"])
def test_must_be_plain__keeps_names_inside_their_folder(name):
    with pytest.raises(ConfigurationError, match="letters, digits"):
        store.must_be_plain("dataset", name)
