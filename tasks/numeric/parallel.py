"""Blocks of rows on threads of this process, with BLAS held to one thread meanwhile."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

import numba
import scipy.linalg.cython_blas  # noqa: F401  numba and implicit call this BLAS: it must be loaded to be held
from threadpoolctl import ThreadpoolController


class _Holder:
    """Counts who asks for one BLAS thread: the first sets it, the last restores what was before."""

    def __init__(self) -> None:
        self.lock, self.holders = Lock(), 0
        # Looking for libraries takes longer than a small half step: once is enough.
        self.libraries = ThreadpoolController()

    def hold(self) -> None:
        with self.lock:
            if self.holders == 0:
                self.limited = self.libraries.limit(limits=1, user_api="blas")
            self.holders += 1

    def release(self) -> None:
        with self.lock:
            self.holders -= 1
            if self.holders == 0:
                self.limited.restore_original_limits()


_blas = _Holder()


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold BLAS to one thread, and restore its setting when nobody holds it any more.

    BLAS threads beside ours slow both down, and BLAS splits sums by its number of threads, which
    changes their last bits. The setting belongs to the process, and two fits may run side by side.
    """
    _blas.hold()
    try:
        yield
    finally:
        _blas.release()


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let :func:`for_each_block` of the calling thread use `n` threads at most, and restore its setting."""
    before = numba.get_num_threads()
    numba.set_num_threads(min(n, before))
    try:
        yield
    finally:
        numba.set_num_threads(before)


def for_each_block(work: Callable[[int], None], n_blocks: int) -> None:
    """Call ``work(block)`` for every block, on as many threads as numba is set to use.

    Plain threads and kernels that let go of the GIL, rather than ``prange``: blocks differ much in
    cost, so each thread takes the next one when it is free, and two fits in one process may run side
    by side, which not every threading layer of numba survives.

    Parameters
    ----------
    work
        Writes the results of one block, and nothing that another block reads or writes.
    n_blocks
        How many blocks there are.

    """
    n_threads = min(numba.get_num_threads(), n_blocks)
    if n_threads <= 1:
        for block in range(n_blocks):
            work(block)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in pool.map(work, range(n_blocks)):
            pass
