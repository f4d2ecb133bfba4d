"""What speaks for a recommendation: exact where the model adds up past items, said to be a hint elsewhere."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import random_array

from data_contracts.interactions import GroupedMatrix
from tasks.models import _blend_reasons, load
from tasks.models._blend import PRIOR
from tasks.numeric.reasons import cosine_contributions, strongest, wals_contributions
from tasks.numeric.scorers import ItemScores
from tasks.numeric.wals_side import GivenWeights


@pytest.fixture
def matrix(rng):
    values = random_array((30, 20), density=0.3, rng=rng, dtype=np.float32)
    values.data = np.ceil(values.data * 5)
    return GroupedMatrix.from_csr(values)


def reasons(name, matrix, user_code, items, rng, **parameters):
    module = load(name)
    config = module.Config(**parameters)
    scorer = module.fit(matrix, config, rng=rng)
    return scorer, load(name).explain(scorer, matrix.by_user, user_code, np.array(items), config)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"solver": "cholesky"},
        {"weighting": "log", "regularization_exponent": 0.0},
        {"targets": "explicit", "weighting": "binary"},
        {"unobserved_weight": 0.0},
    ],
)
def test_wals_contributions__add_up_to_the_scores(matrix, rng, changed):
    wals = load("wals")
    config = wals.Config(**{"n_factors": 6, "iterations": 4, "unobserved_weight": 0.3} | changed)
    factors = wals.fit(matrix, config, rng=rng)
    users, _ = wals.sides(matrix, config, GivenWeights())

    for user in range(matrix.n_users):
        parts = wals_contributions(users, user, factors.item_factors, np.arange(matrix.n_items))
        np.testing.assert_allclose(parts.sum(axis=1), factors.scores(np.array([user]))[0], atol=1e-4)


def test_wals_contributions__match_leaving_a_past_item_out_of_the_right_hand_side(matrix, rng):
    """The slow way: solve the user's equations with the pull of one past item only."""
    wals = load("wals")
    config = wals.Config(
        n_factors=4, iterations=3, solver="cholesky", unobserved_weight=0.3, regularization=0.01
    )
    y = wals.fit(matrix, config, rng=rng).item_factors.astype(np.float64)
    users, _ = wals.sides(matrix, config, GivenWeights())
    past, values = matrix.by_user.row(3)
    w0 = config.unobserved_weight
    equations = w0 * y.T @ y + sum(v * np.outer(y[j], y[j]) for j, v in zip(past, values, strict=True))
    equations += config.regularization * (len(past) + w0 * matrix.n_items) * np.eye(4)
    slow = [
        [y[i] @ np.linalg.solve(equations, (w0 + v) * y[j]) for j, v in zip(past, values, strict=True)]
        for i in (0, 7)
    ]

    fast = wals_contributions(users, 3, y.astype(np.float32), np.array([0, 7]))
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-6)


def test_wals_explain__names_the_strongest_past_items(matrix, rng):
    wals = load("wals")
    config = wals.Config(n_factors=6, iterations=4, unobserved_weight=0.3)
    factors = wals.fit(matrix, config, rng=rng)
    users, _ = wals.sides(matrix, config, GivenWeights())
    past, _ = matrix.by_user.row(5)
    (reason,) = wals.explain(factors, matrix.by_user, 5, np.array([2]), config, n=2)
    parts = wals_contributions(users, 5, factors.item_factors, np.array([2]))[0]

    assert reason.past[0][0] == past[parts.argmax()]
    assert reason.past[0][1] == pytest.approx(parts.max() / parts[parts > 0].sum())


def test_strongest__leaves_out_what_speaks_against_and_breaks_ties_by_code():
    parts = np.array([[2.0, -5.0, 1.0, 1.0], [-1.0, 0.0, -2.0, -3.0]])
    found = strongest(parts, np.array([4, 5, 9, 7]), 2)

    assert found == [[(4, 0.5), (7, 0.25)], []]


