from dataclasses import replace

import dense_wals
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from tasks.numeric.gather import CHUNK
from tasks.numeric.wals_exact import GATHERED
from tasks.numeric.wals_loss import objective
from tasks.numeric.wals_side import GivenWeights, Terms, both_sides
from tasks.numeric.wals_solve import solve_cg, solve_exactly, solve_subspace

FULL = {
    "cg": lambda side, y, x: solve_cg(side, y, x, steps=200, tolerance=1e-12),
    "cholesky": solve_exactly,
    "subspace": lambda side, y, x: [solve_subspace(side, y, x, width=5) for _ in range(60)],
}
STEP = {
    "cg": lambda side, y, x: solve_cg(side, y, x, steps=2),
    "cg of int16": lambda side, y, x: solve_cg(side, y, x, steps=2, halve=True),
    "cholesky": solve_exactly,
    "subspace": lambda side, y, x: solve_subspace(side, y, x, width=5),
}


def _matrix(rng, n_users=40, n_items=900):
    """Rows of every kind: empty, one entry, shorter and longer than what kernels take at a time."""
    lengths = np.r_[0, 1, 2, 3, 5, CHUNK - 1, CHUNK, CHUNK + 1, GATHERED, n_items, 0]
    lengths = np.r_[lengths, rng.integers(0, 60, n_users - len(lengths))]
    columns = [rng.choice(n_items - 1, min(n, n_items - 1), replace=False) for n in lengths]
    indptr = np.r_[0, np.cumsum([len(row) for row in columns])]
    values = rng.integers(1, 5, indptr[-1]).astype(np.float32)
    # The last item has no entries either.
    return GroupedMatrix.from_csr(csr_matrix((values, np.concatenate(columns), indptr), (n_users, n_items)))


def _terms(**changes):
    return Terms(**{"weighting": "count", "explicit": False, "unobserved_weight": 0.3} | changes)


def _factors(rng, matrix, n_factors=13):
    # Columns of very different size, as trained factors have them.
    sizes = np.float32(np.geomspace(0.02, 0.5, n_factors))
    return [
        rng.normal(size=(n, n_factors)).astype(np.float32) * sizes for n in (matrix.n_users, matrix.n_items)
    ]


CASES = {
    "flat": _terms(regularization=0.5, exponent=0.0),
    "by frequency": _terms(regularization=0.01, exponent=1.0),
    "binary": _terms(weighting="binary", regularization=0.1, exponent=0.5),
    "log": _terms(weighting="log", regularization=0.1, exponent=1.0),
    "explicit": _terms(weighting="binary", explicit=True, regularization=0.1, exponent=1.0),
    "only observed": _terms(explicit=True, unobserved_weight=0.0, regularization=0.1, exponent=1.0),
}


@pytest.mark.parametrize("solver", FULL)
@pytest.mark.parametrize("case", CASES)
def test_solvers__equal_the_dense_solution(rng, solver, case):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    users, items = both_sides(matrix, CASES[case], GivenWeights())

    for side, fixed, solved in ((users, y, x.copy()), (items, x, y.copy())):
        FULL[solver](side, fixed, solved)

        expected = dense_wals.solve(side, fixed)
        assert solved == pytest.approx(expected, abs=1e-4 * np.abs(expected).max())
        assert not solved[side.rows.lengths() == 0].any()


@pytest.mark.parametrize("solver", FULL)
def test_solvers__equal_the_dense_solution_under_weights(rng, solver):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    entries = rng.random(matrix.nnz) * (rng.random(matrix.nnz) < 0.7)  # many are 0
    given = GivenWeights(rng.random(matrix.n_users) * 3, rng.random(matrix.n_items) * 3, entries)
    users, items = both_sides(matrix, CASES["by frequency"], given)

    for side, fixed, solved in ((users, y, x.copy()), (items, x, y.copy())):
        FULL[solver](side, fixed, solved)

        expected = dense_wals.solve(side, fixed)
        assert solved == pytest.approx(expected, abs=1e-4 * np.abs(expected).max())


def test_both_sides__give_an_entry_the_same_weight_on_either_side(rng):
    matrix = _matrix(rng)
    given = GivenWeights(rng.random(matrix.n_users), rng.random(matrix.n_items), rng.random(matrix.nnz))

    users, items = both_sides(matrix, CASES["flat"], given)

    by_user, _ = dense_wals.cells_of(users)
    by_item, _ = dense_wals.cells_of(items)
    assert by_user == pytest.approx(by_item.T)
    row, at = 9, int(matrix.by_user.indptr[9]) + 4
    column = matrix.by_user.indices[at]
    expected = 0.3 + given.rows[row] * given.cols[column] * given.entries[at]
    assert by_user[row, column] == pytest.approx(expected, rel=1e-5)


def test_both_sides__regularize_by_entries_and_unobserved_weight(rng):
    matrix = _matrix(rng)

    users, items = both_sides(matrix, _terms(regularization=0.1, exponent=0.5), GivenWeights())

    size = matrix.by_user.lengths() + 0.3 * matrix.n_items
    assert users.regularization == pytest.approx(0.1 * np.sqrt(size), rel=1e-6)
    size = matrix.by_item.lengths() + 0.3 * matrix.n_users
    assert items.regularization == pytest.approx(0.1 * np.sqrt(size), rel=1e-6)


