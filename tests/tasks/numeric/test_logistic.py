"""Adam's step, and the descent that uses it."""

import numpy as np
import pytest

from tasks.numeric.logistic import adam, descend


def test_adam__is_the_papers_step_and_leaves_one_number_alone(rng):
    row, slope = rng.normal(size=5).astype(np.float32), rng.normal(size=5).astype(np.float32)
    first, second, kept = np.zeros(5, np.float32), np.zeros(5, np.float32), row[4]
    expected, m, v = row.astype(float), np.zeros(5), np.zeros(5)

    for step in (1, 2, 3):
        adam(row, slope, first, second, step, np.float32(0.01), 4)
        m, v = 0.9 * m + 0.1 * slope, 0.999 * v + 0.001 * slope**2
        expected -= 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)

    np.testing.assert_allclose(row[:4], expected[:4], rtol=1e-4)
    assert row[4] == kept


def _descend(rng, n_samples, had, offset=0.0, decay=0.0):
    users, items = np.array([0, 1], np.int32), np.array([0, 1], np.int32)
    sides = []
    for one_at in (1, 0):
        rows = np.zeros((3 - one_at, 4), np.float32)
        rows[:, :2] = rng.normal(0, 0.1, (len(rows), 2))
        rows[:, 2 + one_at] = 1
        sides.append((rows, np.zeros_like(rows), np.zeros_like(rows), np.zeros(len(rows), np.int32)))
    drawn = np.array([1.0, 2.0]), np.array([0, 1], np.int32)
    start = [side[0].copy() for side in sides]
    loss, pairs = descend(
        n_samples,
        7,
        users,
        items,
        drawn,
        np.arange(3, dtype=np.int32),
        had,
        2,
        np.float32(offset),
        np.float32(0.05),
        np.float32(decay),
        np.float32(decay),
        *sides,
    )
    return loss / pairs, sides, start


def test_descend__learns_who_has_what(rng):
    had = np.array([0, 1, 2]), np.array([0, 1], np.int32)

    before, *_ = _descend(np.random.default_rng(0), 1, had)
    after, (users, items), _ = _descend(np.random.default_rng(0), 3000, had)

    scores = users[0] @ items[0].T
    assert after < 0.5 * before
    assert scores.argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_array_equal(users[0][:, 3], 1)
    np.testing.assert_array_equal(items[0][:, 2], 1)
    assert users[3].sum() == 3000


def test_descend__takes_no_negative_where_a_user_had_everything(rng):
    everything = np.array([0, 3, 6]), np.array([0, 1, 2, 0, 1, 2], np.int32)

    _, (_, items), _ = _descend(rng, 50, everything)

    assert items[3][2] == 0
    assert items[3].sum() == 50


def test_descend__takes_adams_step_down_the_log_loss_of_a_pair(rng):
    everything = np.array([0, 3, 6]), np.array([0, 1, 2, 0, 1, 2], np.int32)

    loss, sides, start = _descend(rng, 1, everything, offset=-1.5, decay=0.1)

    user = int(sides[0][3].argmax())
    x, y = (rows[user].astype(float) for rows in start)
    chance = 1 / (1 + np.exp(1.5 - x @ y))
    slopes = (chance - 1) * y + 0.1 * x, (chance - 1) * x + 0.1 * y
    # Adam's first step has the length of the rate, whatever the slope.
    moved = [before - 0.05 * np.sign(slope) for before, slope in zip((x, y), slopes, strict=True)]
    moved[0][3] = moved[1][2] = 1.0
    assert loss == pytest.approx(-np.log(chance), rel=1e-5)
    for side, before, expected in zip(sides, start, moved, strict=True):
        np.testing.assert_allclose(side[0][user], expected, rtol=1e-4)
        np.testing.assert_array_equal(np.delete(side[0], user, 0), np.delete(before, user, 0))


@pytest.fixture
def rng():
    return np.random.default_rng(3)
