"""Calls of pure functions of files on the workers of a cluster.

Dask is a way to call such functions elsewhere. No data, no future and no state of theirs outlives a call: what a
worker makes is a file, and what comes back is small. A worker that dies has its calls made again by another one.
"""

import importlib
import socket
import sys
import uuid
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ParamSpec, TypeVar, cast

from distributed import Client, KilledWorker, wait

from data_contracts.cluster_section import ClusterSection
from data_contracts.errors import ClusterError, ClusterLostError
from tasks.cluster.memory import relieve
from tasks.cluster.watch import Watch
from tasks.runtime.code_hash import OURS, code_hash
from tasks.runtime.progress import listener

PACKAGES = ("cloudpickle", "dask", "distributed", "duckdb", "msgpack", "numba", "numpy", "pandas", "pyarrow")
"""Packages whose versions must be the same everywhere: they carry the calls, or decide the bytes of what is made."""

POLL_SECONDS = 1.0
"""How often it is looked whether workers are still there while nothing comes back."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Surroundings:
    """What a function must find wherever it is called."""

    versions: tuple[tuple[str, str], ...]
    code: str
    """Hash of the source of the function's module and of all that it imports."""

    def different_from(self, other: "Surroundings") -> list[str]:
        """What differs, in words, this side first."""
        theirs = dict(other.versions)
        found = [
            f"{name} {mine} and {theirs.get(name)}"
            for name, mine in self.versions
            if theirs.get(name) != mine
        ]
        return found if found or self.code == other.code else ["the program itself"]


def surroundings(module: str) -> Surroundings:
    """What this process would call a function of a module with."""
    found = [("Python", ".".join(map(str, sys.version_info[:2])))]
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed"))
    # Of a module of somebody else only the packages are compared.
    return Surroundings(tuple(found), code_hash(module) if module.partition(".")[0] in OURS else "")


