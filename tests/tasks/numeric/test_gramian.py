import numpy as np
import pytest

from tasks.numeric.gramian import LARGEST, ROWS, eigenbasis, gramian


@pytest.mark.parametrize("n_rows", [0, 1, ROWS, ROWS + 1])
def test_gramian__equals_numpy_over_block_bounds(rng, n_rows):
    factors = rng.normal(size=(n_rows, 5)).astype(np.float32)

    assert gramian(factors) == pytest.approx(factors.astype(np.float64).T @ factors, rel=1e-5, abs=1e-2)


@pytest.mark.parametrize(("halve", "within"), [(False, 1e-4), (True, 3e-3)])
def test_eigenbasis__keeps_inner_products_and_makes_the_gramian_diagonal(rng, halve, within):
    factors = (rng.normal(size=(5000, 12)) @ rng.normal(size=(12, 12))).astype(np.float32)
    x = rng.normal(size=(7, 12)).astype(np.float32)

    basis = eigenbasis(factors, halve=halve)

    assert basis.rows.dtype == (np.int16 if halve else np.float32)
    there = x @ basis.to_basis
    assert (there.astype(np.float64) @ basis.rows.T) == pytest.approx(x @ factors.T, abs=10 * within)
    assert there @ basis.from_basis == pytest.approx(x, abs=1e-4)
    assert (there**2 * basis.units).sum(axis=1) == pytest.approx((x**2).sum(axis=1), rel=1e-4)
    scale = np.sqrt(basis.units.astype(np.float64))
    square = basis.rows.astype(np.float64).T @ basis.rows / np.outer(scale, scale)
    expected = np.diag(basis.eigenvalues / basis.units.astype(np.float64))
    assert square == pytest.approx(expected, abs=within * expected.max())


def test_eigenbasis__uses_the_whole_range_of_int16_for_every_factor(rng):
    factors = rng.normal(size=(100, 3)).astype(np.float32) * np.float32([1e-3, 1, 1e3])

    assert np.abs(eigenbasis(factors, halve=True).rows).max(axis=0).tolist() == [LARGEST] * 3


@pytest.mark.parametrize("halve", [False, True])
def test_eigenbasis__stays_finite_where_factors_are_zero(halve):
    basis = eigenbasis(np.zeros((4, 3), dtype=np.float32), halve=halve)

    assert not basis.rows.any()
    assert all(np.isfinite(part).all() for part in basis)
