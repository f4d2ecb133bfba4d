"""Tuning as a whole, on the small shop: what it writes, that it goes on, and that a run uses it."""

import json
import tomllib
from datetime import date, timedelta

import pytest
from click.testing import CliRunner
from small_shop import run, write_dataset

from data_contracts.errors import ConfigurationError
from data_contracts.parameters import NightlyParameters, TuneParameters
from data_contracts.tuned import Tuned
from flows.cli import main
from flows.tune import deadlines, tune

FAST = ("recent_popularity", "personal_frequency")
AS_OF = date(2025, 7, 1)


@pytest.fixture
def shop(tmp_path, small_log, prefect_server):
    return {"dataset": str(write_dataset(tmp_path)), "source": str(small_log)}


def test_tune__writes_what_it_found_and_goes_on_from_there(warm_home, shop):
    first = tune(TuneParameters(**shop, models=FAST, trials=3))
    again = tune(TuneParameters(**shop, models=FAST, trials=5))

    assert {name: found["trials"] for name, found in first["models"].items()} == dict.fromkeys(FAST, 3)
    assert {name: found["trials"] for name, found in again["models"].items()} == dict.fromkeys(FAST, 5)
    assert first["path"] == again["path"] == str(warm_home / "tuned" / "small.toml")
    assert first["storage"] == f"sqlite:///{warm_home}/studies/small.sqlite"
    for name, found in Tuned.load(warm_home / "tuned" / "small.toml").models.items():
        assert found.value == again["models"][name]["value"] >= first["models"][name]["value"]
        assert found.value >= found.start
        assert found.study == first["models"][name]["study"]
        assert found.study.startswith(f"small-{name}-")
        # The hold-out of 28 days before 2025-07-01 was not looked at.
        assert found.until.date() <= AS_OF - timedelta(days=28)
        assert len(found.windows) == 2


def test_tune__another_question_is_another_study(warm_home, shop, tmp_path):
    def study(**changes):
        return tune(TuneParameters(**shop | changes, models=("recent_popularity",), trials=1))["models"][
            "recent_popularity"
        ]["study"]

    (tmp_path / "other").mkdir()
    same, fewer, other = study(), study(windows=1), study(seed=1)
    changed = write_dataset(tmp_path / "other", [("basket_precision@5", "recall@10")])

    assert len({same, fewer, other, study(dataset=str(changed))}) == 4
    assert study() == same


def test_nightly__uses_a_tuned_file_by_name_and_says_so(warm_home, shop):
    found = tune(TuneParameters(**shop, models=("personal_frequency",), trials=4))["models"][
        "personal_frequency"
    ]

    summary = run(NightlyParameters(**shop, tuned="small", dry_run=True)).result()

    used = summary.models["personal_frequency"]
    assert used.parameters == used.parameters | found["parameters"]
    assert used.parameters_from == f"study {found['study']}"
    assert summary.models["wals"].parameters_from == "dataset file"
    assert summary.tuned == "small"


def test_nightly__refuses_parameters_that_saw_its_hold_out(warm_home, shop):
    tune(TuneParameters(**shop, models=("recent_popularity",), trials=1))
    earlier = AS_OF - timedelta(days=7)

    with pytest.raises(ConfigurationError, match="was tuned on events until"):
        run(NightlyParameters(**shop, tuned="small", as_of=earlier)).result()


def test_tune__without_time_says_what_to_do(warm_home, shop):
    with pytest.raises(ConfigurationError, match="give more --minutes"):
        tune(TuneParameters(**shop, models=("recent_popularity",), minutes=1e-9))


@pytest.mark.parametrize(
    ("models", "said"),
    [(("walls",), "cannot tune walls: models of 'small'"), (("popularity",), "cannot tune popularity")],
)
def test_tune__refuses_models_without_something_to_tune(home, shop, models, said):
    with pytest.raises(ConfigurationError, match=said):
        tune(TuneParameters(**shop, models=models))


def test_deadlines__share_what_is_left_of_the_time():
    first, second = deadlines(None, 2)
    assert (first, second) == (None, None)

    early, late = deadlines(10.0, 2)

    assert 290 < late - early < 310


def test_command__prints_a_table_or_json(warm_home, shop, monkeypatch, tmp_path):
    monkeypatch.setattr("flows.cli_common.settle", lambda home, **_: None)
    output = tmp_path / "mine.toml"
    words = ["tune", "--dataset", shop["dataset"], "--source", shop["source"], "--trials", "2"]
    words += ["--models", "recent_popularity", "--output", str(output)]

    table = CliRunner().invoke(main, words)
    told = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    quiet = CliRunner().invoke(main, [*words, "--quiet"])

    assert (quiet.exit_code, quiet.output) == (0, "")
    assert table.exit_code == 0
    assert "half_life_days" in table.stdout
    assert str(output) in table.stdout
    assert told["models"]["recent_popularity"]["trials"] == 2
    assert tomllib.loads(output.read_text())["dataset"] == "small"