def test_cosine_contributions__are_cosines_times_values_and_survive_zero_factors():
    factors = np.array([[1, 0], [3, 0], [0, 2], [0, 0]], np.float32)
    parts = cosine_contributions(factors, np.array([0, 2, 3]), np.array([2, 1, 1], np.float32), np.array([1]))

    np.testing.assert_allclose(parts, [[2.0, 0.0, 0.0]])


def test_explain__own_items_speak_for_themselves(matrix, rng):
    mine, counts = matrix.by_user.row(0)
    other = next(item for item in range(matrix.n_items) if item not in set(mine))
    _, (own, new) = reasons("personal_frequency", matrix, 0, [mine[0], other], rng)

    assert own == ([(mine[0], 1.0)], f"{counts[0]:.3g} times in the user's past")
    assert new == ([], "new to the user, and popular")


def test_explain__popularity_names_its_events(matrix, rng):
    scorer, (reason,) = reasons("popularity", matrix, 0, [4], rng)

    assert isinstance(scorer, ItemScores)
    assert reason == ([], f"popular: counts {matrix.by_item.lengths()[4]} events")


@pytest.mark.parametrize("name", ["als", "bpr"])
def test_explain__other_factor_models_say_it_is_only_a_hint(name, matrix, rng):
    _, found = reasons(name, matrix, 1, [0, 1, 2], rng, n_factors=4)
    past, _ = matrix.by_user.row(1)

    assert len(found) == 3
    assert all("not a part of the score" in reason.how for reason in found)
    assert {code for reason in found for code, _ in reason.past} <= set(past.tolist())
    assert all(sum(share for _, share in reason.past) <= 1 + 1e-9 for reason in found)


def test_explain__the_blend_names_its_signals_and_past_items(matrix, rng):
    past, _ = matrix.by_user.row(2)
    new = next(item for item in range(matrix.n_items) if item not in set(past))
    _, (own, other) = reasons(
        "blend",
        matrix,
        2,
        [past[1], new],
        rng,
        taste={"n_factors": 4, "unobserved_weight": 0.3},
        inner_windows=0,
    )

    assert own.past == [(past[1], 1.0)]
    assert own.how.startswith("had before")
    assert other.how.startswith("new to the user")
    assert {code for code, _ in other.past} <= set(past.tolist())
    assert sum(share for _, share in other.past) <= 1 + 1e-9


def test_blend_reasons__having_less_lifts_under_a_negative_weight():
    lift = np.zeros(len(PRIOR))
    lift[[4, 8]] = 0.5, 0.004
    weights = np.full(len(PRIOR), -1.0)

    assert _blend_reasons._named(lift, weights) == ": less popular always +0.50"
    assert _blend_reasons._named(lift * 0, weights) == ""


def test_blend_reasons__past_items_are_weighed_by_the_slope_of_the_score(matrix, rng):
    """The slow way: strengthen one past item a little and see how the score of a new item moves."""
    blend = load("blend")
    scorer = blend.fit(
        matrix, blend.Config(taste={"n_factors": 4, "unobserved_weight": 0.3}, inner_windows=0), rng=rng
    )
    mute = {**dict(zip(PRIOR, scorer.weights, strict=True)), "new, taste": 0.0}
    scorer = replace(scorer, weights=np.array(list(mute.values())))
    past, _ = scorer.past.row(2)
    new = np.array([item for item in range(matrix.n_items) if item not in set(past)])
    (found,) = _blend_reasons.reasons(scorer, 2, new[:1], np.zeros((1, len(past))), len(past))
    before = scorer.scores(np.array([2]))[0, new[0]]
    moved = []
    for place in range(len(past)):
        values = scorer.past.values.astype(np.float32).copy()
        values[scorer.past.indptr[2] + place] *= 1.01
        louder = replace(scorer, past=replace(scorer.past, values=values))
        moved.append(louder.scores(np.array([2]))[0, new[0]] - before)
    shares = np.array(moved) / np.sum(moved)

    assert found.past
    for code, share in found.past:
        assert share == pytest.approx(shares[past.tolist().index(code)], abs=0.02)
