import time
from dataclasses import replace

import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from small_objectives import objective
from sqlalchemy import make_url

from data_contracts.errors import ConfigurationError
from tasks import models
from tasks.models._search_space import Doubling, Range
from tasks.tuning.objective import Objective, OutOfTimeError
from tasks.tuning.search import Budget, search
from tasks.tuning.studies import create_study, finished, found, open_study, shown, sqlite_url


@pytest.fixture
def url(tmp_path):
    return sqlite_url(tmp_path / "studies", "small")


@pytest.fixture
def memory():
    """Studies that are not kept: the same search without waiting for the disk."""
    return InMemoryStorage()


def _run(where, asked, trials, name="one", deadline=None):
    study = open_study(where, name) if isinstance(where, str) else create_study(where, name)
    search(study, asked, Budget(trials, deadline), lambda _done, _best: None)
    return study


def _tried(study):
    return [(trial.params, trial.value) for trial in study.trials if trial.state == TrialState.COMPLETE]


def test_search__starts_with_the_parameters_of_the_dataset_file(memory):
    asked = objective(half_life_days=1000.0)  # outside the range, and tried all the same

    study = _run(memory, asked, 3)

    assert study.trials[0].user_attrs["parameters"] == {"half_life_days": 1000.0}
    assert found(study, asked.kind).start == asked.value({"half_life_days": 1000.0}, lambda *_: None)


def test_search__resumed_goes_on_as_if_it_had_never_stopped(url):
    asked = objective("personal_frequency")
    straight = _run(url, asked, 12, "straight")

    _run(url, asked, 5, "in parts")
    parts = _run(url, asked, 12, "in parts")

    assert _tried(parts) == _tried(straight)
    assert len({str(params) for params, _ in _tried(straight)}) > 10
    again = _run(url, asked, 12, "in parts")
    assert len(again.trials) == len(parts.trials)


def test_search__ctrl_c_keeps_the_trials_and_changes_nothing_after(url, monkeypatch):
    asked = objective("personal_frequency")
    straight = _run(url, asked, 6, "straight")
    plain, calls = Objective.value, []

    def value(self, *given):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return plain(self, *given)

    monkeypatch.setattr(Objective, "value", value)
    with pytest.raises(KeyboardInterrupt):
        _run(url, asked, 6, "stopped")
    assert found(open_study(url, "stopped"), asked.kind).trials == 3

    assert _tried(_run(url, asked, 6, "stopped")) == _tried(straight)