@settings(deadline=None, max_examples=15)
@given(
    solver=st.sampled_from(list(STEP)),
    case=st.sampled_from(list(CASES)),
    n_factors=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_half_steps__never_raise_the_objective(solver, case, n_factors, seed):
    rng = np.random.default_rng(seed)
    matrix = _matrix(rng, n_users=20, n_items=300)
    x, y = _factors(rng, matrix, n_factors)
    users, items = both_sides(matrix, CASES[case], GivenWeights())

    before = objective(users, items, x, y).total
    for _ in range(4):
        for side, fixed, solved in ((users, y, x), (items, x, y)):
            STEP[solver](side, fixed, solved)
            after = objective(users, items, x, y).total
            assert after <= before * (1 + 1e-5)
            before = after


@pytest.mark.parametrize("case", CASES)
def test_objective__equals_the_dense_parts(rng, case):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    users, items = both_sides(matrix, CASES[case], GivenWeights())

    parts = objective(users, items, x, y)

    expected = dense_wals.parts(users, items, x, y)
    assert tuple(parts) == pytest.approx(expected, rel=1e-4, abs=1e-4 * sum(expected))
    assert parts.total == pytest.approx(sum(expected), rel=1e-4)


@pytest.mark.parametrize("solver", ["cg", "cholesky"])
@pytest.mark.parametrize("case", CASES)
def test_solvers__with_a_prior_equal_the_dense_solution(rng, solver, case):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    users, items = both_sides(matrix, CASES[case], GivenWeights())
    expected = _factors(rng, matrix)

    for side, fixed, solved, prior in ((users, y, x, expected[0]), (items, x, y, expected[1])):
        pulled = replace(side, prior=prior)
        solved = solved.copy()
        FULL[solver](pulled, fixed, solved)

        wanted = dense_wals.solve(pulled, fixed)
        assert solved == pytest.approx(wanted, abs=1e-4 * np.abs(wanted).max())
        assert solved[-1].any() == (side.regularization[-1] > 0)  # a row without entries


def test_cg__a_prior_of_zeros_changes_no_byte(rng):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    users, _ = both_sides(matrix, CASES["by frequency"], GivenWeights())
    plain, pulled = x.copy(), x.copy()

    solve_cg(users, y, plain, steps=2, halve=True)
    solve_cg(replace(users, prior=np.zeros_like(x)), y, pulled, steps=2, halve=True)

    assert np.array_equal(plain, pulled)


def test_objective__with_a_prior_equals_the_dense_parts(rng):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    users, items = both_sides(matrix, CASES["by frequency"], GivenWeights())
    items = replace(items, prior=_factors(rng, matrix)[1])

    parts = objective(users, items, x, y)

    assert tuple(parts) == pytest.approx(dense_wals.parts(users, items, x, y), rel=1e-4)


def test_subspace__refuses_a_prior(rng):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    users, _ = both_sides(matrix, CASES["flat"], GivenWeights())

    with pytest.raises(ValueError, match="knows no prior"):
        solve_subspace(replace(users, prior=x.copy()), y, x, width=5)


def test_cg__int16_moves_a_solution_by_less_than_a_thousandth(rng):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    users, _ = both_sides(matrix, CASES["by frequency"], GivenWeights())
    fine, coarse = x.copy(), x.copy()

    solve_cg(users, y, fine, steps=100)
    solve_cg(users, y, coarse, steps=100, halve=True)

    assert np.linalg.norm(fine - coarse) < 1e-3 * np.linalg.norm(fine)


def test_cg__fixed_factors_of_zero_give_zero(rng):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    users, _ = both_sides(matrix, _terms(regularization=0.0, exponent=0.0), GivenWeights())

    solve_cg(users, np.zeros_like(y), x, steps=3, halve=True)

    assert np.isfinite(x).all()


def test_cg__a_solved_row_stays_solved(rng):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    users, _ = both_sides(matrix, CASES["flat"], GivenWeights())
    solve_exactly(users, y, x)
    solved = x.copy()

    solve_cg(users, y, x, steps=50)

    assert x == pytest.approx(solved, abs=1e-4 * float(np.abs(solved).max()))


@pytest.mark.parametrize("solver", ["cholesky", "subspace"])
def test_exact_solvers__say_what_to_do_about_singular_rows(rng, solver):
    matrix = _matrix(rng)
    x, y = _factors(rng, matrix)
    terms = _terms(unobserved_weight=0.0, regularization=0.0, exponent=0.0)
    users, _ = both_sides(matrix, terms, GivenWeights())

    with pytest.raises(ValueError, match="raise regularization or unobserved_weight above 0"):
        STEP[solver](users, np.zeros_like(y), x)


@pytest.mark.parametrize("solver", STEP)
def test_half_steps__are_identical_at_any_thread_count(rng, solver):
    # Blocks are cut by entries: enough of them for several blocks.
    dense = rng.random((700, 400)) < 0.8
    matrix = GroupedMatrix.from_csr(csr_matrix(dense.astype(np.float32)))
    x, y = _factors(rng, matrix)
    users, _ = both_sides(matrix, CASES["flat"], GivenWeights())
    assert len(users.blocks) > 3
    before, results = numba.get_num_threads(), []

    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        try:
            solved = x.copy()
            STEP[solver](users, y, solved)
        finally:
            numba.set_num_threads(before)
        results.append(solved)

    assert np.array_equal(*results)
