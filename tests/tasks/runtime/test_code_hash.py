import os

from data_contracts.scoring import MORE_MODELS
from tasks.runtime import code_hash as code_hash_module
from tasks.runtime.code_hash import closure, code_hash


def test_closure__follows_imports_of_ours_at_any_depth():
    found = closure("tasks.preparation.mapping")

    assert {
        "tasks.preparation.mapping",
        "tasks.preparation.select_events",
        "tasks.runtime.duckdb_engine",
        "data_contracts.columns",
    } <= found
    assert not any(name.startswith(("numpy", "prefect", "flows")) for name in found)


def test_closure__of_one_model_holds_no_other_model():
    found = closure("tasks.models.popularity")

    assert "tasks.models.als" not in found
    assert "tasks.models" in found


def test_code_hash__changes_with_a_helper_and_nothing_else(tmp_path, monkeypatch):
    package = tmp_path / "tasks"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("X = 1\n")
    (package / "user.py").write_text("from tasks import helper\n")
    (package / "unknown user.py").write_text("")
    monkeypatch.setattr(code_hash_module, "ROOT", tmp_path)

    def hashes():
        for cached in (code_hash, closure, code_hash_module._imports, code_hash_module._path):
            cached.cache_clear()
        return code_hash("tasks.user"), code_hash("tasks.unknown user")

    before = hashes()
    (package / "helper.py").write_text("X = 2\n")
    after = hashes()
    monkeypatch.undo()
    for cached in (code_hash, closure, code_hash_module._imports, code_hash_module._path):
        cached.cache_clear()

    assert before[0] != after[0]
    assert before[1] == after[1]


def test_code_hash__finds_models_in_all_folders_that_the_environment_names(tmp_path, monkeypatch):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}_model.py").write_text("from tasks.numeric import jit\n")
    monkeypatch.setenv(MORE_MODELS, os.pathsep.join(str(tmp_path / name) for name in ("first", "second")))
    found = [closure(f"tasks.models.{name}_model") for name in ("first", "second")]

    assert all("tasks.numeric.jit" in modules for modules in found)
