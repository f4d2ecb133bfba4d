"""Find the extra copies of rows that are equal in every column, without holding the log."""

import hashlib
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts import columns
from tasks.ingestion.reader import RAW_HASH, RECORD, Log


class Copies(Protocol):
    """Whoever knows the extra copies of a log."""

    def mark(self, piece: pa.Table) -> pa.Table:
        """Append the column ``extra_copy``, int64: 1 for a row that stood in the log before."""
        ...


class ExtraCopies:
    """Marks every copy of a row but the first.

    One pass over the log finds the hashes that occur more than once; only rows with such a hash are then
    compared, value by value, so memory follows the number of copies and a collision of hashes does no harm.

    Parameters
    ----------
    log
        The log; it is read once here.

    """

    def __init__(self, log: Log) -> None:
        self._raw_names = log.raw_names()
        self._repeated = log.repeated_hashes()
        self._seen: set[bytes] = set()

    def mark(self, piece: pa.Table) -> pa.Table:
        """Append the column ``extra_copy``, int64: 1 for a row that stood in the log before."""
        extra = np.zeros(piece.num_rows, dtype=np.int64)
        candidates = with_hashes(piece.column(RAW_HASH).to_numpy(), self._repeated)
        extra[candidates] = [self._is_known(key) for key in digests(piece, self._raw_names, candidates)]
        return piece.append_column(columns.EXTRA_COPY, pa.array(extra))

    def _is_known(self, key: bytes) -> bool:
        known = key in self._seen
        self._seen.add(key)
        return known


class KnownCopies:
    """Marks the extra copies of one file that are known before it is read.

    Parameters
    ----------
    records
        int64, sorted: their places among the readable rows, from 1.

    """

    def __init__(self, records: npt.NDArray[np.int64]) -> None:
        self._records = records

    def mark(self, piece: pa.Table) -> pa.Table:
        """Append the column ``extra_copy``, int64: 1 for a row that stood in the log before."""
        extra = np.isin(piece.column(RECORD).to_numpy(), self._records).astype(np.int64)
        return piece.append_column(columns.EXTRA_COPY, pa.array(extra))


def with_hashes(hashes: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """Places of the hashes that are among the wanted ones, which are sorted."""
    if not len(wanted):
        return np.empty(0, dtype=np.intp)
    at = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
    return np.flatnonzero(wanted[at] == hashes)


def digests(piece: pa.Table, names: list[str], rows: npt.NDArray[np.intp]) -> list[bytes]:
    """What tells some rows from all others: 16 bytes of their values in the named columns."""
    if not len(rows):
        return []
    chosen = piece.select(names).take(pa.array(rows))
    values = zip(*(column.to_pylist() for column in chosen.columns), strict=True)
    return [_digest(row) for row in values]


def _digest(row: tuple[object, ...]) -> bytes:
    return hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest()
