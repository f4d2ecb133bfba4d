"""Find the extra copies of rows that are equal in every column, without holding the log."""

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts import columns
from tasks.ingestion.reader import RAW_HASH, Log


class ExtraCopies:
    """Marks every copy of a row but the first.

    One pass over the log finds the hashes that occur more than once; only rows with such a hash are then
    compared, value by value, so memory follows the number of copies and a collision of hashes does no harm.

    Parameters
    ----------
    log
        The log.
    repeated
        Hashes that more than one row has, sorted; if absent, the log is read once for them.
    seen
        Keys of rows that stood in another part of the log, before this one.

    """

    def __init__(
        self, log: Log, repeated: npt.NDArray[np.uint64] | None = None, seen: Iterable[bytes] = ()
    ) -> None:
        self._raw_names = log.raw_names()
        self._repeated = log.repeated_hashes() if repeated is None else repeated
        self._seen = set(seen)

    @property
    def seen(self) -> frozenset[bytes]:
        """Keys of the rows so far whose hash is repeated, and of those before them."""
        return frozenset(self._seen)

    def mark(self, piece: pa.Table) -> pa.Table:
        """Append the column ``extra_copy``, int64: 1 for a row that stood in the log before."""
        extra = np.zeros(piece.num_rows, dtype=np.int64)
        candidates = self._candidates(piece.column(RAW_HASH).to_numpy())
        if len(candidates):
            rows = piece.select(self._raw_names).take(pa.array(candidates))
            values = zip(*(column.to_pylist() for column in rows.columns), strict=True)
            extra[candidates] = [self._is_known(row) for row in values]
        return piece.append_column(columns.EXTRA_COPY, pa.array(extra))

    def _candidates(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
        if not len(self._repeated):
            return np.empty(0, dtype=np.intp)
        at = np.minimum(np.searchsorted(self._repeated, hashes), len(self._repeated) - 1)
        return np.flatnonzero(self._repeated[at] == hashes)

    def _is_known(self, row: tuple[object, ...]) -> bool:
        key = hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        known = key in self._seen
        self._seen.add(key)
        return known
