"""The one place for numba options; everything else imports `jit` from here."""

import os
from typing import Any

import numba

CACHE = os.environ.get("SHELFTALKER_NUMBA_CACHE", "1") != "0"
"""Compiled kernels are kept in __pycache__, so that only the first run ever compiles."""


def jit(*, parallel: bool = False, fastmath: bool = False) -> Any:
    """Compile in nopython mode, without the GIL; `parallel` and `fastmath` carry a measured reason."""
    return numba.njit(nogil=True, cache=CACHE, parallel=parallel, fastmath=fastmath, error_model="numpy")
