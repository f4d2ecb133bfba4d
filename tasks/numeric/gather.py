"""Products with a few rows of a tall matrix, named by their codes: where every WALS solver spends its time."""

import numpy as np
import numpy.typing as npt

from tasks.numeric.jit import jit

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Rows = npt.NDArray[np.float32 | np.int16]
"""A tall matrix, (n, n_factors): float32, or int16 for half of the memory traffic."""

CHUNK = 64
"""Rows taken together: read from far memory by the first product, still in the first cache for the next."""


# fastmath everywhere here: sums in any order are what makes vectors of 16 numbers possible (8 times
# faster), and all inputs are finite: they were checked.
@jit(fastmath=True)
def dots(rows: Rows, ids: Int32, vector: Float32, out: Float32) -> None:
    """``out[j] = rows[ids[j]] . vector``."""
    n, d = len(ids), len(vector)
    last = n - n % 4
    for j in range(0, last, 4):
        i0, i1, i2, i3 = ids[j], ids[j + 1], ids[j + 2], ids[j + 3]
        s0 = s1 = s2 = s3 = np.float32(0)
        # Four rows at a time: `vector` is read once for all of them.
        for k in range(d):
            v = vector[k]
            s0 += np.float32(rows[i0, k]) * v
            s1 += np.float32(rows[i1, k]) * v
            s2 += np.float32(rows[i2, k]) * v
            s3 += np.float32(rows[i3, k]) * v
        out[j], out[j + 1], out[j + 2], out[j + 3] = s0, s1, s2, s3
    for j in range(last, n):
        i0 = ids[j]
        s0 = np.float32(0)
        for k in range(d):
            s0 += np.float32(rows[i0, k]) * vector[k]
        out[j] = s0


@jit(fastmath=True)
def add_rows(rows: Rows, ids: Int32, weights: Float32, out: Float32) -> None:
    """``out += sum of weights[j] * rows[ids[j]]``."""
    n, d = len(ids), len(out)
    last = n - n % 4
    for j in range(0, last, 4):
        i0, i1, i2, i3 = ids[j], ids[j + 1], ids[j + 2], ids[j + 3]
        w0, w1, w2, w3 = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        for k in range(d):
            out[k] += (w0 * np.float32(rows[i0, k]) + w1 * np.float32(rows[i1, k])) + (
                w2 * np.float32(rows[i2, k]) + w3 * np.float32(rows[i3, k])
            )
    for j in range(last, n):
        i0, w0 = ids[j], weights[j]
        for k in range(d):
            out[k] += w0 * np.float32(rows[i0, k])


@jit(fastmath=True)
def dot(a: Float32, b: Float32) -> np.float32:
    """``a . b`` of two short vectors."""
    total = np.float32(0)
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


@jit(fastmath=True)
def weighted_dot(weights: Float32, a: Float32, b: Float32) -> np.float32:
    """``sum of weights * a * b`` of three short vectors."""
    total = np.float32(0)
    for k in range(len(a)):
        total += weights[k] * a[k] * b[k]
    return total


@jit(fastmath=True)
def add_scaled(out: Float32, scale: np.float32, a: Float32) -> None:
    """``out += scale * a``."""
    for k in range(len(out)):
        out[k] += scale * a[k]
