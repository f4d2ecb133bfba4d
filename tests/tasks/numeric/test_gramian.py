import numpy as np
import pytest

from tasks.numeric.gramian import LARGEST, ROWS, eigenbasis, gramian, power_of_two


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
    rows = basis.rows * basis.sizes[:, None].astype(np.float64)
    assert (there.astype(np.float64) @ rows.T) == pytest.approx(x @ factors.T, abs=10 * within)
    assert there @ basis.from_basis == pytest.approx(x, abs=1e-4)
    assert (there**2 * basis.units).sum(axis=1) == pytest.approx((x**2).sum(axis=1), rel=1e-4)
    scale = np.sqrt(basis.units.astype(np.float64))
    square = rows.T @ rows / np.outer(scale, scale)
    expected = np.diag(basis.eigenvalues / basis.units.astype(np.float64))
    assert square == pytest.approx(expected, abs=within * expected.max())


def test_eigenbasis__uses_the_whole_range_of_int16_for_every_row(rng):
    factors = rng.normal(size=(100, 3)).astype(np.float32) * np.float32([1e-2, 1, 1e2])
    factors *= np.geomspace(1e-9, 1, 100)[:, None].astype(np.float32)
    factors[7] = 0

    basis = eigenbasis(factors, halve=True)

    assert np.abs(basis.rows).max(axis=1).tolist() == [0 if row == 7 else LARGEST for row in range(100)]


def test_eigenbasis__keeps_rows_as_float32_where_int16_has_no_step_for_them(rng):
    factors = rng.normal(size=(100, 3)).astype(np.float32)

    assert eigenbasis(factors, halve=True, least=1e10).rows.dtype == np.int16
    assert eigenbasis(factors, halve=True, least=1e20).rows.dtype == np.float32


@pytest.mark.parametrize("size", [1e-30, 1e-16, 1e16, 1e30])
def test_gramian__neither_overflows_nor_vanishes(rng, size):
    factors = (rng.normal(size=(500, 4)) * size).astype(np.float32)

    expected = (factors.astype(np.float64).T @ factors) / size**2
    assert gramian(factors) / size**2 == pytest.approx(expected, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize(
    ("size", "power"), [(1, 1), (1.9, 1), (0.9, 0.5), (1e-30, 2.0**-100), (1e38, 2.0**110)]
)
def test_power_of_two__is_at_or_below_within_limits(size, power):
    assert power_of_two(size) == power


@pytest.mark.parametrize("size", [0, float("inf"), float("nan")])
def test_power_of_two__is_one_where_there_is_no_size(size):
    assert power_of_two(size) == 1


def test_eigenbasis__refuses_factors_that_are_not_finite(rng):
    factors = rng.normal(size=(5, 3)).astype(np.float32)
    factors[2, 1] = np.nan

    with pytest.raises(ValueError, match="factors must be finite"):
        eigenbasis(factors, halve=True)


@pytest.mark.parametrize("halve", [False, True])
def test_eigenbasis__stays_finite_where_factors_are_zero(halve):
    basis = eigenbasis(np.zeros((4, 3), dtype=np.float32), halve=halve)

    assert not basis.rows.any()
    assert all(np.isfinite(part).all() for part in basis)
