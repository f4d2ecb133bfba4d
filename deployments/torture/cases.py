"""A case of the torture: a name and work that says what is wrong; and who counts them."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from data_contracts.errors import ShelftalkerError
from deployments.drill_checks import Checks

LIMIT_SECONDS = 60
"""For one case."""
ALL_SECONDS = 20 * 60
LONGEST_MESSAGE = 4_000
"""Characters of a refusal that people still read."""


class Case(NamedTuple):
    """One attempt."""

    name: str
    """What is done, so that it can be done again: the seed is part of it."""
    work: Callable[[], str]
    """Does it; returns '' or what is wrong. Whatever it raises is wrong, too."""


class Tally(Checks):
    """Counts the cases, and prints those that failed and how many passed of each kind."""

    def try_all(self, kind: str, cases: Iterable[Case]) -> None:
        """Try every case of a kind, each for a minute at most."""
        began, before = time.monotonic(), self.passed + self.failed
        slowest = (0.0, "")
        for case in cases:
            if time.monotonic() - self._began > ALL_SECONDS:
                self.expect(f"{kind} within {ALL_SECONDS} s", ok=False, detail="the rest was not tried")
                break
            started = time.monotonic()
            problem = _outcome(case)
            slowest = max(slowest, (time.monotonic() - started, case.name))
            if problem:
                self.expect(f"{kind}, {case.name}", ok=False, detail=problem)
            else:
                self.passed += 1
        n, seconds = self.passed + self.failed - before, time.monotonic() - began
        self.console.print(
            f"{kind}: {n} tried in {seconds:.0f} s; the slowest took {slowest[0]:.1f} s ({slowest[1]})",
            markup=False,
        )


def refusal(error: Exception, *names: str) -> str:
    """What is wrong with an error that refuses something: it must be one of ours, short, and name one of `names`."""
    if not isinstance(error, ShelftalkerError | OSError):
        return f"{type(error).__name__}: {error}"
    said = str(error)
    if len(said) > LONGEST_MESSAGE:
        return f"a message of {len(said)} characters: {said[:200]}"
    if names and not any(name in said for name in names):
        return f"the message names none of {names}: {said[:500]}"
    return ""


def _outcome(case: Case) -> str:
    try:
        with _limited(case.name):
            return case.work()
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"{type(error).__name__}: {error}"[:600]


@contextmanager
def _limited(name: str) -> Iterator[None]:
    def too_long(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"{name} took more than {LIMIT_SECONDS} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
