import json

import pytest
from prefect.states import Failed

from data_contracts.errors import ContractError
from tasks.preparation.mapping import mapping
from tasks.runtime import code_hash, store
from tasks.runtime import step as step_module
from tasks.runtime.step import is_worth_a_retry, step


def write_tiny(out, value: int, label: str = "x"):
    """Write a number."""
    (out / "value.txt").write_text(str(value))
    return {"value": value}


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        (OSError(5, "Input/output error"), True),
        (ConnectionError("reset"), True),
        (FileNotFoundError(2, "gone"), False),
        (ContractError("broken"), False),
        (ValueError("a bug"), False),
    ],
)
def test_is_worth_a_retry__only_what_the_weather_may_have_caused(error, retry):
    assert is_worth_a_retry(None, None, Failed(data=error)) is retry


def test_step__runs_again_where_prefects_record_of_it_is_half_written(home, monkeypatch):
    made = step("write {label}")(write_tiny)
    refreshed = []

    class Torn:
        def __call__(self, *_args, **_kwargs):
            raise json.JSONDecodeError("Expecting value", "", 0)

        def with_options(self, **options):
            refreshed.append(options)
            return lambda value: made._obtain({"value": value, "label": "x"})

    monkeypatch.setattr(made, "task", Torn())

    assert made(3).facts["value"] == 3
    assert refreshed == [{"refresh_cache": True}]


def test_step__reads_in_prefect_as_what_it_does(home):
    made = step("write {label}")(write_tiny)

    assert made.task.name == "write-tiny"
    assert made.task.task_run_name == "write {label}"
    assert made.task.retries == step_module.RETRIES
    assert list(made.task.fn.__signature__.parameters) == ["value", "label"]


def test_step__key_changes_with_the_contract_that_judges_it(home, tmp_path, monkeypatch):
    made = step("write", contracts=("vocabulary",))(write_tiny)
    before = made._source({"value": 1})
    (tmp_path / "vocabulary.json").write_text("{}")
    monkeypatch.setattr(step_module, "find_suite", lambda name, folder: tmp_path / f"{name}.json")

    assert made._source({"value": 1}) != before


def test_step__key_changes_with_the_code_behind_it(home, monkeypatch):
    before = mapping._source({})
    monkeypatch.setattr(step_module, "code_hash", lambda *modules: "other")

    assert mapping._source({}) != before
    assert code_hash.code_hash("tasks.preparation.mapping") in before


def test_step__obtains_its_artifact_and_reuses_it(home):
    made = step("write {label}")(write_tiny)
    first = made._obtain({"value": 3, "label": "x"})
    (home / "artifacts").rename(home / "moved")
    again = made._obtain({"value": 3, "label": "x"})

    assert first.key == again.key
    assert store.ArtifactRef.model_validate(again.model_dump()).facts == {"value": 3}
