"""Memory of a worker, given back before Dask pauses the worker: one that is paused begins nothing, and so frees nothing."""

import ctypes
from contextlib import suppress

import psutil
import pyarrow as pa

from tasks.cluster import held

FULL = 0.6
"""Share of a worker's limit from which on it gives back what it keeps; Dask pauses it at 0.8."""


def relieve() -> None:
    """Give back what this worker keeps, if it is near its limit. Called after every call."""
    limit = held.memory_limit()
    if limit is None or _used() < FULL * limit:
        return
    _give_back()
    if _used() >= FULL * limit:
        held.forget()
        _give_back()


def _used() -> int:
    used: int = psutil.Process().memory_info().rss
    return used


def _give_back() -> None:
    """Return what Arrow's and the C library's allocators hold for later."""
    pa.default_memory_pool().release_unused()
    with suppress(AttributeError, OSError):  # of glibc alone
        ctypes.CDLL(None).malloc_trim(0)
