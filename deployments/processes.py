"""Child processes that are started once, watched, and stopped without leaving anything behind."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Self

import psutil

from data_contracts.errors import ShelftalkerError

GRACE_SECONDS = 20.0
"""How long a process may take to end before it is killed."""
TAIL_LINES = 15


class Child:
    """One child process with a log of its own.

    It leads a session of its own: Ctrl-C at the terminal reaches its parent alone, which then stops its
    children in order.
    """

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.command = command
        self.environment = dict(environment)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, keep_open: tuple[int, ...] = (), cwd: Path | None = None) -> Self:
        """Start it; `keep_open` are file descriptors that it inherits."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=keep_open,
            )
        return self

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it lives."""
        return None if self._process is None else self._process.poll()

    def must_live(self) -> None:
        """Raise if it has ended.

        Raises
        ------
        ShelftalkerError
            With the last lines of its log.

        """
        code = self.returncode
        if code is not None:
            raise ShelftalkerError(
                f"{self.name} ended with {_say(code)}; the end of {self.log}:\n{self.tail()}"
            )

    def tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    def stop(self, seconds: float = GRACE_SECONDS) -> None:
        """Ask it and everything it started to end; kill what has not after `seconds`."""
        if self._process is None:
            return
        family = [self.pid, *descendants(self.pid)]
        send(family, signal.SIGTERM)
        until = time.monotonic() + seconds
        while time.monotonic() < until and (self._process.poll() is None or any(map(lives, family))):
            time.sleep(0.05)
        if any(map(lives, family)):
            self.kill(family)
        self._process.wait()

    def kill(self, family: list[int] | None = None) -> None:
        """Kill it and everything it started, as a power cut would; `family` are those known before."""
        assert self._process is not None
        family = [pid for pid in family or [self.pid, *descendants(self.pid)] if lives(pid)]
        send(family, signal.SIGKILL)
        self._process.wait()
        while any(map(lives, family)):
            time.sleep(0.01)


def interrupt_on_signals() -> None:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt once; more of them do not disturb the clearing up."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)


def _say(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to processes that may be gone already."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def lives(pid: int) -> bool:
    """Whether a process runs: a dead one that nobody has waited for does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int) -> list[int]:
    """Return all processes below `pid`, parents first; they may lead groups and sessions of their own."""
    try:
        return [each.pid for each in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
