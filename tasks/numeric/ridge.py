"""Weighted ridge regression of many targets on sparse features.

The normal equations are never formed: conjugate gradients (M. Hestenes, E. Stiefel, Journal of Research of the National
Bureau of Standards 1952), scaled by the diagonal, need products with the features alone, whatever their number.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tasks.numeric.jit import jit
from tasks.numeric.parallel import for_each_block

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

TARGETS: Final = 64
"""Targets solved for at once."""
BLOCK_ROWS: Final = 256
"""Rows of a product that a thread takes at a time."""
MOST_STEPS: Final = 60
"""After which what was found is near enough: a map need not be exact."""


def ridge(
    features: Any,
    targets: Float32,
    weights: npt.NDArray[np.floating],
    penalty: float,
    tolerance: float = 1e-10,
) -> Float32:
    """Coefficients that minimise ``sum_i weights[i] |targets[i] - features[i] @ B|^2 + penalty |B|^2``.

    Parameters
    ----------
    features
        scipy CSR, (n_rows, n_features).
    targets
        float32 (n_rows, n_targets).
    weights
        (n_rows,), >= 0.
    penalty
        Above 0.
    tolerance
        Squared residual, as a share of the first, that is called a solution.

    Returns
    -------
    float32 (n_features, n_targets)

    """
    rows = features.astype(np.float64)
    heavy = np.asarray(weights, dtype=np.float64)
    turned = rows.multiply(heavy[:, None]).T.tocsr()
    diagonal = np.asarray(turned.multiply(rows.T).sum(axis=1)).ravel() + penalty
    found = np.empty((features.shape[1], targets.shape[1]), dtype=np.float32)
    for first in range(0, targets.shape[1], TARGETS):
        part = slice(first, first + TARGETS)
        right = _product(turned, np.ascontiguousarray(targets[:, part], dtype=np.float64))
        found[:, part] = _conjugate_gradients(rows, turned, right, diagonal, penalty, tolerance)
    return found


def _conjugate_gradients(
    rows: Any, turned: Any, right: Float64, diagonal: Float64, penalty: float, tolerance: float
) -> Float64:
    """Solve ``(turned @ rows + penalty) B = right``, each column on its own."""
    solution, residual = np.zeros_like(right), right
    direction = scaled = residual / diagonal[:, None]
    error = (residual * scaled).sum(axis=0)
    enough = tolerance * error
    for _ in range(MOST_STEPS):
        if (error <= enough).all():
            break
        product = _product(turned, _product(rows, direction)) + penalty * direction
        curvature = (direction * product).sum(axis=0)
        length = np.divide(error, curvature, out=np.zeros_like(error), where=curvature > 0)
        solution = solution + length * direction
        residual = residual - length * product
        scaled = residual / diagonal[:, None]
        before, error = error, (residual * scaled).sum(axis=0)
        direction = scaled + np.divide(error, before, out=np.zeros_like(error), where=before > 0) * direction
    return solution


def _product(rows: Any, dense: Float64) -> Float64:
    """A sparse matrix times a dense one, the same bytes on any number of threads."""
    out = np.empty((rows.shape[0], dense.shape[1]))

    def multiply(block: int) -> None:
        first = block * BLOCK_ROWS
        last = min(first + BLOCK_ROWS, len(out))
        _multiply_rows(rows.indptr, rows.indices, rows.data, dense, first, out[first:last])

    for_each_block(multiply, -(-len(out) // BLOCK_ROWS))
    return out


@jit()
def _multiply_rows(
    indptr: Any, indices: Any, values: Float64, dense: Float64, first: int, out: Float64
) -> None:
    """Rows ``first .. first + len(out)`` of the product."""
    out[:] = 0
    for line in range(len(out)):
        for entry in range(indptr[first + line], indptr[first + line + 1]):
            column, value = indices[entry], values[entry]
            for k in range(out.shape[1]):
                out[line, k] += value * dense[column, k]
