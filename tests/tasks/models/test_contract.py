"""What every model promises. A new file in tasks/models, or in $SHELFTALKER_MODELS, is under this suite at once.

Each model gets a log that has what its SPEC needs; what else is asked of it stands in its SPEC, too.
"""

import dataclasses

import numpy as np
import pytest
from event_logs import checkerboard, full_log, only, random_log
from pydantic import ValidationError

from data_contracts.interactions import Csr
from data_contracts.scoring import Scorer, Sequences
from tasks import models
from tasks.models import Capability
from tasks.numeric.owners import Owners
from tasks.numeric.ranking import recommend
from tasks.training.serialization import load_scorer, save_scorer

N_USERS, N_ITEMS, N_NEW = 30, 20, 4
SPECS = {name: models.load_spec(name) for name in models.names()}


def those(wanted):
    """Names of models as parameters; one whose extra is not installed skips, and says so."""
    found = []
    for name, spec in SPECS.items():
        absent = models.missing_modules(name)
        reason = f"{name} needs {', '.join(absent)} (extra {spec.extra!r}), which is not installed"
        if wanted(spec):
            found.append(pytest.param(name, marks=pytest.mark.skipif(bool(absent), reason=reason)))
    return found


def offering(capability):
    return those(lambda spec: capability in spec.offers)


@pytest.fixture(params=those(lambda spec: True))
def name(request):
    return request.param


def _train(name, matrix, seed=7, progress=None):
    model = models.load(name)
    return model.fit(matrix, model.Config(), rng=np.random.default_rng(seed), progress=progress)


def _given(name, matrix):
    """What a run would open for this model."""
    return only(matrix, SPECS[name].needs | SPECS[name].uses)


def _log(name, *, catalogue_items=0):
    events = random_log(np.random.default_rng(1), n_users=N_USERS, n_items=N_ITEMS)
    matrix = full_log(events, N_USERS, N_ITEMS + catalogue_items, catalogue_items)
    return _given(name, matrix)


def _settled(name):
    """The configuration as training keeps it: every "auto" has become a number."""
    return models.load(name).Config().settled(_log(name), rng=np.random.default_rng(7))


