"""The Gramian of a tall factor matrix, and the basis in which it is diagonal."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.numeric.gather import Rows
from tasks.numeric.parallel import for_each_block

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

ROWS = 4096
"""Rows of one product. Fixed, so that the result does not depend on the number of threads."""

LARGEST = 32767
"""Of int16."""

NOISE = 1e-7
"""Eigenvalues below this share of the largest are rounding errors of float32 products."""


class Rotated(NamedTuple):
    """Factors in the basis where their Gramian is diagonal, scaled factor by factor."""

    rows: Rows
    """(n, n_factors)."""
    eigenvalues: Float32
    """(n_factors,): the diagonal of the Gramian of `rows`, each at least `NOISE` times the largest."""
    units: Float32
    """(n_factors,): the squared scales; all 1 for float32 rows."""
    to_basis: Float32
    """(n_factors, n_factors): ``rows @ (x @ to_basis)`` is ``factors @ x``."""
    from_basis: Float32
    """(n_factors, n_factors): the inverse of `to_basis`."""


def gramian(factors: Float32) -> Float64:
    """``factors.T @ factors``, float64 (n_factors, n_factors); call it with BLAS held to one thread."""
    n_blocks = -(-len(factors) // ROWS)
    parts = np.zeros((n_blocks, factors.shape[1], factors.shape[1]), dtype=np.float32)

    def multiply(block: int) -> None:
        rows = factors[block * ROWS : (block + 1) * ROWS]
        np.dot(rows.T, rows, out=parts[block])

    for_each_block(multiply, n_blocks)
    return parts.sum(axis=0, dtype=np.float64)


def eigenbasis(factors: Float32, *, halve: bool) -> Rotated:
    """Turn `factors` so that their Gramian is diagonal; call it with BLAS held to one thread.

    A rotation changes no inner product, so every least-squares problem may be solved in this basis,
    where the product with the Gramian costs n_factors operations instead of their square.

    Parameters
    ----------
    factors
        float32 (n, n_factors).
    halve
        Keep the rows as int16, rounded to 1/65,534 of the range of each factor.

    """
    values, vectors = np.linalg.eigh(gramian(factors))
    values = np.maximum(values, NOISE * max(float(values[-1]), 0.0))
    turned = _rotate(factors, vectors.astype(np.float32))
    scales = np.ones(len(values))
    if halve:
        peaks = np.maximum(turned.max(axis=0, initial=0), -turned.min(axis=0, initial=0)).astype(np.float64)
        scales = LARGEST / np.maximum(peaks, NOISE * peaks.max() or 1.0)
    return Rotated(
        _rounded(turned, scales.astype(np.float32)) if halve else turned,
        (values * scales**2).astype(np.float32),
        (scales**2).astype(np.float32),
        (vectors / scales).astype(np.float32),
        np.ascontiguousarray((vectors * scales).T, dtype=np.float32),
    )


def _rotate(factors: Float32, vectors: Float32) -> Float32:
    out = np.empty(factors.shape, dtype=np.float32)

    def multiply(block: int) -> None:
        part = slice(block * ROWS, (block + 1) * ROWS)
        np.dot(factors[part], vectors, out=out[part])

    for_each_block(multiply, -(-len(factors) // ROWS))
    return out


def _rounded(rows: Float32, scales: Float32) -> npt.NDArray[np.int16]:
    out = np.empty(rows.shape, dtype=np.int16)

    def round_off(block: int) -> None:
        part = slice(block * ROWS, (block + 1) * ROWS)
        out[part] = np.rint(rows[part] * scales)

    for_each_block(round_off, -(-len(rows) // ROWS))
    return out
