import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from data_contracts.errors import ConfigurationError, DamagedError, VocabularyMismatchError
from data_contracts.selection import Selection
from tasks.runtime import store
from tasks.runtime.files import read_json, replace_file, replace_json


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


def test_damage__of_the_manifest_itself_is_seen(home):
    ref = obtain()
    manifest = ref.folder / store.MANIFEST
    written = manifest.read_text()
    for harmed in (
        written.replace('"n": 5', '"n": 6'),
        written[:90],
        "",
        "[]",
        written.replace("files", "filed"),
    ):
        manifest.write_text(harmed)
        assert str(manifest) in store.damage(ref.folder)
    manifest.write_text(written)
    assert store.damage(ref.folder) == ""


def test_damage__of_one_part_does_not_concern_another(home):
    def write(folder):
        (folder / "model").mkdir()
        (folder / "model" / "x.npy").write_text("x")
        (folder / "model.txt").write_text("y")
        return {}

    ref = store.obtain("parts", {}, "code", write)
    (ref.folder / "model" / "x.npy").write_text("z")

    assert store.damage(ref.folder, "model.txt") == ""
    assert store.damage(ref.folder, "model") == "model/x.npy is not what was written"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b'{"a": 1', "Expecting"),
        (b"[1]", "holds list, not a JSON object"),
        (b"\xff\xfe\x00", "decode"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_read_json__names_the_file(tmp_path, content, said):
    path = tmp_path / "state.json"
    path.write_bytes(content)

    with pytest.raises(DamagedError, match=said) as caught:
        read_json(path)
    assert str(path) in str(caught.value)
    path.unlink()
    with pytest.raises(DamagedError, match=f"{path} is missing"):
        read_json(path)


KILLED_IN_REPLACE = """
import os, signal, sys
from pathlib import Path
from tasks.runtime.files import replace_file

for place in sys.argv[1:]:
    Path(place).mkdir(parents=True)

def write(temporary):
    temporary.write_text("half")
    if str(temporary.parent) == sys.argv[-1]:
        os.kill(os.getpid(), signal.SIGKILL)
    raise KeyboardInterrupt

for place in sys.argv[1:]:
    try:
        replace_file(Path(place) / "file", write)
    except KeyboardInterrupt:
        pass
"""


@pytest.mark.parametrize(
    "place",
    [
        "published/shop",
        "receipts/shop/2026-01-01",
        "rejected/shop/undated",
        "exports/shop/undated/run",
        "tuned",
    ],
)
def test_sweep__removes_the_files_that_a_killed_replacement_left(home, place):
    folder = home / place
    subprocess.run(
        [sys.executable, "-c", KILLED_IN_REPLACE, str(folder)],
        env={"PYTHONPATH": str(Path.cwd())},
        check=False,
    )
    assert len(list(folder.iterdir())) == 1

    assert store.sweep() == 1
    assert list(folder.iterdir()) == []


def test_replace_file__a_folder_in_its_place_is_named(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(DamagedError, match=f"{tmp_path / 'file'} is a folder"):
        replace_json(tmp_path / "file", {})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_sweep__spares_a_file_that_is_being_written(home):
    folder = home / "published" / "shop"
    folder.mkdir(parents=True)

    def write(temporary):
        temporary.write_text("new")
        assert store.sweep() == 0

    replace_file(folder / "file", write)
    assert (folder / "file").read_text() == "new"


def test_new_files__follow_the_umask(tmp_path):
    code = (
        "import os\nos.umask(0o027)\nfrom pathlib import Path\nfrom tasks.runtime import files, store\n"
        "files.replace_text(Path('text'), 'x')\n"
        "store.obtain('tiny', {}, 'code', lambda folder: (folder / 'data').write_text('x') and {})"
    )
    environment = {"PYTHONPATH": str(Path.cwd()), "SHELFTALKER_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)

    modes = {
        path.stat().st_mode & 0o777 for path in [tmp_path / "text", *tmp_path.glob("home/artifacts/*/*/*")]
    }
    assert modes == {0o640}
    assert [path.stat().st_mode & 0o777 for path in tmp_path.glob("home/artifacts/tiny/*")] == [0o750]
