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
