import time

import numpy as np
import pytest
from small_objectives import fold, objective

from tasks import models
from tasks.numeric.ranking import recommend
from tasks.tuning.objective import CURVE_POINTS, OutOfTimeError


def _ignore(_value, _place):
    pass


def _recall(each, *, exclude):
    """Recall at 5 of popularity, the slow way."""
    model = models.load("popularity")
    scorer = model.fit(each.matrix, model.Config(), rng=np.random.default_rng(0))
    seen = each.matrix.by_user if exclude else None
    values = []
    for row, user in enumerate(each.truth.user_codes):
        truth = set(each.truth.items[each.truth.indptr[row] : each.truth.indptr[row + 1]].tolist())
        listed = recommend(scorer, np.array([user]), 5, exclude=seen)[0][0].tolist()
        values.append(len(truth & set(listed)) / min(5, each.truth.n_relevant[row]))
    return np.mean(values)


@pytest.mark.parametrize("scenario", ["repeat", "discovery"])
def test_value__is_the_mean_over_windows_of_the_mean_over_users(scenario):
    asked = objective("popularity", scenario=scenario)
    expected = np.mean([_recall(each, exclude=scenario == "discovery") for each in asked.folds])

    assert asked.value({}, _ignore) == pytest.approx(expected, abs=1e-6)


def test_fold__discovery_leaves_out_what_was_had():
    cut = fold(0, "discovery")

    for row, user in enumerate(cut.truth.user_codes):
        had = cut.seen.indices[cut.seen.indptr[user] : cut.seen.indptr[user + 1]]
        assert not set(had) & set(cut.truth.items[cut.truth.indptr[row] : cut.truth.indptr[row + 1]])


def test_value__reports_the_curve_of_the_first_window_then_the_mean_after_each():
    heard = []
    small = {"n_factors": 4, "iterations": 9}

    value = objective("wals", **small).value(small, lambda value, place: heard.append((place, value)))

    assert [place for place, _ in heard] == [0, 1, CURVE_POINTS, CURVE_POINTS + 1]
    assert heard[-1][1] == value
    assert len({round(value, 6) for _, value in heard}) > 1


def test_value__a_watched_fit_ends_as_one_that_is_not_watched():
    small = {"n_factors": 4, "iterations": 9}
    asked = objective("wals", n_folds=1, **small)
    module = models.load("wals")
    from tasks.training.task import generator

    plain = module.fit(asked.folds[0].matrix, module.Config(**small), rng=generator(3, "wals"))

    assert asked.value(small, _ignore) == asked.folds[0].value("wals", plain, "recall@5")


def test_value__stops_inside_a_fit_when_time_is_up():
    with pytest.raises(OutOfTimeError):
        objective("bpr").value({"n_factors": 4, "epochs": 2}, _ignore, time.monotonic())


def test_value__names_a_metric_without_values():
    from dataclasses import replace

    with pytest.raises(ValueError, match=r"basket_precision@5 has nothing to score"):
        replace(objective(), metric="basket_precision@5").value({}, _ignore)
