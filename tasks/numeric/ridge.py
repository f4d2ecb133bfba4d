"""Weighted ridge regression of many targets on sparse features.

The normal equations are never formed: conjugate gradients (M. Hestenes, E. Stiefel, Journal of Research of the National
Bureau of Standards 1952), scaled by the diagonal, need products with the features alone, whatever their number.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

TARGETS: Final = 32
"""Targets solved for at once."""
TOLERANCE: Final = 1e-10
"""Squared residual, as a share of the first, that is called a solution."""
MOST_STEPS: Final = 60
"""After which what was found is near enough: a map need not be exact."""


def ridge(features: Any, targets: Float32, weights: npt.NDArray[np.floating], penalty: float) -> Float32:
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
        right = turned @ np.ascontiguousarray(targets[:, part], dtype=np.float64)
        found[:, part] = _conjugate_gradients(rows, turned, right, diagonal, penalty)
    return found


def _conjugate_gradients(
    rows: Any, turned: Any, right: Float64, diagonal: Float64, penalty: float
) -> Float64:
    """Solve ``(turned @ rows + penalty) B = right``, each column on its own."""
    solution, residual = np.zeros_like(right), right
    direction = scaled = residual / diagonal[:, None]
    error = (residual * scaled).sum(axis=0)
    enough = TOLERANCE * error
    for _ in range(MOST_STEPS):
        if (error <= enough).all():
            break
        product = turned @ (rows @ direction) + penalty * direction
        curvature = (direction * product).sum(axis=0)
        length = np.divide(error, curvature, out=np.zeros_like(error), where=curvature > 0)
        solution = solution + length * direction
        residual = residual - length * product
        scaled = residual / diagonal[:, None]
        before, error = error, (residual * scaled).sum(axis=0)
        direction = scaled + np.divide(error, before, out=np.zeros_like(error), where=before > 0) * direction
    return solution