def _arrays(value, path=""):
    """Every array in a nest of dataclasses, by its path."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _arrays(each, f"{path}.{key}")
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
    scorer = _train(name, _log(name))

    assert isinstance(scorer, Scorer)
    assert scorer.shape == (N_USERS, N_ITEMS)
    assert scorer.scores(np.array([3, 0, 3])).shape == (3, N_ITEMS)
    assert scorer.cold_start is None or scorer.cold_start.shape == (N_ITEMS,)


def test_model__scores_are_finite_also_for_users_and_items_without_entries(name):
    # The log leaves the last user and the last item untouched.
    matrix = _log(name)
    assert matrix.by_user.lengths()[-1] == matrix.by_item.lengths()[-1] == 0

    assert np.isfinite(_train(name, matrix).scores(np.arange(N_USERS))).all()


def test_model__ranks_itself_as_its_scores_say(name):
    matrix = _log(name)
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
    matrix = _log(name)
    scorer = _train(name, matrix)
    codes = np.array([19, 2, 7])

    users, _ = scorer.top_users(codes, 5, exclude=matrix.by_item)

    dense = scorer.scores(np.arange(30)).astype(np.float64).T[codes]
    for line, item in enumerate(codes):
        dense[line, matrix.by_item.row(item)[0]] = -np.inf
    best = np.where(users < 0, -np.inf, np.take_along_axis(dense, np.maximum(users, 0), axis=1))
    np.testing.assert_allclose(best, -np.sort(-dense, axis=1)[:, :5], rtol=1e-4)


@pytest.mark.parametrize("name", offering(Capability.OWNERS))
def test_model__that_offers_owners_gathers_them_while_it_ranks(name):
    matrix = _log(name)
    scorer, owners, others = _train(name, matrix), Owners(20, 5), Owners(20, 5)

    for users, theirs in ((np.arange(6), owners), (np.arange(6, 11), others), (np.arange(11, 30), others)):
        lists = scorer.top_k_and_owners(users, 4, theirs, exclude=matrix.by_user)
        np.testing.assert_array_equal(lists[0], scorer.top_k(users, 4, exclude=matrix.by_user)[0])
    owners.include(*others.entries())

    alone = scorer.top_users(np.arange(20), 5, exclude=matrix.by_item)
    for gathered, expected in zip(owners.lists(), alone, strict=True):
        np.testing.assert_array_equal(gathered, expected)


def test_model__same_seed_gives_the_same_bytes(name):
    first, second = _train(name, _log(name)), _train(name, _log(name))

    assert _bytes(first) == _bytes(second)
    assert _bytes(first)


def test_model__is_the_same_once_saved_and_loaded(name, tmp_path):
    scorer = _train(name, _log(name))
    save_scorer(scorer, tmp_path)
    loaded = load_scorer(tmp_path)

    assert type(loaded) is type(scorer)
    assert _bytes(loaded) == _bytes(scorer)


def test_model__takes_read_only_arrays_and_leaves_them_alone(name):
    matrix = _log(name)
    before = _bytes(matrix)
    for _, array in _arrays(matrix):
        array.flags.writeable = False

    scorer = _train(name, matrix)

    assert _bytes(matrix) == before
    assert _bytes(scorer) == _bytes(_train(name, _log(name)))


def test_model__does_with_what_it_needs_alone(name):
    scorer = _train(name, only(_log(name), SPECS[name].needs))

    assert np.isfinite(scorer.scores(np.arange(N_USERS))).all()


@pytest.mark.parametrize(("n_users", "n_items"), [(1, 1), (1, 5), (5, 1)])
def test_model__takes_one_user_or_one_item(name, n_users, n_items):
    events = [(u, i, 1.0) for u in range(n_users) for i in range(n_items)]

    scorer = _train(name, _given(name, full_log(events, n_users, n_items)))

    assert scorer.shape == (n_users, n_items)
    assert np.isfinite(scorer.scores(np.arange(n_users))).all()


def test_model__reports_its_progress_in_rising_steps(name):
    calls = []

    _train(name, _log(name), progress=lambda done, total, figures: calls.append((done, total, figures)))

    # What only counts is done before anybody could look.
    assert calls or not SPECS[name].collaborative
    assert [call[0] for call in calls] == list(range(1, len(calls) + 1))
    # What stops early knows only then how many steps there are.
    totals = [call[1] for call in calls]
    assert totals == sorted(totals, reverse=True)
    assert not calls or calls[-1][0] == calls[-1][1]
    assert all(np.isfinite(value) for call in calls for value in call[2].values())


@pytest.mark.parametrize("name", those(lambda spec: spec.collaborative))
def test_model__recovers_what_was_withheld_from_a_checkerboard(name):
    matrix, withheld = checkerboard()
    model = models.load(name)
    # Two tastes need few factors; more of them would learn the hole in each row by heart. Half of the users are alike.
    wanted = {"n_factors": 8, "neighbours": 10}
    small = {key: value for key, value in wanted.items() if key in model.Config.model_fields}

    scorer = model.fit(only(matrix, SPECS[name].needs), model.Config(**small), rng=np.random.default_rng(7))

    best = recommend(scorer, np.arange(matrix.n_users), 1, exclude=matrix.by_user)[0][:, 0]

    # Chance is 1 in 31.
    assert (best == withheld).mean() >= 0.9


@pytest.mark.parametrize("name", those(lambda spec: spec.collaborative))
def test_model__refuses_a_matrix_without_entries(name):
    with pytest.raises(ValueError, match="no entries"):
        _train(name, _given(name, full_log([], 3, 3)))


@pytest.mark.parametrize("name", those(lambda spec: spec.personal))
def test_personal_model__orders_items_differently_for_different_users(name):
    first = recommend(_train(name, _log(name)), np.arange(N_USERS), N_ITEMS)[0]

    assert len(np.unique(first, axis=0)) > 1


def test_catalogue__items_without_events_have_finite_scores(name):
    matrix = _log(name, catalogue_items=N_NEW)
    scorer = _train(name, matrix)

    assert scorer.shape == (N_USERS, N_ITEMS + N_NEW)
    assert np.isfinite(scorer.scores(np.arange(N_USERS))).all()
    assert scorer.cold_start is None or np.isfinite(scorer.cold_start).all()


@pytest.mark.parametrize("name", offering(Capability.NEW_ITEMS))
def test_new_items__are_ordered_and_listed(name):
    matrix = _log(name, catalogue_items=N_NEW)
    scorer = _train(name, matrix)
    new = scorer.scores(np.arange(N_USERS))[:, -N_NEW:]
    allow = models.allowed_items(name, matrix)
    lists = recommend(scorer, np.arange(N_USERS), N_ITEMS // 2, allow=allow)[0]

    assert (new.std(axis=1) > 0).any()
    assert (lists >= N_ITEMS).any()


@pytest.mark.parametrize("name", those(lambda spec: Capability.NEW_ITEMS not in spec.offers))
def test_new_items__are_on_no_list_of_a_model_that_does_not_offer_them(name):
    matrix = _log(name, catalogue_items=N_NEW)
    allow = models.allowed_items(name, matrix)
    lists = recommend(_train(name, matrix), np.arange(N_USERS), N_ITEMS + N_NEW, allow=allow)[0]

    assert lists.max() == N_ITEMS - 1
    assert (lists[:, -N_NEW:] == -1).all()


@pytest.mark.parametrize("name", offering(Capability.SIMILAR_ITEMS))
def test_similar_items__are_others_best_first(name):
    codes, scores = _train(name, _log(name)).similar_items(np.arange(N_ITEMS), 5)

    assert (codes.shape, codes.dtype, scores.dtype) == ((N_ITEMS, 5), np.int32, np.float32)
    assert not (codes == np.arange(N_ITEMS)[:, None]).any()
    assert (scores[:, 1:] <= scores[:, :-1]).all()
    assert scores.max() <= 1 + 1e-5


@pytest.mark.parametrize("name", offering(Capability.RATINGS))
def test_predicted_ratings__are_of_the_logs_scale_also_for_unknown_users_and_unrated_items(name):
    matrix = _log(name, catalogue_items=N_NEW)
    scorer = _train(name, matrix)
    users = np.repeat(np.arange(-1, N_USERS), N_ITEMS + N_NEW)
    items = np.tile(np.arange(N_ITEMS + N_NEW), N_USERS + 1)
    found = scorer.predict_ratings(users, items)

    assert (found.shape, found.dtype) == (users.shape, np.float32)
    assert np.isfinite(found).all()
    assert 0 < found.mean() < 6
    rated = np.repeat(np.arange(N_USERS), matrix.ratings.lengths())
    errors = scorer.predict_ratings(rated, matrix.ratings.indices) - matrix.ratings.values
    assert np.sqrt((errors**2).mean()) < matrix.ratings.values.std()


@pytest.mark.parametrize("name", offering(Capability.SEQUENCES))
def test_sequences__have_scores_for_what_follows_whoever_they_belong_to(name):
    scorer = _train(name, _log(name))
    items = np.array([3, 1, 1, 0], np.int32)
    found = scorer.next_scores(
        Sequences(np.array([0, 3, 3, 4], np.int64), items, np.array([-1, -1, 5], np.int32))
    )

    assert found.shape == (3, N_ITEMS)
    assert np.isfinite(found).all()
    assert not np.array_equal(found[0], found[2])


@pytest.mark.parametrize("name", offering(Capability.FOLD_IN))
def test_fold_in__gives_a_scorer_of_the_new_users(name):
    model, past = models.load(name), Csr(np.array([0, 2, 2]), np.int32([1, 4]), np.float32([1, 2]), N_ITEMS)
    folded = model.fold_in(_train(name, _log(name)), past, _settled(name))

    assert folded.shape == (2, N_ITEMS)
    assert np.isfinite(folded.scores(np.arange(2))).all()
    assert len(np.unique(folded.scores(np.array([0])))) > 1


@pytest.mark.parametrize("name", offering(Capability.EXPLANATIONS))
def test_explain__gives_each_item_a_reason_from_the_users_past(name):
    model, matrix = models.load(name), _log(name)
    scorer, user = _train(name, matrix), int(np.argmax(matrix.by_user.lengths()))
    items = recommend(scorer, np.array([user]), 5)[0][0]
    found = model.explain(scorer, matrix.by_user, user, items, _settled(name), 3)

    assert len(found) == 5
    assert all(reason.how for reason in found)
    past = set(matrix.by_user.row(user)[0].tolist())
    assert {code for reason in found for code, _ in reason.past} <= past
    assert all(len(reason.past) <= 3 for reason in found)
