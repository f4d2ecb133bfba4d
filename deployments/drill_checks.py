"""What a drill says: a line a check, and how many passed."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from rich.console import Console

from data_contracts.errors import ShelftalkerError

T = TypeVar("T")


class Checks:
    """Counts what passed, failed and was skipped, and prints a line for each."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stdout, soft_wrap=True, highlight=False)
        self.passed = self.failed = self.skipped = 0
        self._began = time.monotonic()

    def heading(self, text: str) -> None:
        """Say what comes next."""
        self.console.print(f"\n{text}", style="bold", markup=False)

    def expect(self, what: str, ok: object, detail: object = "") -> None:
        """Count one check."""
        if ok:
            self.passed += 1
            self._line("passed", what)
        else:
            self.failed += 1
            self._line("FAILED", f"{what}: {detail}")

    def skip(self, what: str, why: str) -> None:
        """Say what was not tried, and why."""
        self.skipped += 1
        self._line("skipped", f"{what}: {why}")

    def _line(self, verdict: str, what: str) -> None:
        self.console.print(f"{time.monotonic() - self._began:6.1f} s  {verdict:7}  {what}", markup=False)

    def conclude(self) -> bool:
        """Print the totals; returns whether nothing failed."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        self.console.print(f"\n{self.passed} passed, {self.failed} failed{skipped}", markup=False)
        return self.failed == 0


def wait_until(what: str, answer: Callable[[], T | None], seconds: float = 120.0) -> T:
    """Ask until there is an answer.

    Raises
    ------
    ShelftalkerError
        If there is none in time, naming `what`.

    """
    until = time.monotonic() + seconds
    while True:
        found = answer()
        if found is not None:
            return found
        if time.monotonic() > until:
            raise ShelftalkerError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.3)
