"""The Gramian of a tall factor matrix, and the basis in which it is diagonal."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.numeric.gather import Rows
from tasks.numeric.jit import jit
from tasks.numeric.parallel import for_each_block

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

ROWS = 4096
"""Rows of one product. Fixed, so that the result does not depend on the number of threads."""

LARGEST = 32767
"""Of int16."""

NOISE = 1e-7
"""Eigenvalues below this share of the largest are rounding errors of float32 products."""

FLAT = 1e-3
"""Factors smaller than this share of the largest are not stretched further before they are rounded."""

HELD = 1e-12, 1e-30
"""Smaller than this, all rows stay float32, and a row among larger ones counts for nothing: float32 could not
hold the steps of its int16."""

COMMON = 1e-12, 1e24
"""Where the largest sum of squares is between these, float32 suits all of them."""

EXPONENTS = 110
"""Powers of two beyond this leave no room in float32."""


class Rotated(NamedTuple):
    """Factors in the basis where their Gramian is diagonal, scaled factor by factor and all together."""

    rows: Rows
    """(n, n_factors): float32, or int16 in steps of `sizes`."""
    sizes: Float32
    """(n,): what 1 in a row stands for; 1 everywhere in float32."""
    eigenvalues: Float32
    """(n_factors,): the diagonal of the Gramian of the scaled rows, each at least `NOISE` times the largest
    before the scaling."""
    units: Float32
    """(n_factors,): what 1 in the squared length of a row of x counts for there."""
    to_basis: Float32
    """(n_factors, n_factors): ``(sizes * rows) @ (x @ to_basis)`` is ``factors @ x``."""
    from_basis: Float32
    """(n_factors, n_factors): the inverse of `to_basis`."""


def gramian(factors: Float32) -> Float64:
    """``factors.T @ factors``, float64 (n_factors, n_factors); call it with BLAS held to one thread.

    The products are float32; very large or small factors are divided by a power of two near the largest
    before, so that their squares neither overflow nor vanish.
    """
    square = _product(factors, 1.0)
    if COMMON[0] < square.diagonal().max(initial=0.0) < COMMON[1]:
        return square
    unit = power_of_two(peak(factors))
    return _product(factors, unit) * unit**2


def _product(factors: Float32, unit: float) -> Float64:
    """The Gramian of ``factors / unit``."""
    n_blocks = -(-len(factors) // ROWS)
    parts = np.zeros((n_blocks, factors.shape[1], factors.shape[1]), dtype=np.float32)

    def multiply(block: int) -> None:
        rows = factors[block * ROWS : (block + 1) * ROWS]
        if unit != 1:
            rows = rows * np.float32(1 / unit)
        with np.errstate(over="ignore", invalid="ignore"):
            np.dot(rows.T, rows, out=parts[block])

    for_each_block(multiply, n_blocks)
    return parts.sum(axis=0, dtype=np.float64)


def peak(factors: Float32) -> float:
    """Largest absolute value; NaN where one is NaN, 0 where there are none."""
    n_blocks = -(-len(factors) // ROWS)
    peaks = np.zeros(n_blocks)

    def search(block: int) -> None:
        rows = factors[block * ROWS : (block + 1) * ROWS]
        peaks[block] = max(rows.max(), -rows.min())

    for_each_block(search, n_blocks)
    return float(peaks.max(initial=0.0))


def power_of_two(size: float) -> float:
    """The power of two at or below `size`, in the range that float32 leaves room for; 1 for 0, inf and NaN."""
    if not 0 < size < np.inf:
        return 1.0
    return float(2.0 ** np.clip(np.frexp(size)[1] - 1, -EXPONENTS, EXPONENTS))


def eigenbasis(factors: Float32, *, halve: bool, least: float = 0.0) -> Rotated:
    """Turn `factors` so that their Gramian is diagonal; call it with BLAS held to one thread.

    A rotation changes no inner product, so every least-squares problem may be solved in this basis,
    where the product with the Gramian costs n_factors operations instead of their square.

    Parameters
    ----------
    factors
        float32 (n, n_factors), of any size: they are divided by a power of two near the largest, and x is
        multiplied by it.
    halve
        Keep the rows as int16, rounded to 1/65,534 of the range of each row, after each factor has been
        stretched to about the same range.
    least
        Divide by no less than this: with the square root of the regularization, what `units` makes of it is
        at most about 1.

    Raises
    ------
    ValueError
        If a factor is not finite.

    """
    square = gramian(factors)
    largest = float(np.sqrt(square.diagonal().max(initial=0.0)))
    if not np.isfinite(largest):
        raise ValueError("factors must be finite; some are not")
    unit = power_of_two(max(largest, least))
    values, vectors = np.linalg.eigh(square / unit**2)
    values = np.maximum(values, NOISE * max(float(values[-1]), 0.0))
    turned = _rotate(factors, (vectors / unit).astype(np.float32))
    sizes, scales = np.ones(len(factors), dtype=np.float32), np.ones(len(values))
    rows: Rows = turned
    if halve and largest / unit > HELD[0]:
        scales = 1 / np.maximum(np.sqrt(values / (values[-1] or 1.0)), FLAT)
        rows, sizes = _rounded(turned, scales.astype(np.float32))
    return Rotated(
        rows,
        sizes,
        (values * scales**2).astype(np.float32),
        # Where this is out of range there is no regularization to multiply it with.
        np.minimum((scales / unit) ** 2, np.finfo(np.float32).max).astype(np.float32),
        (vectors / scales * unit).astype(np.float32),
        np.ascontiguousarray((vectors * scales / unit).T, dtype=np.float32),
    )


def _rotate(factors: Float32, vectors: Float32) -> Float32:
    out = np.empty(factors.shape, dtype=np.float32)

    def multiply(block: int) -> None:
        part = slice(block * ROWS, (block + 1) * ROWS)
        np.dot(factors[part], vectors, out=out[part])

    for_each_block(multiply, -(-len(factors) // ROWS))
    return out


def _rounded(rows: Float32, scales: Float32) -> tuple[npt.NDArray[np.int16], Float32]:
    out, sizes = np.empty(rows.shape, dtype=np.int16), np.empty(len(rows), dtype=np.float32)

    def round_off(block: int) -> None:
        part = slice(block * ROWS, (block + 1) * ROWS)
        round_rows(rows[part], scales, out[part], sizes[part])

    for_each_block(round_off, -(-len(rows) // ROWS))
    return out, sizes


@jit(fastmath=True)  # a largest number of any order: three times as fast
def round_rows(rows: Float32, scales: Float32, out: npt.NDArray[np.int16], sizes: Float32) -> None:
    """Write ``rows * scales`` to `out` in steps of `sizes`, a step for each row, so that its largest is 32,767."""
    for line in range(len(rows)):
        largest = np.float32(0)
        for k in range(len(scales)):
            largest = max(largest, abs(rows[line, k] * scales[k]))
        sizes[line] = largest / np.float32(LARGEST)
        inverse = np.float32(LARGEST) / largest if largest > HELD[1] else np.float32(0)
        for k in range(len(scales)):
            out[line, k] = np.int16(np.rint(rows[line, k] * scales[k] * inverse))
