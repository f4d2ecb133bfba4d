"""Neighbours, transitions and baskets against slow loops."""

import numpy as np
import pytest
from event_logs import full_log, grouped, random_log
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix, History
from data_contracts.scoring import Sequences
from tasks.models import ease, item_knn, tifu_knn, transitions, up_cf
from tasks.models._sparse_scores import BLOCK_ENTRIES, LEAST_FILL, Baskets, basket_numbers, below, by_blocks


def _fit(model, matrix, **parameters):
    return model.fit(matrix, model.Config(**parameters), rng=np.random.default_rng(7))


@pytest.fixture
def log():
    return full_log(random_log(np.random.default_rng(1)), 30, 20)


def _baskets(matrix, user):
    """Sets of items of one user's baskets, oldest first."""
    history, part = matrix.history, slice(*matrix.history.indptr[user : user + 2])
    found = {}
    for item, basket in zip(history.items[part], history.baskets[part], strict=True):
        found.setdefault(int(basket), set()).add(int(item))
    return [found[each] for each in sorted(found)]


def test_baskets__are_those_of_the_log_or_moments(log):
    told = Baskets(log.history, log.n_items)
    for user in range(30):
        assert told.per_user[user] == len(_baskets(log, user))
    events = [(0, 1, 9.0), (0, 2, 9.0), (0, 1, 3.0), (2, 1, 9.0)]

    assert basket_numbers(grouped(events, 3, 3).history).tolist() == [0, 0, 1, 2]


def test_by_blocks__keeps_the_best_and_the_users_own():
    own = GroupedMatrix.from_csr(csr_matrix(np.array([[0, 0, 0, 1.0], [0, 0, 0, 0]]))).by_user
    scores = csr_matrix(np.array([[3.0, 2.0, 2.0, 0.5], [0.0, 1.0, -1.0, 0.0]]))

    kept = by_blocks(own, lambda users: scores[users], 4, 2)

    np.testing.assert_array_equal(kept.to_scipy().toarray(), [[3, 2, 0, 0.5], [0, 1, 0, 0]])


