"""A server and a worker of one machine, to be started and stopped as one: for people, tests and drills."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Self

import httpx

from data_contracts.errors import ConfigurationError, ShelftalkerError
from deployments import credentials
from deployments.processes import Child, descendants
from deployments.workspace import ROOT, Workspace
from flows import sqlite_check

POOL = "shelftalker"
DEPLOYMENTS = ROOT / "deployments" / "prefect.yaml"
START_SECONDS = 180.0
"""The first start makes the tables of the database, which takes most of a minute on a busy machine."""


def worker_name() -> str:
    """Name of this machine's worker: the recovery of runs tells by it which machine a worker is on."""
    return f"shelftalker on {os.uname().nodename}"


def worker_command(*options: str) -> list[str]:
    """Return the command of a worker of the pool; `options` are more of Prefect's own."""
    own = ("worker", "start", "--pool", POOL, "--type", "process", "--name", worker_name())
    return [sys.executable, "-m", "prefect", *own, *options]


class Stack:
    """Server and worker of a workspace; a context manager that stops whatever it started.

    Parameters
    ----------
    workspace
        Ports, home and database.
    keep_open
        File descriptors that the processes inherit: a lock that says that they live.

    """

    def __init__(self, workspace: Workspace, keep_open: tuple[int, ...] = ()) -> None:
        self.workspace = workspace
        self.children: list[Child] = []
        self.fresh_password: str | None = None
        """``user:password``, if the start of the server made it."""
        self._keep_open = keep_open

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop everything, the youngest first."""
        while self.children:
            self.children.pop().stop()

    def start_server(self) -> Child:
        """Start the server and wait until it answers."""
        folder = self.workspace.prefect_home
        folder.mkdir(parents=True, exist_ok=True)
        # It holds the password, and the server's database with all parameters and logs of runs.
        folder.chmod(0o700)
        self.fresh_password = credentials.ensure(self.workspace.password_file)
        if self.workspace.database is None:
            sqlite_check.check(folder / "prefect.db")
        server = self._start("server", ["-m", "deployments.server"])
        wait_for_api(self.workspace.api, server)
        return server

    def start_worker(self) -> Child:
        """Start a worker of the pool."""
        return self._start("worker", worker_command()[1:])

    def stop_worker(self, worker: Child) -> str:
        """Stop a worker and what it runs; returns what was said of the runs that this cut off."""
        busy = descendants(worker.pid)
        worker.stop()
        self.children.remove(worker)
        return self.recover() if busy else ""

    def start_reports(self) -> Child:
        """Start the server of reports."""
        return self._start(
            "reports", ["-m", "deployments.reports", "--port", str(self.workspace.reports_port)]
        )

    def apply(self, file: Path | None = None, *options: str) -> str:
        """Make the pool and its queues, and deploy what `file` describes, else the tracked file and the home's datasets.

        Returns what was said of it.
        """
        return self.call("-m", "deployments.apply", *([] if file is None else [str(file)]), *options)

    def recover(self) -> str:
        """End the runs that a dead worker left; returns what was said about them."""
        return self.call("-m", "deployments.recover")

    def call(self, *arguments: str) -> str:
        """Run a Python command here to its end and return its output.

        Raises
        ------
        ShelftalkerError
            With what it printed, if it failed.

        """
        name = arguments[1].rpartition(".")[2] if arguments[0] == "-m" else "command"
        log = self.workspace.log(name)
        log.unlink(missing_ok=True)
        child = self._start(name, list(arguments))
        try:
            while child.returncode is None:
                self.watch(but=child)
                time.sleep(0.05)
        finally:
            child.stop()
            self.children.remove(child)
        if child.returncode:
            raise ShelftalkerError(f"`python {' '.join(arguments)}` failed:\n{log.read_text('utf-8')}")
        return log.read_text("utf-8")

    def watch(self, but: Child | None = None) -> None:
        """Raise if one of the processes has ended."""
        for child in self.children:
            if child is not but:
                child.must_live()

    def _start(self, name: str, arguments: list[str]) -> Child:
        child = Child(
            name, [sys.executable, *arguments], self.workspace.environment(), self.workspace.log(name)
        )
        self.children.append(child)
        return child.start(keep_open=self._keep_open, cwd=ROOT)


@contextmanager
def refusals_explained() -> Iterator[None]:
    """Turn a server's refusal of the password into an error that says where the password belongs."""
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        yield
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise
        raise ConfigurationError(
            f"the server at {error.request.url.copy_with(path='/', query=None)} refuses this password: PREFECT_API_AUTH_STRING "
            "must be what the server has as PREFECT_SERVER_API_AUTH_STRING, such as operator:PASSWORD"
        ) from error


def wait_for_api(api: str, server: Child | None = None, seconds: float = START_SECONDS) -> None:
    """Wait until a Prefect API says that it is healthy.

    Raises
    ------
    ShelftalkerError
        If the server ends, or `seconds` pass.

    """
    until = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(f"{api}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        if server is not None:
            server.must_live()
        if time.monotonic() > until:
            raise ShelftalkerError(f"no Prefect server answered at {api} within {seconds:.0f} s")
        time.sleep(0.2)
