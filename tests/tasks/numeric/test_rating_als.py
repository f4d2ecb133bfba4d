"""The half step of ratings against a dense least squares."""

import numpy as np
import pytest

from tasks.numeric.rating_als import solve_in_place, solve_rows


def test_solve_in_place__solves_positive_definite_equations(rng):
    root = rng.normal(size=(7, 7))
    a = root @ root.T + np.eye(7)
    x = rng.normal(size=7)
    expected = np.linalg.solve(a, x)

    solve_in_place(a.copy(), x)

    np.testing.assert_allclose(x, expected)


@pytest.mark.parametrize("n_ratings", [1, 4, 5, 40])
def test_solve_rows__minimises_squares_with_a_bias(rng, n_ratings):
    fixed, fixed_bias = rng.normal(size=(50, 4)), rng.normal(size=50)
    codes = rng.permutation(50)[:n_ratings].astype(np.int32)
    rest = rng.normal(size=n_ratings)
    out, bias = np.full((3, 4), 9.0), np.full(3, 9.0)

    solve_rows(
        0,
        3,
        np.array([0, 0, n_ratings, n_ratings]),
        codes,
        rest,
        fixed,
        fixed_bias,
        np.full(3, 0.7),
        2.0,
        out,
        bias,
    )

    table = np.column_stack([fixed[codes], np.ones(n_ratings)])
    pull = np.diag([0.7] * 4 + [2.0])
    expected = np.linalg.solve(table.T @ table + pull, table.T @ (rest - fixed_bias[codes]))
    np.testing.assert_allclose(np.append(out[1], bias[1]), expected)
    assert not out[[0, 2]].any()
    assert not bias[[0, 2]].any()
