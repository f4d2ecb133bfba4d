"""The WALS objective, in its three parts."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tasks.numeric.gather import CHUNK, dots
from tasks.numeric.gramian import gramian
from tasks.numeric.jit import jit
from tasks.numeric.parallel import for_each_block, single_threaded_blas
from tasks.numeric.wals_side import Side

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


class Objective(NamedTuple):
    """What WALS makes small."""

    observed: float
    """Weighted squared errors of the observed entries."""
    unobserved: float
    """Weighted squared scores of all other entries."""
    regularization: float
    """Weighted squared lengths of all factor rows, or of what they are away from their priors."""

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return self.observed + self.unobserved + self.regularization


def objective(users: Side, items: Side, user_factors: Float32, item_factors: Float32) -> Objective:
    """Value of the objective; one pass over the entries.

    Parameters
    ----------
    users, items
        Both sides of the problem.
    user_factors, item_factors
        float32 (n_users, n_factors), (n_items, n_factors).

    """
    observed, squares = observed_sums(users, user_factors, item_factors)
    with single_threaded_blas():
        everywhere = float(np.sum(gramian(user_factors) * gramian(item_factors)))
    return Objective(
        observed,
        users.unobserved_weight * (everywhere - squares),
        penalty(users, user_factors) + penalty(items, item_factors),
    )


def observed_sums(users: Side, user_factors: Float32, item_factors: Float32) -> tuple[float, float]:
    """Weighted squared errors, and squared scores, of the observed entries."""
    sums = np.zeros((len(users.blocks) - 1, 2))

    def add(block: int) -> None:
        first, last = users.blocks[block], users.blocks[block + 1]
        observed_block(*users.arrays, user_factors, item_factors, first, last, sums[block])

    for_each_block(add, len(sums))
    observed, squares = (float(part) for part in sums.sum(axis=0))
    return observed, squares


def penalty(side: Side, factors: Float32) -> float:
    """Weighted squared lengths of the factor rows of a side, or of what they are away from their priors."""
    away = factors - side.prior if len(side.prior) else factors
    lengths = np.einsum("ij,ij->i", away, away)
    return float(np.dot(side.regularization.astype(np.float64), lengths.astype(np.float64)))


@jit()
def observed_block(
    indptr: Int64,
    indices: Int32,
    extra: Float32,
    targets: Float32,
    regularization: Float32,
    unobserved_weight: np.float32,
    x: Float32,
    y: Float32,
    first: int,
    last: int,
    sums: Float64,
) -> None:
    """Sum weighted squared errors into ``sums[0]`` and squared scores into ``sums[1]``, of some rows."""
    scores = np.empty(CHUNK, dtype=np.float32)
    for row in range(first, last):
        for begin in range(indptr[row], indptr[row + 1], CHUNK):
            n = min(CHUNK, indptr[row + 1] - begin)
            dots(y, indices[begin : begin + n], x[row], scores[:n])
            for j in range(n):
                score = np.float64(scores[j])
                target = np.float64(targets[begin + j]) if len(targets) else 1.0
                sums[0] += (np.float64(unobserved_weight) + extra[begin + j]) * (target - score) ** 2
                sums[1] += score**2