@dataclass(frozen=True, eq=False)
class Workers:
    """The workers of one step.

    Parameters
    ----------
    client
        Connected; it is of nobody else.
    section
        Limits.
    memory
        What DuckDB may use in a call: a size such as ``"800MB"``.

    """

    client: Client
    section: ClusterSection
    memory: str

    def each(
        self,
        function: Callable[P, R],
        calls: Sequence[tuple[Any, ...]],
        label: str = "",
        places: Sequence[str] = (),
    ) -> list[R]:
        """Call a function once for each tuple of arguments; the results come in the order of the calls.

        Parameters
        ----------
        function
            Importable on the workers; of files and small arguments, and the same whenever and wherever it is called.
        calls
            Arguments; small, for they go through the scheduler.
        label
            Of the step, whose progress is told.
        places
            Address of the worker that each call suits best, such as one that has read its files before; another one
            does it where that one is lost.

        Raises
        ------
        ClusterLostError
            If the scheduler or all workers are gone for longer than the limit.
        ClusterError
            If a call ended one worker after the other, or a worker has another version of the program.

        """
        module, run = function.__module__, uuid.uuid4().hex
        expected = surroundings(module)
        numbers: dict[str, int] = {}

        def submit(at: int, **options: Any) -> Any:
            key = f"{function.__name__}-{run}-{len(numbers)}"
            numbers[key] = at
            name = function.__name__
            return self.client.submit(call, expected, module, name, *calls[at], key=key, retries=0, **options)

        def again(future: Any, there: Container[str], *, stuck: bool) -> Any:
            at = numbers[future.key]
            if not stuck and (not places or places[at] in there):
                return future
            self.client.cancel([future], force=True)
            futures.append(submit(at))
            return futures[-1]

        futures = [
            submit(at, **({"workers": [places[at]], "allow_other_workers": True} if places else {}))
            for at in range(len(calls))
        ]
        results: list[Any] = [None] * len(calls)
        try:
            for n_done, future in enumerate(self.as_they_end(futures, again), 1):
                what = f"{function.__name__}, call {numbers[future.key] + 1} of {len(calls)}"
                results[numbers[future.key]] = self.result(future, what)
                if label:
                    listener().advanced(label, n_done, len(calls), {})
        finally:
            self.client.cancel([future for future in futures if not future.done()], force=True)
        return results

    def as_they_end(self, futures: Sequence[Any], again: Callable[..., Any] | None = None) -> Iterator[Any]:
        """Futures as they end, well or not, for as long as there is anybody to do them.

        `again` may put another one in the place of a future that nobody is at, given who is there, and whether it waits
        for a worker that is stuck.
        """
        waiting, watch = set(futures), Watch(self.section.timeout_seconds)
        while waiting:
            try:
                with self.client.as_current():  # it would look for a default client, which ours is not
                    done, waiting = wait(waiting, timeout=POLL_SECONDS, return_when="FIRST_COMPLETED")
            except TimeoutError:
                self._look_around(watch)
                if again is not None and watch.running:
                    waiting = self._not_forgotten(waiting, again, watch)
                continue
            except CancelledError as error:
                raise self._lost() from error
            watch.calm()
            yield from done

    def _not_forgotten(self, waiting: set[Any], again: Callable[..., Any], watch: Watch) -> set[Any]:
        """Free what waits for a worker that will not do it: one that is lost, or paused for long.

        Once the scheduler had no other worker for a call, it gives it to nobody else.
        """
        try:
            with_someone = self.client.processing()
        except (OSError, TimeoutError):
            return waiting
        stuck = {key for address in with_someone if watch.is_stuck(address) for key in with_someone[address]}
        doing = {key for keys in with_someone.values() for key in keys} - stuck
        return {
            again(each, with_someone, stuck=each.key in stuck)
            if each.status == "pending" and each.key not in doing
            else each
            for each in waiting
        }

    def _look_around(self, watch: Watch) -> None:
        """See who is there; an error if nobody has been for longer than the limit."""
        try:
            known = self.client.scheduler_info()["workers"] if self.client.status == "running" else {}
        except (OSError, TimeoutError):
            known = {}
        if watch.saw({address: each["status"] for address, each in known.items()}):
            return
        where, limit = address_of(self.client), f"{self.section.timeout_seconds:g} s"
        if known:
            raise ClusterError(
                f"all workers at {where} have been paused for {limit}: they use 80 % of their memory; give them more, or "
                "write more blocks under [cluster], and run again: what was finished is kept"
            )
        raise ClusterLostError(
            f"no worker has been at {where} for {limit} while work was waiting; start workers and run again: what was "
            "finished is kept"
        )

    def _lost(self, what: str = "") -> ClusterLostError:
        return ClusterLostError(
            f"the scheduler at {address_of(self.client)} is gone or has forgotten the work{what}; start it and run again: "
            "what was finished is kept"
        )

    def result(self, future: Any, what: str) -> Any:
        """What an ended future brings, its errors in words of ours."""
        if future.status in {"cancelled", "lost"}:
            raise self._lost(f" ({what})")
        try:
            return future.result()
        except KilledWorker as error:
            raise ClusterError(
                f"{what} ended {getattr(error, 'allowed_failures', 3) + 1} workers one after the other; most likely a worker's memory was too small "
                "for its share: write more blocks or memory_gb under [cluster], or give workers more memory (the log of "
                "a worker says why it ended)"
            ) from error
        except ModuleNotFoundError as error:
            raise ClusterError(
                f"a worker at {address_of(self.client)} cannot import {error.name!r}: install the same version of this program, with "
                "its extra [cluster], wherever a worker runs"
            ) from error


def call(expected: Surroundings, module: str, name: str, *arguments: Any) -> Any:
    """Call a function on a worker, if everything there is as it is here."""
    function = getattr(importlib.import_module(module), name)
    different = expected.different_from(surroundings(module))
    if different:
        raise ClusterError(
            f"the worker on {socket.gethostname()} has other versions than the run: {', '.join(different)}; install the "
            "same on both"
        )
    try:
        return function(*arguments)
    finally:
        relieve()


def address_of(client: Client) -> str:
    """Where its scheduler is, for messages."""
    scheduler = client.scheduler
    return cast("str", scheduler.address) if scheduler is not None else "its address"
