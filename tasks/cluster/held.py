"""What a worker process keeps between tasks: its blocks, and what it solved for them.

All of it can be made again from files, and is, wherever a task does not find it: on another worker, or here after
something else took its room. Nothing of it is an answer: answers are files.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from data_contracts.grouped_blocks import Block
from tasks.cluster.arrays import ArrayFile, load_array
from tasks.cluster.blocks import read_rows
from tasks.models._wals_health import check_finite_factors
from tasks.numeric.csr import check_finite
from tasks.numeric.gramian import Rotated
from tasks.numeric.wals_side import Side, Terms, one_side
from tasks.numeric.wals_solve import rotated, solve_cg

Float32 = npt.NDArray[np.float32]
T = TypeVar("T")

SHARE = 0.5
"""Of a worker's memory limit, for blocks and factors kept."""

SMALL = 4
"""Item factors and directions kept."""


@dataclass(frozen=True)
class Problem:
    """What is to be solved, the same for all tasks of a fit."""

    folder: Path
    blocks_sha256: str
    n_items: int
    terms: Terms
    least: float = 0.0
    """As in :func:`tasks.numeric.gramian.eigenbasis`: of all users, so that every block sees one basis."""


@dataclass(frozen=True)
class Solve:
    """How users are solved for, always from nothing: a pure function of item factors and block."""

    steps: int
    tolerance: float
    halve: bool


@dataclass(eq=False)
class _Held:
    side: Side | None = None
    x: Float32 | None = None
    x_of: tuple[str, Solve, float] | None = None
    lock: Lock = field(default_factory=Lock)

    def n_bytes(self) -> int:
        arrays: list[npt.NDArray[Any]] = (
            [] if self.side is None else [self.side.extra, self.side.rows.indices, self.side.rows.indptr]
        )
        return sum(array.nbytes for array in [*arrays, *([] if self.x is None else [self.x])])


_lock = Lock()
_blocks: OrderedDict[tuple[str, str, Terms], _Held] = OrderedDict()
_small: OrderedDict[tuple[object, ...], object] = OrderedDict()


def forget() -> None:
    """Let go of everything."""
    with _lock:
        _blocks.clear()
        _small.clear()


def side(problem: Problem, block: Block) -> Side:
    """The users of a block as rows to solve for."""
    held = _held(problem, block)
    with held.lock:
        return _side(held, problem, block)


def user_factors(problem: Problem, block: Block, items: ArrayFile, solve: Solve) -> Float32:
    """Factors of a block's users, float32 (block.n_users, n_factors)."""
    held, wanted = _held(problem, block), (items.sha256, solve, problem.least)
    with held.lock:
        if held.x is not None and held.x_of == wanted:
            return held.x
        held.x = None
        users, y = _side(held, problem, block), array(items)
        x = np.zeros((block.n_users, y.shape[1]), dtype=np.float32)
        basis = _basis(problem, items, solve)
        solve_cg(users, y, x, steps=solve.steps, tolerance=solve.tolerance, basis=basis)
        check_finite_factors(x, users)
        held.x, held.x_of = x, wanted
        return x


def array(file: ArrayFile) -> Float32:
    """Item factors or directions, float32 (n_items, n_factors)."""
    found: Float32 = _kept(("array", file.sha256), lambda: load_array(file))
    return found


def _basis(problem: Problem, items: ArrayFile, solve: Solve) -> Rotated:
    def make() -> Rotated:
        return rotated(array(items), halve=solve.halve, least=problem.least)

    return _kept(("basis", items.sha256, solve.halve, problem.least), make)


def _kept(key: tuple[object, ...], make: Callable[[], T]) -> T:
    with _lock:
        found = _small.get(key)
        if found is not None:
            _small.move_to_end(key)
    if found is None:
        found = make()
        with _lock:
            _small[key] = found
            while len(_small) > 2 * SMALL:
                _small.popitem(last=False)
    return cast("T", found)


def _side(held: _Held, problem: Problem, block: Block) -> Side:
    if held.side is None:
        rows = read_rows(problem.folder, block, problem.n_items)
        check_finite(f"values of {block.name}", rows.values)
        held.side = one_side(rows, problem.terms)
    return held.side


def _held(problem: Problem, block: Block) -> _Held:
    key = (block.sha256, block.name, problem.terms)
    with _lock:
        held = _blocks.setdefault(key, _Held())
        _blocks.move_to_end(key)
        limit = _limit()
        while len(_blocks) > 1 and sum(each.n_bytes() for each in _blocks.values()) > limit:
            _blocks.popitem(last=False)
        return held


def _limit() -> float:
    limit = memory_limit()
    return np.inf if limit is None else SHARE * limit


def memory_limit() -> int | None:
    """Bytes that this worker may use; None outside a worker, and for one without a limit."""
    from distributed import get_worker

    try:
        return get_worker().memory_manager.memory_limit or None
    except ValueError:  # not on a worker
        return None