@pytest.fixture
def clock(monkeypatch):
    """A clock on which every trial takes a second."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def value(_self, given, _report, deadline):
        now[0] += 1.0
        if deadline is not None and now[0] > deadline:
            raise OutOfTimeError
        return given.get("n_factors", 1) / 1000

    monkeypatch.setattr(Objective, "value", value)
    return now


def test_search__respects_the_time_limit(memory, clock):
    study = _run(memory, objective(), 100, deadline=3.5)

    # The fourth trial is cut short: it says nothing, and the next search asks for it again.
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3 + [TrialState.FAIL]
    assert found(study, "recent_popularity").trials == 3
    resumed = _run(memory, objective(), 4)
    assert resumed.trials[4].params == study.trials[3].params


def test_search__keeps_time_for_larger_sizes(memory, clock):
    study = _run(memory, objective("wals", n_factors=64), 100, deadline=10.0)

    sizes = [
        trial.user_attrs["parameters"]["n_factors"] for trial in finished(study, "start", "search", "larger")
    ]
    assert sizes == [64] * 6 + [128, 256]


def test_search__without_time_there_is_nothing_to_find(memory):
    study = _run(memory, objective(), 5, deadline=0.0)

    assert found(study, "recent_popularity") is None


def test_search__tries_larger_sizes_while_they_help(memory, monkeypatch):
    space = {"regularization": Range(1e-3, 1e-1, log=True), "n_factors": Doubling(2, 16)}
    monkeypatch.setattr(models.load("wals"), "SPEC", replace(models.load_spec("wals"), search=space))
    worth = {2: 0.1, 4: 0.2, 8: 0.15, 16: 0.9}
    monkeypatch.setattr(Objective, "value", lambda _self, given, *_: worth[given["n_factors"]])

    study = _run(memory, objective("wals", n_factors=2), 4)

    sizes = [trial.user_attrs["parameters"]["n_factors"] for trial in study.trials]
    assert sizes == [2, 2, 2, 2, 4, 8]  # 16 would be better still, but 8 was worse than 4
    assert found(study, "wals").parameters["n_factors"] == 4
    assert len(_run(memory, objective("wals", n_factors=2), 4).trials) == len(sizes)


def test_search__goes_down_for_a_metric_of_which_less_is_better(monkeypatch):
    space = {"regularization": Range(1e-3, 1e-1, log=True), "n_factors": Doubling(2, 16)}
    monkeypatch.setattr(models.load("wals"), "SPEC", replace(models.load_spec("wals"), search=space))
    worth = {2: 0.9, 4: 0.8, 8: 0.85, 16: 0.1}
    monkeypatch.setattr(Objective, "value", lambda _self, given, *_: worth[given["n_factors"]])
    asked = replace(objective("wals", n_factors=2), metric="rmse")
    study = create_study(InMemoryStorage(), "lower", asked.direction)

    search(study, asked, Budget(4), lambda *_: None)

    sizes = [trial.user_attrs["parameters"]["n_factors"] for trial in study.trials]
    assert sizes == [2, 2, 2, 2, 4, 8]  # 16 would be better still, but 8 was worse than 4
    assert (found(study, "wals").parameters["n_factors"], found(study, "wals").value) == (4, 0.8)


def test_search__gives_up_trials_that_are_behind(memory, monkeypatch):
    def value(self, given, report, _deadline):
        good = given["half_life_days"]
        report(good, 0)
        report(good, 1)
        report(good, 2)
        return good

    monkeypatch.setattr(Objective, "value", value)
    study = _run(memory, objective(), 25)

    best = found(study, "recent_popularity")
    assert best.pruned == sum(trial.state == TrialState.PRUNED for trial in study.trials) > 0
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials[:8])
    assert best.value == max(trial.value for trial in finished(study, "start", "search") if trial.value)


def test_search__parameters_that_break_a_fit_lose_and_the_search_goes_on(memory, monkeypatch):
    def value(self, given, *_):
        if given["half_life_days"] > 10.0:
            raise ValueError("diverged")
        return given["half_life_days"]

    monkeypatch.setattr(Objective, "value", value)
    study = _run(memory, objective(), 20)

    assert len(finished(study, "start", "search")) == 20
    assert {trial.user_attrs["error"] for trial in study.trials if "error" in trial.user_attrs} == {
        "diverged"
    }
    with pytest.raises(ValueError, match="diverged"):
        _run(memory, objective(half_life_days=11.0), 5, "broken from the start")


def test_open_study__names_a_storage_that_cannot_be_reached():
    with pytest.raises(ConfigurationError, match="cannot keep studies at"):
        open_study("sqlite:////nowhere/at/all.sqlite", "one")
    with pytest.raises(ConfigurationError, match="the URL of the studies is no SQLAlchemy URL"):
        open_study("no url", "one")


@pytest.mark.postgres
def test_search__resumes_a_study_in_postgresql_as_one_in_sqlite(postgres, url, monkeypatch):
    asked = objective("personal_frequency")
    straight = _run(url, asked, 8)
    monkeypatch.setenv("STUDIES", postgres)

    _run(postgres, asked, 3)
    parts = _run("env:STUDIES", asked, 8)

    assert _tried(parts) == _tried(straight)
    assert found(parts, asked.kind) == found(straight, asked.kind)


@pytest.mark.postgres
def test_open_study__never_repeats_the_password_of_a_server_that_refuses(postgres):
    wrong = make_url(postgres).set(username="nobody", password="hunter2")

    with pytest.raises(ConfigurationError, match="cannot keep studies at database") as refused:
        open_study(wrong.render_as_string(hide_password=False), "one")

    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_shown__hides_the_password():
    assert shown("postgresql://me:secret@host/studies") == "postgresql://me:***@host/studies"
