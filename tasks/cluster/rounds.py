"""Rounds over all blocks: each worker does its neighbouring blocks, the driver waits for all of them.

A lost worker's blocks go to another one, and back to a new one with the next round. The scheduler sees names.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError

from data_contracts.errors import ClusterError, ClusterLostError
from data_contracts.grouped_blocks import Block
from tasks.cluster.arrays import Answer, load_array
from tasks.cluster.sums import total
from tasks.cluster.wals_tasks import Part

RETRIES = 2
"""Times that a task which raised is tried again; deaths of workers are counted by the scheduler itself."""

LOST = (CancelledError, FutureCancelledError, CommClosedError, TimeoutError, OSError)


@dataclass
class Traffic:
    """Bytes of arrays that moved."""

    sent: int = 0
    """Read by workers: item factors and directions, once for each part."""
    received: int = 0
    """Read by the driver: sums over users."""


@dataclass
class Rounds:
    """Runs functions of :mod:`tasks.cluster.wals_tasks` over all blocks.

    Parameters
    ----------
    client
        A connection to the cluster; neither it nor the cluster is ever closed here.
    blocks
        All blocks, in order.
    seconds
        How long to wait for one round, and for a first worker.

    """

    client: Client
    blocks: Sequence[Block]
    seconds: float = 3600.0
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
        try:
            self.client.wait_for_workers(1, timeout=self.seconds)
            there = self.client.nthreads()
        except LOST as error:
            raise ClusterLostError(
                f"no worker of {self._address()} came within {self.seconds:g} s ({_said(error)}); start workers for it"
            ) from error
        wanted = [address for address, n in sorted(there.items()) for _ in range(n)]
        kept: list[str | None] = []
        for address in self.slots:
            kept.append(address if address in wanted else None)
            if address in wanted:
                wanted.remove(address)
        filled = [address or (wanted.pop(0) if wanted else None) for address in kept]
        self.slots = [address for address in [*filled, *wanted] if address]
        return len(self._parts())

    def run(
        self, function: Callable[..., Answer], problem: Any, *arguments: Any, sends: int = 0
    ) -> list[Answer]:
        """Call ``function(problem, part, *arguments)`` for all parts; answers in order of blocks.

        Parameters
        ----------
        function
            One of this package, so that workers find it by name.
        problem, arguments
            Paths, hashes and numbers.
        sends
            Bytes of the arrays that each part reads, to be counted.

        Raises
        ------
        ClusterLostError
            If the scheduler or all workers are lost.
        ClusterError
            If a part ends one worker after the other.

        """
        futures: list[Future] = []
        try:
            for part, address in self._parts():
                future = self.client.submit(
                    function,
                    problem,
                    part,
                    *arguments,
                    key=f"{function.__name__}-{part.name}-{uuid4().hex}",
                    workers=[address],
                    allow_other_workers=True,
                    pure=False,
                    retries=RETRIES,
                )
                futures.append(future)
            answers: list[Answer] = [future.result(timeout=self.seconds) for future in futures]
        except KilledWorker as error:
            raise ClusterError(
                f"{function.__name__} ended {RETRIES + 2} workers of {self._address()} one after the other, the last "
                f"one {error.last_worker.address}; most likely its memory limit is too small for a block of "
                f"{max(block.nnz for block in self.blocks):,} pairs: make more blocks, or give workers more memory"
            ) from error
        except LOST as error:
            raise ClusterLostError(
                f"{self._address()} was lost during {function.__name__} ({_said(error)}); the same may go on from "
                "its last checkpoint in a moment"
            ) from error
        finally:
            with suppress(*LOST):
                self.client.cancel([future for future in futures if not future.done()])
        self.traffic.sent += sends * len(answers)
        self.traffic.received += sum(answer.n_bytes for answer in answers)
        return answers

    def _parts(self) -> list[tuple[Part, str]]:
        n = min(len(self.slots), len(self.blocks))
        bounds = [round(len(self.blocks) * at / n) for at in range(n + 1)]
        return [
            (Part(first, tuple(self.blocks[first:last])), address)
            for first, last, address in zip(bounds, bounds[1:], self.slots, strict=False)
            if last > first
        ]

    def _address(self) -> str:
        return f"the cluster at {self.client.scheduler.address if self.client.scheduler else 'no address'}"


def summed(answers: Sequence[Answer], name: str) -> npt.NDArray[Any]:
    """Sum of one array over all blocks, in the fixed order of the tree."""
    return total((answer.nodes, load_array((answer.files or {})[name])) for answer in answers)


def numbers_of(answers: Sequence[Answer], name: str) -> npt.NDArray[np.float64]:
    """One number of every block, in order."""
    return np.array([numbers[name] for answer in answers for numbers in answer.numbers], dtype=np.float64)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".strip().partition("\n")[0]
