"""How a run tells people where it is: one listener, chosen at the edge, called by every step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Listener(Protocol):
    """Hears of every step; the command line draws bars, a worker writes log lines."""

    def started(self, step: str) -> None:
        """Hear that a step begins to do work."""

    def advanced(self, step: str, done: int, total: int, figures: dict[str, float]) -> None:
        """Hear how far a long step is; a `total` of 0 is not known."""

    def finished(self, step: str, seconds: float, *, reused: bool, facts: dict[str, Any]) -> None:
        """Hear that a step ended well, and whether its result was there already."""


class Silent:
    """Tells nobody."""

    def started(self, step: str) -> None:
        """Ignore it."""

    def advanced(self, step: str, done: int, total: int, figures: dict[str, float]) -> None:
        """Ignore it."""

    def finished(self, step: str, seconds: float, *, reused: bool, facts: dict[str, Any]) -> None:
        """Ignore it."""


class Renamed:
    """Passes on what it hears, with other words at the beginning of a step's name."""

    def __init__(self, to: Listener, begins: str, instead: str) -> None:
        self.to = to
        self.begins, self.instead = begins, instead

    def _name(self, step: str) -> str:
        return self.instead + step.removeprefix(self.begins) if step.startswith(self.begins) else step

    def started(self, step: str) -> None:
        """Pass it on."""
        self.to.started(self._name(step))

    def advanced(self, step: str, done: int, total: int, figures: dict[str, float]) -> None:
        """Pass it on."""
        self.to.advanced(self._name(step), done, total, figures)

    def finished(self, step: str, seconds: float, *, reused: bool, facts: dict[str, Any]) -> None:
        """Pass it on."""
        self.to.finished(self._name(step), seconds, reused=reused, facts=facts)


_listeners: list[Listener] = [Silent()]


def listener() -> Listener:
    """Return whoever listens now."""
    return _listeners[-1]


@contextmanager
def listening(to: Listener) -> Iterator[None]:
    """Let `to` hear of everything inside the block."""
    _listeners.append(to)
    try:
        yield
    finally:
        _listeners.remove(to)
