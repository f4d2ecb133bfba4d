"""Where a fit begins: at random factors, or where an interrupted one left off."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tasks.numeric.csr import check_finite

Float32 = npt.NDArray[np.float32]

START_LENGTH = 0.1
"""The first factor rows are normal numbers of about this length."""


@dataclass(frozen=True, eq=False)
class Resume:
    """Where an interrupted fit left off: what its last checkpoint was given."""

    iteration: int
    user_factors: Float32
    item_factors: Float32


class Checkpoint(Protocol):
    """Keeps what a fit needs to go on after an interruption."""

    def save(self, iteration: int, user_factors: Float32, item_factors: Float32) -> None:
        """Keep the factors after so many iterations; the arrays change afterwards."""
        ...


def start(
    shape: tuple[int, int], n_factors: int, iterations: int, rng: np.random.Generator, resume: Resume | None
) -> tuple[int, Float32, Float32]:
    """Iterations done, user factors and item factors to go on from; the caller may change them.

    Raises
    ------
    ValueError
        If `resume` is not from such a fit.

    """
    if resume is None:
        scale = np.float32(START_LENGTH / np.sqrt(n_factors))
        users, items = (rng.standard_normal((n, n_factors), dtype=np.float32) * scale for n in shape)
        return 0, users, items
    check_factors("resume.user_factors", resume.user_factors, (shape[0], n_factors))
    check_factors("resume.item_factors", resume.item_factors, (shape[1], n_factors))
    if not 0 < resume.iteration <= iterations:
        raise ValueError(
            f"resume.iteration must be from 1 to iterations = {iterations}; got {resume.iteration}"
        )
    return resume.iteration, np.array(resume.user_factors), np.array(resume.item_factors)


def check_factors(name: str, factors: Float32, shape: tuple[int, int]) -> None:
    """Raise ValueError where factors have another shape or dtype, or are not finite."""
    if factors.shape != shape or factors.dtype != np.float32:
        raise ValueError(f"{name} must be float32 {shape}; got {factors.dtype} {factors.shape}")
    check_finite(name, factors)
