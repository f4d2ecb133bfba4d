"""A model that breaks is left out and named; the night goes on with the rest."""

import errno

import pytest
from small_shop import FAST_MODELS, run

from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ConfigurationError, ShelftalkerError
from flows import attempts as attempts_module
from flows.attempts import Attempts
from tasks.models import personal_frequency, wals


@pytest.fixture
def attempts(monkeypatch):
    monkeypatch.setattr(attempts_module, "emit_left_out", lambda dataset, model: None)
    return Attempts("shop")


def _broken(*_args, **_kwargs):
    raise ValueError("factors explode\nin many lines")


def test_one__names_what_failed_by_the_first_line_of_the_error(attempts):
    assert attempts.one("wals", "training", _broken) is None
    (out,) = attempts.left_out
    assert (out.name, out.stage, out.reason) == ("wals", "training", "ValueError: factors explode")


@pytest.mark.parametrize(
    "error", [ConfigurationError("k"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()]
)
def test_one__lets_through_what_no_other_model_mends(attempts, error):
    def work():
        raise error

    with pytest.raises(type(error)):
        attempts.one("wals", "training", work)
    assert attempts.left_out == []


def test_cold_start__falls_back_on_a_baseline_that_was_trained(attempts):
    sections = {
        name: ModelSection(kind=name, baseline=name != "wals") for name in ("popularity", "wals", "als")
    }

    assert attempts.cold_start("popularity", sections, sections) == "popularity"
    assert attempts.cold_start("popularity", ["wals", "als"], sections) == "als"
    attempts.one("als", "training", _broken)
    with pytest.raises(ShelftalkerError, match=r"no baseline .*als: training failed \(ValueError: factors"):
        attempts.cold_start("popularity", ["wals"], sections)


def test_nightly__publishes_without_a_model_whose_training_breaks(unpublished_home, small, monkeypatch):
    monkeypatch.setattr(wals, "fit", _broken)

    state = run(small(models=FAST_MODELS.replace("n_factors = 8", "n_factors = 9")))

    summary = state.result()
    assert state.is_completed()
    assert summary.published
    assert [(each.name, each.stage) for each in summary.left_out] == [("wals", "training")]
    assert "wals" not in summary.models
    assert "factors explode" in _report(summary)


def test_nightly__another_model_stands_in_where_the_refit_breaks(unpublished_home, small, monkeypatch):
    fits, real = [], personal_frequency.fit

    def breaks_the_second_time(*args, **kwargs):
        fits.append(1)
        return real(*args, **kwargs) if len(fits) == 1 else _broken()

    monkeypatch.setattr(personal_frequency, "fit", breaks_the_second_time)

    summary = run(small(seed=5)).result()

    assert summary.published
    assert summary.gate.winner != "personal_frequency"
    assert [(each.name, each.stage) for each in summary.left_out] == [("personal_frequency", "refit")]


def test_nightly__fails_where_no_baseline_is_left(home, small, monkeypatch):
    for name in ("popularity", "recent_popularity", "personal_frequency"):
        monkeypatch.setattr(f"tasks.models.{name}.fit", _broken)

    state = run(small())

    assert state.is_failed()
    with pytest.raises(ShelftalkerError, match="no baseline could be trained"):
        state.result()


def _report(summary):
    from pathlib import Path

    return Path(summary.report).read_text("utf-8")