def test_tifu_knn__is_the_papers_formula(log):
    config = tifu_knn.Config(neighbours=4, groups=3, n_kept=1000)
    vectors = np.zeros((30, 20))
    for user in range(30):
        baskets = _baskets(log, user)
        if not baskets:
            continue
        # The newest groups have one basket more where they cannot all be equal.
        n_groups = min(config.groups, len(baskets))
        sizes = [(len(baskets) + at) // n_groups for at in range(n_groups)]
        ends = np.cumsum(sizes)
        groups = [baskets[end - size : end] for size, end in zip(sizes, ends, strict=True)][::-1]
        for age, group in enumerate(groups):
            for back, basket in enumerate(reversed(group)):
                for item in basket:
                    weight = config.basket_fade**back / len(group) * config.group_fade**age / len(groups)
                    vectors[user, item] += weight
    known = np.flatnonzero(vectors.any(axis=1))

    scorer = tifu_knn.fit(log, config, rng=np.random.default_rng(7))

    for user in (0, 5, 12):
        others = known[known != user]
        nearest = others[np.argsort(((vectors[others] - vectors[user]) ** 2).sum(axis=1))[:4]]
        expected = 0.7 * vectors[user] + 0.3 * vectors[nearest].mean(axis=0)
        found = np.zeros(20)
        codes, values = scorer.own.row(user)
        found[codes] = values
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_up_cf__is_the_papers_formula(log):
    config = up_cf.Config(recent_baskets=3, asymmetry=0.75, locality=2.0, n_kept=1000)
    sets = [
        set(log.history.items[slice(*log.history.indptr[user : user + 2])].tolist()) for user in range(30)
    ]
    shares = np.zeros((30, 20))
    for user in range(30):
        for basket in (late := _baskets(log, user)[-3:]):
            shares[user, list(basket)] += 1 / len(late)

    scorer = up_cf.fit(log, config, rng=np.random.default_rng(7))

    for user in (0, 5, 12):
        expected = shares[user].copy()
        for other in range(30):
            if other != user and sets[other]:
                common = len(sets[user] & sets[other])
                expected += (common / (len(sets[user]) ** 0.75 * len(sets[other]) ** 0.25)) ** 2 * shares[
                    other
                ]
        found = np.zeros(20)
        codes, values = scorer.own.row(user)
        found[codes] = values
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_up_cf__counts_the_users_own_voice_whole_where_others_are_drawn(log):
    everybody, few = (_fit(up_cf, log, max_reference_users=n) for n in (1000, 2))

    assert few.own.nnz <= everybody.own.nnz
    assert (few.own.lengths()[:29] > 0).all()


def test_ease__has_weights_that_predict_items_from_the_others(log):
    scorer = _fit(ease, log, regularization=2.0, weighting="binary")
    table = log.by_user.to_scipy().toarray() > 0
    gramian = table.T.astype(float) @ table

    for item in (0, 3, 7):
        rest = np.delete(np.arange(20), item)
        equations = gramian[np.ix_(rest, rest)] + 2.0 * np.eye(19)
        expected = np.linalg.solve(equations, gramian[rest, item])
        np.testing.assert_allclose(scorer.weights[rest, item], expected, atol=1e-5)
        assert scorer.weights[item, item] == 0


def test_ease__refuses_more_items_than_it_can_hold_and_says_what_they_take(log):
    with pytest.raises(ValueError, match=r"all pairs of 20 items, 0\.0 GB .* max_items = 10: use item_knn"):
        _fit(ease, log, max_items=10)


def test_item_knn__adds_up_the_neighbours_of_past_items(log):
    scorer = _fit(item_knn, log, itself=0.5, weighting="binary", n_kept=1000)
    voices = scorer.neighbours.to_scipy().toarray() + 0.5 * np.eye(20)
    user = 5
    codes, values = scorer.own.row(user)

    expected = voices[log.by_user.row(user)[0]].sum(axis=0)

    np.testing.assert_allclose(values, expected[codes], rtol=1e-5)
    assert (np.delete(expected, codes) == 0).all()


def test_item_knn__similar_items_are_its_neighbours(log):
    scorer = _fit(item_knn, log)

    items, scores = scorer.similar_items(np.array([3, 19]), 4)

    column = scorer.neighbours.to_scipy().toarray()[:, 3]
    np.testing.assert_allclose(scores[0], np.minimum(np.sort(column)[::-1][:4], 1), rtol=1e-6)
    assert items[1].tolist() == [-1] * 4  # nobody had it


def test_transitions__follow_the_last_item():
    """Everybody goes 0, 1, 2, 3 in a circle, from different starts."""
    events = [(user, (user + step) % 4, 50.0 - step) for user in range(8) for step in range(6)]
    matrix = grouped(events, 8, 5)

    scorer = _fit(transitions, matrix, reach=1, last=1)
    follows = Sequences(
        np.array([0, 2, 3, 3]), np.array([0, 1, 3], np.int32), np.array([-1, 2, -1], np.int32)
    )

    assert scorer.scores(np.arange(8)).argmax(axis=1).tolist() == [(user + 6) % 4 for user in range(8)]
    assert scorer.next_scores(follows).argmax(axis=1)[:2].tolist() == [2, 0]
    assert scorer.next_scores(follows)[2].argmax() == scorer.cold_start.argmax()


def test_transitions__hear_several_last_items_the_later_the_louder():
    events = [(user, item, 9.0 - at) for user in range(6) for at, item in enumerate([0, 1, 2, 3])]
    scorer = _fit(transitions, grouped(events, 6, 4), reach=1, last=2)

    found = scorer.next_scores(
        Sequences(np.array([0, 2]), np.array([0, 2], np.int32), np.array([-1], np.int32))
    )[0]

    lifts = found - scorer.cold_start
    np.testing.assert_allclose(lifts[[0, 2]], 0.0, atol=1e-9)
    assert lifts[1] > 0
    np.testing.assert_allclose(lifts[3] / lifts[1], 2.0, rtol=1e-5)


def test_fold_in__of_neighbours_and_weights_gives_known_users_their_own_scores(log):
    for model in (item_knn, ease):
        scorer = _fit(model, log)
        folded = model.fold_in(scorer, log.by_user, model.Config())
        np.testing.assert_allclose(folded.scores(np.arange(30)), scorer.scores(np.arange(30)), rtol=1e-5)
    assert isinstance(log.by_user, Csr)


def _csr(dense):
    return GroupedMatrix.from_csr(csr_matrix(np.array(dense))).by_user


def test_below__orders_a_large_catalogue_however_small_the_scores():
    own = _csr([[1e-20] + [0.0] * 49_999])
    popular = np.random.default_rng(0).random(50_000)

    fill = below(own, popular)

    assert len(np.unique(fill - 1.0)) == 50_000
    assert fill.max() < LEAST_FILL
    np.testing.assert_array_equal(np.argsort(fill), np.argsort(popular))


def test_below__decides_between_equals_alone():
    fill = below(_csr([[0.25, 3.0, 0.0]]), np.array([1.0, 2.0, 2.0]))

    assert fill[0] == 0.0
    assert 0.0 < fill[2] < fill[1] < 0.25


def test_by_blocks__asks_for_as_many_users_as_their_width_allows():
    blocks = []

    def scores_of(users):
        blocks.append(len(users))
        return csr_matrix((len(users), 4))

    by_blocks(_csr(np.eye(4)), scores_of, BLOCK_ENTRIES, 1)

    assert blocks == [1, 1, 1, 1]


def test_baskets__of_one_moment_stay_apart():
    history = History(
        np.array([0, 3], np.int64),
        np.array([0, 1, 0], np.int32),
        np.full(3, 2.0, np.float32),
        np.ones(3, np.float32),
        np.array([0, 1, 1], np.int32),
    )

    assert Baskets(history, 2).weighed(np.array([1.0, 10.0])).toarray().tolist() == [[11.0, 10.0]]
