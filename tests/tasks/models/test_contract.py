"""What every model promises. A new file in tasks/models is under this suite at once."""

import dataclasses

import numpy as np
import pytest
from event_logs import checkerboard, grouped, random_log
from pydantic import ValidationError

from data_contracts.interactions import GroupedMatrix
from data_contracts.scoring import Scorer
from tasks import models
from tasks.numeric.ranking import recommend

BASELINES = {"popularity", "recent_popularity", "personal_frequency"}
"""They know nothing of what similar users like."""


@pytest.fixture(params=models.names())
def name(request):
    return request.param


def _train(name, matrix, seed=7, progress=None):
    model = models.load(name)
    return model.fit(matrix, model.Config(), rng=np.random.default_rng(seed), progress=progress)


def _log():
    return grouped(random_log(np.random.default_rng(1)), 30, 20)


def _arrays(value, path=""):
    """Every array in a nest of dataclasses, by its path."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _arrays(getattr(value, field.name), f"{path}.{field.name}")


def _bytes(value):
    return {path: array.tobytes() for path, array in _arrays(value)}


def test_model__default_config_survives_json(name):
    config = models.load(name).Config()

    assert models.load(name).Config.model_validate_json(config.model_dump_json()) == config


def test_model__refuses_an_unknown_parameter(name):
    with pytest.raises(ValidationError, match="no_such_parameter"):
        models.load(name).Config(no_such_parameter=1)


def test_model__documents_every_parameter(name):
    fields = models.load(name).Config.model_fields

    assert [key for key, field in fields.items() if not field.description] == []


def test_model__gives_a_scorer_of_the_shape_of_the_matrix(name):
    scorer = _train(name, _log())

    assert isinstance(scorer, Scorer)
    assert scorer.shape == (30, 20)
    assert scorer.scores(np.array([3, 0, 3])).shape == (3, 20)
    assert scorer.cold_start is None or scorer.cold_start.shape == (20,)


def test_model__scores_are_finite_also_for_users_and_items_without_entries(name):
    # The log leaves the last user and the last item untouched.
    matrix = _log()
    assert matrix.by_user.lengths()[-1] == matrix.by_item.lengths()[-1] == 0

    assert np.isfinite(_train(name, matrix).scores(np.arange(30))).all()


def test_model__ranks_itself_as_its_scores_say(name):
    matrix = _log()
    scorer = _train(name, matrix)
    users = np.array([29, 3, 0, 12])
    allow = np.arange(20) != 5

    items, _ = scorer.top_k(users, 4, exclude=matrix.by_user, allow=allow)

    dense = np.where(allow, scorer.scores(users).astype(np.float64), -np.inf)
    for line, user in enumerate(users):
        dense[line, matrix.by_user.row(user)[0]] = -np.inf
    best = np.take_along_axis(dense, np.where(items < 0, 5, items), axis=1)
    expected = -np.sort(-dense, axis=1)[:, :4]
    np.testing.assert_allclose(best, expected, rtol=1e-4)


def test_model__ranks_users_for_items_as_its_scores_say(name):
    matrix = _log()
    scorer = _train(name, matrix)
    codes = np.array([19, 2, 7])

    users, _ = scorer.top_users(codes, 5, exclude=matrix.by_item)

    dense = scorer.scores(np.arange(30)).astype(np.float64).T[codes]
    for line, item in enumerate(codes):
        dense[line, matrix.by_item.row(item)[0]] = -np.inf
    best = np.where(users < 0, -np.inf, np.take_along_axis(dense, np.maximum(users, 0), axis=1))
    np.testing.assert_allclose(best, -np.sort(-dense, axis=1)[:, :5], rtol=1e-4)


def test_model__same_seed_gives_the_same_bytes(name):
    first, second = _train(name, _log()), _train(name, _log())

    assert _bytes(first) == _bytes(second)
    assert _bytes(first)


def test_model__takes_read_only_arrays_and_leaves_them_alone(name):
    matrix = _log()
    before = _bytes(matrix)
    for _, array in _arrays(matrix):
        array.flags.writeable = False

    scorer = _train(name, matrix)

    assert _bytes(matrix) == before
    assert _bytes(scorer) == _bytes(_train(name, _log()))


def test_model__takes_a_log_without_times(name):
    timed = _log()

    scorer = _train(name, GroupedMatrix(timed.by_user, timed.by_item))

    assert np.isfinite(scorer.scores(np.arange(30))).all()


@pytest.mark.parametrize(("n_users", "n_items"), [(1, 1), (1, 5), (5, 1)])
def test_model__takes_one_user_or_one_item(name, n_users, n_items):
    events = [(u, i, 1.0) for u in range(n_users) for i in range(n_items)]

    scorer = _train(name, grouped(events, n_users, n_items))

    assert scorer.shape == (n_users, n_items)
    assert np.isfinite(scorer.scores(np.arange(n_users))).all()


def test_model__reports_its_progress_in_rising_steps(name):
    calls = []

    _train(name, _log(), progress=lambda done, total, figures: calls.append((done, total, figures)))

    if name in BASELINES:
        assert calls == []
    else:
        assert [call[0] for call in calls] == list(range(1, calls[0][1] + 1))
        assert all(np.isfinite(value) for call in calls for value in call[2].values())


@pytest.mark.parametrize("name", [name for name in models.names() if name not in BASELINES])
def test_model__recovers_what_was_withheld_from_a_checkerboard(name):
    matrix, withheld = checkerboard()
    model = models.load(name)
    # Two tastes need few factors; more of them would learn the hole in each row by heart.
    small = {"n_factors": 8} if "n_factors" in model.Config.model_fields else {}

    scorer = model.fit(matrix, model.Config(**small), rng=np.random.default_rng(7))

    best = recommend(scorer, np.arange(matrix.n_users), 1, exclude=matrix.by_user)[0][:, 0]

    # Chance is 1 in 31.
    assert (best == withheld).mean() >= 0.9


@pytest.mark.parametrize("name", [name for name in models.names() if name not in BASELINES])
def test_model__refuses_a_matrix_without_entries(name):
    with pytest.raises(ValueError, match="no entries"):
        _train(name, grouped([], 3, 3))
