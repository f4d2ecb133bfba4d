from dataclasses import replace

import event_logs
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix, History
from tasks.models import Need, _wals_choice, blend, lambdamart, wals
from tasks.models._wals_choice import PULLS, Choice, Wanted, choose

AUTO = Wanted("auto", "auto", "auto", 1.0, False, 16, 6)


def _tastes(rng, *, share, n_users=600, n_items=400, n_clusters=20, n_entries=12):
    """`share` of each user's items are from the user's own cluster, the rest from a popular few."""
    rows = []
    for _ in range(n_users):
        own = rng.integers(n_clusters) + n_clusters * rng.integers(n_items // n_clusters, size=n_entries)
        popular = np.minimum(rng.zipf(1.3, n_entries) - 1, n_items - 1)
        rows.append(np.unique(np.where(rng.random(n_entries) < share, own, popular)))
    indptr = np.r_[0, np.cumsum([len(row) for row in rows])]
    values = np.ones(indptr[-1], dtype=np.float32)
    return GroupedMatrix.from_csr(csr_matrix((values, np.concatenate(rows), indptr), (n_users, n_items)))


def test_choose__is_the_same_for_the_same_generator_and_relative_to_the_density(rng):
    matrix = _tastes(rng, share=0.8)

    one, same = (choose(matrix, AUTO, np.random.default_rng(2)) for _ in range(2))

    assert one == same
    density = matrix.nnz / (matrix.n_users * matrix.n_items)
    pulls = [(round(one.unobserved_weight / density), round(one.regularization, 3))]
    assert pulls[0] in [(16, 0.01), (4, 0.03), (64, 0.01), (16, 0.03)]
    assert one.weighting == "binary"  # all values are 1


def test_choose__takes_the_best_where_it_is_surely_better(rng, monkeypatch):
    matrix = _tastes(rng, share=0.8)
    worths = dict(zip(PULLS, (1.0, 1.08, 1.3, 1.2), strict=True))
    by_weight = {}
    trial = _wals_choice._Trial

    def values(self, choice):
        relative = choice.unobserved_weight * self.inner.known.n_users * self.inner.known.n_items
        pull = (relative / self.inner.known.nnz, choice.regularization)
        nearest = min(PULLS, key=lambda each: abs(each[0] / pull[0] - 1) + abs(each[1] / pull[1] - 1))
        by_weight[nearest] = choice
        return np.full(50, worths[nearest])

    monkeypatch.setattr(trial, "values", values)
    density = matrix.nnz / (matrix.n_users * matrix.n_items)

    assert choose(matrix, AUTO, rng).unobserved_weight == pytest.approx(64 * density, rel=0.01)
    worths[PULLS[2]] = 1.08  # no candidate is better than the first by the margin
    worths[PULLS[3]] = 1.0
    assert choose(matrix, AUTO, rng).unobserved_weight == pytest.approx(16 * density, rel=0.01)
    assert set(by_weight) == set(PULLS)


def test_choose__keeps_numbers_that_are_given_and_tries_the_rest(rng):
    matrix = event_logs.grouped(event_logs.random_log(rng, n_users=300, n_events=6000), 300, 20)

    assert choose(matrix, AUTO._replace(regularization=0.5, weighting="count"), rng)[1:] == (0.5, "count")


def test_choose__gives_the_first_candidate_where_nothing_can_be_tried(rng):
    identity = GroupedMatrix.from_csr(csr_matrix(np.eye(40, dtype=np.float32)))

    assert choose(identity, AUTO, rng) == Choice(16 / 40, 0.01, "binary")


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_choose__follows_the_size_of_the_values(scale):
    rng = np.random.default_rng(3)
    matrix = _tastes(rng, share=0.8)
    values = rng.integers(1, 4, matrix.nnz) * scale
    scaled = csr_matrix((values, matrix.by_user.indices, matrix.by_user.indptr), matrix.by_user.shape)

    found = choose(GroupedMatrix.from_csr(scaled), AUTO._replace(weighting="count"), np.random.default_rng(4))

    plain = choose(matrix, AUTO._replace(weighting="count"), np.random.default_rng(4))
    mean = np.exp(np.log(values).mean())
    assert found.unobserved_weight / mean == pytest.approx(plain.unobserved_weight, rel=20)
    assert 1e-3 < found.regularization / mean < 1


def test_choose__a_flat_regularization_pulls_a_typical_row_as_strongly(rng):
    matrix = _tastes(rng, share=0.8)

    scaled = choose(matrix, AUTO._replace(unobserved_weight=0.1), np.random.default_rng(5))
    flat = choose(matrix, AUTO._replace(unobserved_weight=0.1, exponent=0.0), np.random.default_rng(5))

    users = matrix.nnz / matrix.n_users + 0.1 * matrix.n_items
    items = matrix.nnz / matrix.n_items + 0.1 * matrix.n_users
    candidates = {round(pull * np.sqrt(users * items), 1) for _, pull in PULLS}
    assert round(flat.regularization, 1) in candidates
    assert scaled.regularization in {pull for _, pull in PULLS}


def test_auto__ranks_sparse_tastes_where_the_usual_weight_shrinks_to_nothing():
    rng = np.random.default_rng(6)
    matrix = _tastes(rng, share=0.9, n_users=900, n_items=6000, n_clusters=100, n_entries=8)
    usual = wals.Config(n_factors=32, unobserved_weight=0.3, regularization=0.03)

    with pytest.raises(ValueError, match="shrank to nothing"):
        wals.fit(matrix, usual, rng=np.random.default_rng(0))
    factors = wals.fit(matrix, wals.Config(n_factors=32), rng=np.random.default_rng(0))

    assert np.abs(factors.user_factors).max() > 0.01


def test_settled__a_stack_settles_its_parts_once(rng, monkeypatch):
    matrix = event_logs.grouped(event_logs.random_log(rng, n_users=60, n_events=900), 60, 20)
    calls = []

    def counted(*given):
        calls.append(given)
        return Choice(0.1, 0.02, "log")

    monkeypatch.setattr(_wals_choice, "choose", counted)
    config = blend.Config(taste=wals.Config(n_factors=4, iterations=2), inner_days=20, min_inner_events=0)

    blend.fit(matrix, config, rng=rng)
    settled = lambdamart.Config(candidates=config).settled(matrix, rng=rng)

    assert len(calls) == 2
    assert settled.candidates.taste.unobserved_weight == 0.1
    assert settled.candidates.inner_days == 20


def _habits(rng, n_users=1_200, n_items=500, n_events=36_000):
    """Four of five events are of the user's own dozen, the others of what is popular; with a history and without."""
    favourites = rng.integers(0, n_items, (n_users, 12))
    users = np.sort(rng.integers(0, n_users, n_events))
    popular = np.minimum(rng.zipf(1.3, n_events) - 1, n_items - 1)
    items = np.where(rng.random(n_events) < 0.8, favourites[users, rng.integers(0, 12, n_events)], popular)
    ages = rng.uniform(0, 200, n_events).astype(np.float32)
    order = np.lexsort((-ages, users))
    ones = np.ones(n_events, dtype=np.float32)
    matrix = GroupedMatrix.from_csr(csr_matrix((ones, (users, items)), (n_users, n_items)))
    starts = np.searchsorted(users, np.arange(n_users + 1)).astype(np.int64)
    history = History(starts, items[order].astype(np.int32), ages[order], ones)
    return replace(matrix, history=history), matrix


def test_choose__is_tried_on_what_users_take_again_where_the_log_has_times(rng):
    # Without times only pairs can be held out, each new to its user: here what is popular, and no habit.
    with_times, without = _habits(rng)

    on_days, on_pairs = (choose(each, AUTO, np.random.default_rng(2)) for each in (with_times, without))

    assert Need.HISTORY in wals.SPEC.uses
    assert on_days.regularization < on_pairs.regularization
