"""The WALS kernels against the float64 reference, from the smallest to the largest numbers."""

import dense_wals
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from tasks.numeric.wals_side import GivenWeights, Terms, both_sides
from tasks.numeric.wals_solve import solve_cg, solve_exactly, solve_subspace

N_USERS, N_ITEMS, N_FACTORS = 25, 300, 8
SIZES = (1e-30, 1e-20, 1e-10, 1e-6, 1.0, 1e5, 1e10, 1e20, 1e30)
WEIGHTS = (1e-6, 1.0, 1e6)
REGULARIZATIONS = (0.0, 1e-6, 1e-2, 1.0, 1e6)
SMALLEST = 1e-36
"""Smaller numbers have fewer digits in float32."""

FULL = {
    "cg of int16": lambda side, y, x: solve_cg(side, y, x, steps=200, tolerance=1e-12, halve=True),
    "cg": lambda side, y, x: solve_cg(side, y, x, steps=200, tolerance=1e-12),
    "cholesky": solve_exactly,
}


@pytest.fixture(scope="module")
def matrix():
    """Rows of 1 to 40 entries, three empty ones, and one that has every item."""
    rng = np.random.default_rng(5)
    lengths = np.r_[0, 1, 2, N_ITEMS, 0, rng.integers(1, 40, N_USERS - 6), 0]
    columns = [rng.choice(N_ITEMS, n, replace=False) for n in lengths]
    indptr = np.r_[0, np.cumsum(lengths)]
    ones = np.ones(indptr[-1], dtype=np.float32)
    return GroupedMatrix.from_csr(csr_matrix((ones, np.concatenate(columns), indptr), (N_USERS, N_ITEMS)))


def _side(matrix, weight, regularization, unobserved_weight=0.3):
    terms = Terms("count", False, unobserved_weight, regularization, 1.0)
    weights = GivenWeights(entries=np.full(matrix.nnz, weight))
    return both_sides(matrix, terms, weights)[0]


def _fixed(size, *, uneven):
    """Factors of about `size`; where `uneven`, a giant row and rows that are small beside the others."""
    rng = np.random.default_rng(6)
    shape = np.float32(np.geomspace(0.05, 0.5, N_FACTORS))
    fixed = rng.normal(size=(N_ITEMS, N_FACTORS)).astype(np.float32) * shape
    if uneven:
        fixed[7] *= 100
        fixed[20:40] *= np.float32(1e-4)
        fixed[40] = 0
    return (fixed * np.float32(size)).astype(np.float32)


def _errors(side, fixed, solved):
    """Distance from the reference, row by row, as a share of the row's length."""
    expected = dense_wals.solve(side, fixed)
    lengths = np.linalg.norm(expected, axis=1)
    known = lengths > SMALLEST
    return np.linalg.norm(solved[known] - expected[known], axis=1) / lengths[known]


@pytest.mark.parametrize("solver", FULL)
@pytest.mark.parametrize(("uneven", "within"), [(False, 4e-3), (True, 3e-2)])
@pytest.mark.parametrize("size", SIZES)
def test_solvers__equal_the_reference_at_every_size(matrix, solver, size, uneven, within):
    fixed = _fixed(size, uneven=uneven)
    for weight in WEIGHTS:
        for regularization in REGULARIZATIONS:
            side, solved = _side(matrix, weight, regularization), np.zeros((N_USERS, N_FACTORS), np.float32)

            FULL[solver](side, fixed, solved)

            case = f"weight {weight}, regularization {regularization}"
            assert np.isfinite(solved).all(), case
            assert not solved[side.rows.lengths() == 0].any(), case
            assert _errors(side, fixed, solved).max(initial=0.0) < within, case


@pytest.mark.parametrize("size", SIZES)
def test_subspace__equals_the_reference_at_every_size(matrix, size):
    side, solved = _side(matrix, 1.0, 1e-2), np.zeros((N_USERS, N_FACTORS), np.float32)
    fixed = _fixed(size, uneven=False)

    for _ in range(60):
        solve_subspace(side, fixed, solved, width=5)

    assert _errors(side, fixed, solved).max() < 4e-3


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("size", SIZES)
def test_subspace__stays_finite_under_any_weight(matrix, size, weight):
    side, solved = _side(matrix, weight, 1e-2), np.zeros((N_USERS, N_FACTORS), np.float32)

    for _ in range(3):
        solve_subspace(side, _fixed(size, uneven=True), solved, width=5)

    assert np.isfinite(solved).all()


@pytest.mark.parametrize("halve", [False, True])
@pytest.mark.parametrize("start", [1e-30, 1e30, np.float32(3e38)])
def test_solve_cg__finds_back_from_any_start(matrix, halve, start):
    side, solved = _side(matrix, 1.0, 1e-2), np.full((N_USERS, N_FACTORS), start, dtype=np.float32)

    solve_cg(side, _fixed(1e10, uneven=False), solved, steps=200, tolerance=1e-12, halve=halve)

    assert _errors(side, _fixed(1e10, uneven=False), solved).max() < 4e-3


def test_solve_cg__of_int16_shrinks_as_float32_does_under_a_pull_that_is_too_strong(matrix):
    lengths = []
    for halve in (False, True):
        users, items = both_sides(matrix, Terms("count", False, 0.3, 10.0, 1.0), GivenWeights())
        rng = np.random.default_rng(7)
        x, y = (
            rng.normal(size=(n, N_FACTORS)).astype(np.float32) * np.float32(0.05) for n in users.rows.shape
        )
        for _ in range(15):
            solve_cg(users, y, x, steps=2, halve=halve)
            solve_cg(items, x, y, steps=2, halve=halve)
        lengths.append(np.linalg.norm(y))

    assert lengths[1] == pytest.approx(lengths[0], rel=0.01)
    assert lengths[0] < 1e-6
