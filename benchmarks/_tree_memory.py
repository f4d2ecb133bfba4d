"""Memory of this process and of all that it started, while something is done."""

import threading
from types import TracebackType
from typing import Self

import psutil

SECONDS = 0.25
"""Between two looks."""


class TreeMemory:
    """Peak of the sum of proportional set sizes: a page that processes share counts once."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look for the last time."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process()
        while True:
            held = sum(map(_pss, [own, *own.children(recursive=True)]))
            self.peak_mb = max(self.peak_mb, held / 2**20)
            if self._ended.wait(SECONDS):
                return


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has ended meanwhile
        return 0
