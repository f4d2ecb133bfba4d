"""The Gramian of a tall factor matrix, and the basis in which it is diagonal."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.numeric.parallel import for_each_block

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

ROWS = 4096
"""Rows of one product. Fixed, so that the result does not depend on the number of threads."""

NOISE = 1e-7
"""Eigenvalues below this share of the largest are rounding errors of float32 products."""


class Basis(NamedTuple):
    """Eigenvalues and eigenvectors of a Gramian."""

    values: Float32
    """(n_factors,), at least `NOISE` times the largest."""
    vectors: Float32
    """(n_factors, n_factors), one a column: ``factors @ vectors`` are the factors in this basis."""


def gramian(factors: Float32) -> Float64:
    """``factors.T @ factors``, float64 (n_factors, n_factors); call it with BLAS held to one thread."""
    n_blocks = -(-len(factors) // ROWS)
    parts = np.zeros((n_blocks, factors.shape[1], factors.shape[1]), dtype=np.float32)

    def multiply(block: int) -> None:
        rows = factors[block * ROWS : (block + 1) * ROWS]
        np.dot(rows.T, rows, out=parts[block])

    for_each_block(multiply, n_blocks)
    return parts.sum(axis=0, dtype=np.float64)


def eigenbasis(factors: Float32) -> Basis:
    """Basis in which the Gramian of `factors` is diagonal.

    A rotation changes no inner product, so every least-squares problem may be solved in this basis,
    where the product with the Gramian costs n_factors operations instead of their square.
    """
    values, vectors = np.linalg.eigh(gramian(factors))
    values = np.maximum(values, NOISE * max(float(values[-1]), 0.0))
    return Basis(values.astype(np.float32), np.ascontiguousarray(vectors, dtype=np.float32))


def rotate(factors: Float32, vectors: Float32) -> Float32:
    """``factors @ vectors``, a new float32 matrix; call it with BLAS held to one thread."""
    out = np.empty_like(factors, order="C")

    def multiply(block: int) -> None:
        part = slice(block * ROWS, (block + 1) * ROWS)
        np.dot(factors[part], vectors, out=out[part])

    for_each_block(multiply, -(-len(factors) // ROWS))
    return out
