"""Conjugate gradients of all items at once, from sums over users that somebody else makes.

As :mod:`tasks.numeric.wals_cg`, for fixed factors that are not here: only their Gramian is, and a function that
returns what the observed entries add (:mod:`tasks.numeric.wals_partial`). One round of it serves all items.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.numeric.gramian import NOISE
from tasks.numeric.parallel import single_threaded_blas

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


class Sums(NamedTuple):
    """Where sums over all users' observed entries come from; each call is one round over the users."""

    product: Callable[[Float32], Float32]
    """From directions, float32 (n_items, n_factors): ``sum of extra * x.p * x``, of the same shape."""
    curvature: Callable[[Float32], Float64]
    """From directions: ``sum of extra * (x.p)**2``, float64 (n_items,)."""


def improve_items(
    y: Float32,
    residual: Float32,
    square: Float64,
    regularization: Float32,
    unobserved_weight: float,
    empty: npt.NDArray[np.bool_],
    sums: Sums,
    *,
    steps: int,
    tolerance: float = 0.0,
) -> Float32:
    """Improve the factors of all items by some conjugate gradient steps.

    Parameters
    ----------
    y
        float32 (n_items, n_factors): where items start.
    residual
        float32 (n_items, n_factors): what :func:`tasks.numeric.wals_partial.residual_part` says there, summed.
    square
        float64 (n_factors, n_factors): Gramian of the users' factors.
    regularization
        float32 (n_items,).
    unobserved_weight
        Weight of what was not observed.
    empty
        bool (n_items,): items without entries.
    sums
        Asked for each step: `steps` - 1 products and one curvature, fewer where all items are done.
    steps
        Steps at most.
    tolerance
        An item is done when its squared residual has fallen to this share of where it began.

    Returns
    -------
    float32 (n_items, n_factors), 0 for empty items.

    """
    with single_threaded_blas():
        values, vectors = np.linalg.eigh(square)
        values = np.maximum(values, NOISE * max(float(values[-1]), 0.0))
        diagonal = unobserved_weight * values + regularization[:, None].astype(np.float64)
        inverse = np.divide(1.0, diagonal, out=np.ones_like(diagonal), where=diagonal > 0)
        x = y.astype(np.float64) @ vectors
        x[empty] = 0
        left = residual.astype(np.float64) @ vectors - diagonal * x
        direction = inverse * left
        error = _dots(left, direction)
        enough = np.maximum(tolerance * error, np.finfo(np.float64).tiny)
        for step in range(steps):
            going = error > enough
            if not going.any():
                break
            direction[~going] = 0
            sent = (direction @ vectors.T).astype(np.float32)
            if step == steps - 1:
                curvature = sums.curvature(sent) + _dots(diagonal * direction, direction)
                x += _ratio(error, curvature, going) * direction
                break
            product = sums.product(sent).astype(np.float64) @ vectors + diagonal * direction
            length = _ratio(error, _dots(product, direction), going)
            x += length * direction
            left -= length * product
            before, error = error, np.where(length[:, 0] > 0, _dots(left, inverse * left), 0.0)
            direction = inverse * left + _ratio(error, before, going) * direction
        out: Float32 = (x @ vectors.T).astype(np.float32)
        return out


def _dots(a: Float64, b: Float64) -> Float64:
    products: Float64 = np.einsum("ij,ij->i", a, b)
    return products


def _ratio(above: Float64, below: Float64, going: npt.NDArray[np.bool_]) -> Float64:
    """``above / below`` as a column, 0 for items that are done or cannot go on."""
    fine = going & (below > 0)
    return np.divide(above, below, out=np.zeros_like(above), where=fine)[:, None]
