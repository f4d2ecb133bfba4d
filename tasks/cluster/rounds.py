"""Rounds over all blocks: each worker does its neighbouring blocks, the driver waits for all of them.

A lost worker's blocks go to another one, and back to a new one with the next iteration. The scheduler sees names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.errors import ClusterLostError
from data_contracts.grouped_blocks import Block
from tasks.cluster.arrays import Answer, load_array
from tasks.cluster.calls import Workers
from tasks.cluster.sums import total
from tasks.cluster.wals_tasks import Part


@dataclass
class Traffic:
    """Bytes of arrays that moved."""

    sent: int = 0
    """Read by workers: item factors and directions, once for each part."""
    received: int = 0
    """Read by the driver: sums over users."""


@dataclass
class Rounds:
    """Calls functions over all blocks, one call for each thread of a worker.

    Parameters
    ----------
    workers
        The cluster.
    blocks
        All blocks, in order.

    """

    workers: Workers
    blocks: Sequence[Block]
    traffic: Traffic = field(default_factory=Traffic)
    slots: list[str] = field(default_factory=list)
    """Addresses of workers, one for each of their threads; whoever stays keeps its place, and its blocks."""

    def place(self) -> int:
        """Look who is there, before an iteration; returns in how many parts the blocks go.

        Raises
        ------
        ClusterLostError
            If no worker comes in time, or the scheduler is gone.

        """
        client, seconds = self.workers.client, self.workers.section.timeout_seconds
        try:
            client.wait_for_workers(1, timeout=seconds)
            there = client.nthreads()
        except (OSError, TimeoutError, RuntimeError, ValueError) as error:
            raise ClusterLostError(
                f"no worker is left, and none came within {seconds:g} s ({type(error).__name__}: {error}); start the "
                "scheduler and workers, and run again: what was finished is kept"
            ) from error
        self.slots = stay(self.slots, there)
        return len(self._parts())

    def run(
        self, function: Callable[..., Answer], problem: Any, *arguments: Any, sends: int = 0
    ) -> list[Answer]:
        """Call ``function(problem, part, *arguments)`` for all parts; answers in order of blocks.

        Parameters
        ----------
        function
            Of a module, so that workers find it by name.
        problem, arguments
            Paths, hashes and numbers.
        sends
            Bytes of the arrays that each part reads, to be counted.

        Raises
        ------
        ClusterLostError, ClusterError
            As :meth:`tasks.cluster.calls.Workers.each`.

        """
        parts = self._parts()
        calls = [(problem, part, *arguments) for part, _ in parts]
        answers = self.workers.each(function, calls, places=[address for _, address in parts])
        self.traffic.sent += sends * len(answers)
        self.traffic.received += sum(answer.n_bytes for answer in answers)
        return answers

    def _parts(self) -> list[tuple[Part, str]]:
        n = min(len(self.slots), len(self.blocks))
        bounds = [round(len(self.blocks) * at / n) for at in range(n + 1)]
        return [
            (Part(first, tuple(self.blocks[first:last])), address)
            for (first, last), address in zip(pairwise(bounds), self.slots, strict=False)
        ]


def stay(before: Sequence[str], there: dict[str, int]) -> list[str]:
    """Addresses of who is there, each as often as it has threads: those of `before` in their places, new ones in gaps."""
    wanted = [address for address, n in sorted(there.items()) for _ in range(n)]
    kept: list[str | None] = []
    for address in before:
        found = address in wanted
        kept.append(address if found else None)
        if found:
            wanted.remove(address)
    filled = [address or (wanted.pop(0) if wanted else None) for address in kept]
    return [address for address in [*filled, *wanted] if address]


def summed(answers: Sequence[Answer], name: str) -> npt.NDArray[Any]:
    """Sum of one array over all blocks, in the fixed order of the tree."""
    return total((answer.nodes, load_array((answer.files or {})[name])) for answer in answers)


def numbers_of(answers: Sequence[Answer], name: str) -> npt.NDArray[np.float64]:
    """One number of every block, in order."""
    return np.array([numbers[name] for answer in answers for numbers in answer.numbers], dtype=np.float64)
