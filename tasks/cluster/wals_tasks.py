"""What workers do for WALS: pure functions of files and a few numbers, each over some neighbouring blocks.

Paths and hashes come in, paths and hashes go out. A task that is lost is done again, here or elsewhere, and writes
the same bytes; nothing that a worker keeps (:mod:`tasks.cluster.held`) is needed for that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.grouped_blocks import Block
from tasks.cluster import held
from tasks.cluster.arrays import Answer, ArrayFile, save_array
from tasks.cluster.held import Problem, Solve
from tasks.cluster.sums import TreeSum
from tasks.models._wals_health import sampled_scores
from tasks.numeric.gramian import gramian
from tasks.numeric.parallel import single_threaded_blas, threads
from tasks.numeric.wals_loss import observed_sums, penalty
from tasks.numeric.wals_partial import curvature_part, product_part, residual_part
from tasks.numeric.wals_side import Float32, Side

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Part:
    """Neighbouring blocks that one task does."""

    first: int
    """Number of the first block."""
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """For files: ``0000-0003``."""
        return f"{self.first:04d}-{self.first + len(self.blocks) - 1:04d}"


class _Sums:
    """Trees of sums by name, saved as one file each."""

    def __init__(self) -> None:
        self.trees: dict[str, TreeSum] = {}

    def add(self, number: int, **arrays: Array) -> None:
        for name, array in arrays.items():
            self.trees.setdefault(name, TreeSum()).add((0, number), array)

    def answer(self, out: str, part: Part, numbers: list[dict[str, Any]] | None = None) -> Answer:
        files = {
            name: save_array(Path(f"{out}-{name}-{part.name}.npy"), tree.stacked())
            for name, tree in self.trees.items()
        }
        nodes = next(iter(self.trees.values())).nodes() if self.trees else ()
        return Answer(nodes, files, tuple(numbers or ()))


def measure(problem: Problem, part: Part, out: str) -> Answer:
    """Entries and weights by item: ``entries`` int64 (n_items,), ``weights`` float64 (n_items,)."""
    sums, numbers = _Sums(), []
    for number, block in enumerate(part.blocks, part.first):
        side = held.side(problem, block)
        rows = side.rows
        entries = np.bincount(rows.indices, minlength=problem.n_items).astype(np.int64)
        weights = np.bincount(rows.indices, weights=side.extra, minlength=problem.n_items)
        sums.add(number, entries=entries, weights=weights.astype(np.float64))
        numbers.append(
            {
                "most": float(side.regularization.max(initial=0.0)),
                "heaviest": float(side.extra.max(initial=0.0)),
                "users": int(np.count_nonzero(rows.lengths())),
            }
        )
    return sums.answer(out, part, numbers)


def user_half(problem: Problem, part: Part, items: ArrayFile, solve: Solve, out: str) -> Answer:
    """Solve for the users, who stay here: ``gramian`` of their factors, and the items' ``residual``."""
    sums = _Sums()
    with single_threaded_blas(), threads(1):
        y = held.array(items)
        for number, block in enumerate(part.blocks, part.first):
            x = held.user_factors(problem, block, items, solve)
            residual = residual_part(held.side(problem, block), x, y)
            sums.add(number, gramian=gramian(x), residual=residual)
    return sums.answer(out, part)


def item_product(
    problem: Problem, part: Part, items: ArrayFile, solve: Solve, directions: ArrayFile, out: str
) -> Answer:
    """Observed part of the items' matrices times `directions`: ``product``."""
    return _along(product_part, "product", problem, part, items, solve, directions, out)


def item_curvature(
    problem: Problem, part: Part, items: ArrayFile, solve: Solve, directions: ArrayFile, out: str
) -> Answer:
    """The same, between directions on both sides: ``curvature``, one number an item."""
    return _along(curvature_part, "curvature", problem, part, items, solve, directions, out)


def _along(
    of_block: Callable[[Side, Float32, Float32], Array],
    name: str,
    problem: Problem,
    part: Part,
    items: ArrayFile,
    solve: Solve,
    directions: ArrayFile,
    out: str,
) -> Answer:
    """Sum over the blocks of what each says of `directions`, its users' factors being solved for `items`."""
    sums = _Sums()
    with single_threaded_blas(), threads(1):
        p = held.array(directions)
        for number, block in enumerate(part.blocks, part.first):
            x = held.user_factors(problem, block, items, solve)
            sums.add(number, **{name: of_block(held.side(problem, block), x, p)})
    return sums.answer(out, part)


def objective_parts(
    problem: Problem, part: Part, items: ArrayFile, solve: Solve, fitted: ArrayFile, out: str
) -> Answer:
    """What users add to the objective of the items' factors `fitted`, theirs being solved for `items`."""
    sums, numbers = _Sums(), []
    with single_threaded_blas(), threads(1):
        y = held.array(fitted)
        for number, block in enumerate(part.blocks, part.first):
            side, x = held.side(problem, block), held.user_factors(problem, block, items, solve)
            observed, squares = observed_sums(side, x, y)
            reached, wanted = sampled_scores(side, x, y)
            sums.add(number, gramian=gramian(x))
            numbers.append(
                {
                    "observed": observed,
                    "squares": squares,
                    "penalty": penalty(side, x),
                    "reached": reached,
                    "wanted": wanted,
                }
            )
    return sums.answer(out, part, numbers)
