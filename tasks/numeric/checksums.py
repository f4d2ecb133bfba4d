"""CRC-32 of many short texts at once: a loop over them in Python is most of the time of dividing a log by its users."""

from typing import Final

import numpy as np
import numpy.typing as npt

from tasks.numeric.jit import jit

_POLYNOMIAL: Final = 0xEDB88320


def _table() -> npt.NDArray[np.uint32]:
    """Remainder of each byte (R. Sarwate, CACM 31(8), 1988)."""
    found = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        found = np.where(found & 1, (found >> 1) ^ np.uint32(_POLYNOMIAL), found >> 1).astype(np.uint32)
    return found


_TABLE: Final = _table()


def crc32_each(offsets: npt.NDArray[np.int64], text: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """CRC-32 of each text, as :func:`zlib.crc32` gives it.

    Parameters
    ----------
    offsets
        Shape (n + 1,): text `at` is ``text[offsets[at]:offsets[at + 1]]``.
    text
        Bytes of all texts.

    Returns
    -------
    Shape (n,).

    """
    found = np.empty(len(offsets) - 1, np.uint32)
    _checksums(offsets, text, _TABLE, found)
    return found


@jit()
def _checksums(
    offsets: npt.NDArray[np.int64],
    text: npt.NDArray[np.uint8],
    table: npt.NDArray[np.uint32],
    out: npt.NDArray[np.uint32],
) -> None:
    ones = np.uint32(0xFFFFFFFF)
    for at in range(len(out)):
        word = ones
        for place in range(offsets[at], offsets[at + 1]):
            word = table[(word ^ text[place]) & np.uint32(0xFF)] ^ (word >> np.uint32(8))
        out[at] = word ^ ones
