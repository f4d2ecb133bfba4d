"""Items solved for from sums over blocks of users, against the solvers that see all users."""

import dense_wals
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from tasks.numeric import wals_partial
from tasks.numeric.gramian import gramian
from tasks.numeric.wals_items import Sums, improve_items
from tasks.numeric.wals_side import GivenWeights, Terms, both_sides, one_side
from tasks.numeric.wals_solve import solve_cg

TERMS = {
    "count": Terms("count", explicit=False, unobserved_weight=0.3, regularization=0.01, exponent=1.0),
    "explicit": Terms("binary", explicit=True, unobserved_weight=0.0, regularization=0.1, exponent=1.0),
    "nothing holds": Terms("binary", explicit=False, unobserved_weight=0.1, regularization=0.0, exponent=0.0),
}


@pytest.fixture(params=TERMS)
def problem(request, rng):
    there = rng.random((90, 30)) < 0.2
    there[:, 29] = False  # an item that nobody has
    csr = csr_matrix(there, dtype=np.float32)
    csr.data = rng.integers(1, 5, csr.nnz).astype(np.float32)
    matrix = GroupedMatrix.from_csr(csr)
    users, items = both_sides(matrix, TERMS[request.param], GivenWeights())
    x, y = (rng.normal(size=(n, 5)).astype(np.float32) for n in (90, 30))
    blocks = [GroupedMatrix.from_csr(csr[part]) for part in (slice(0, 0), slice(0, 50), slice(50, 90))]
    parts = [one_side(block.by_user, TERMS[request.param]) for block in blocks]
    return users, items, x, y, list(zip(parts, (x[:0], x[:50], x[50:]), strict=True))


def _improved(items, x, y, blocks, steps, tolerance=0.0):
    sums = Sums(
        lambda p: sum(wals_partial.product_part(side, part, p) for side, part in blocks),
        lambda p: sum(wals_partial.curvature_part(side, part, p) for side, part in blocks),
    )
    residual = sum(wals_partial.residual_part(side, part, y) for side, part in blocks)
    weight, empty = items.unobserved_weight, items.rows.lengths() == 0
    return improve_items(
        y, residual, gramian(x), items.regularization, weight, empty, sums, steps=steps, tolerance=tolerance
    )


def test_improve_items__solves_the_equations_of_all_items(problem):
    _, items, x, y, blocks = problem
    expected = dense_wals.solve(items, x)
    assert np.allclose(_improved(items, x, y, blocks, 60, 1e-12), expected, atol=2e-5)


def test_improve_items__takes_the_steps_of_the_solver_that_sees_all_users(problem):
    _, items, x, y, blocks = problem
    expected = y.copy()
    solve_cg(items, x, expected, steps=2)
    assert np.allclose(_improved(items, x, y, blocks, 2), expected, atol=1e-4)


def test_parts__are_sums_over_entries(problem):
    users, _, x, y, _ = problem
    weights, aims = dense_wals.cells_of(users)
    extra = (weights - users.unobserved_weight).astype(np.float64)
    there = csr_matrix(
        (np.ones(users.rows.nnz), users.rows.indices, users.rows.indptr), users.rows.shape
    ).toarray()
    scores = x.astype(np.float64) @ y.T
    residual = (there * (weights * aims) - extra * scores).T @ x
    assert np.allclose(wals_partial.residual_part(users, x, y), residual, rtol=1e-4, atol=1e-4)
    assert np.allclose(wals_partial.product_part(users, x, y), (extra * scores).T @ x, rtol=1e-4, atol=1e-4)
    assert np.allclose(wals_partial.curvature_part(users, x, y), (extra * scores**2).sum(axis=0), rtol=1e-4)


def test_residual_part__does_not_depend_on_how_many_entries_are_summed_at_once(problem, monkeypatch):
    users, _, x, y, _ = problem
    whole = wals_partial.residual_part(users, x, y)
    monkeypatch.setattr(wals_partial, "SUMMED", 7)
    assert np.allclose(wals_partial.residual_part(users, x, y), whole, rtol=1e-5, atol=1e-5)
