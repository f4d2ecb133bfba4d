"""The id mapping: external ids of the log to contiguous codes, and back."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.errors import ContractError

Missing = Literal["error", "negative", "drop"]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Sorted external ids; the code of an id is its position.

    Parameters
    ----------
    name
        What is identified: the column name, ``"user_id"`` or ``"item_id"``.
    ids
        Arrow string array, strictly increasing in UTF-8 byte order, without nulls.

    Raises
    ------
    ContractError
        If an id is missing, repeated or out of order.

    Examples
    --------
    >>> items = Vocabulary.from_ids("item_id", ["85123A", "0071053"])
    >>> items.codes(["85123A", "nobody"], missing="negative")
    array([ 1, -1], dtype=int32)
    >>> items.ids_of([1])
    ['85123A']

    """

    name: str
    ids: pa.Array

    def __post_init__(self) -> None:
        """Check the order, which every look-up relies on."""
        object.__setattr__(self, "ids", _one_array(self.ids))
        if self.ids.null_count:
            raise ContractError(
                f"vocabulary {self.name!r} holds {self.ids.null_count} missing ids; expected none"
            )
        if len(self.ids) > 1:
            rising = pc.less(self.ids[:-1], self.ids[1:])
            if not pc.all(rising).as_py():
                at = pc.index(rising, pa.scalar(value=False)).as_py()
                raise ContractError(
                    f"vocabulary {self.name!r} must be strictly increasing; position {at} holds "
                    f"{self.ids[at].as_py()!r} before {self.ids[at + 1].as_py()!r}"
                )

    @classmethod
    def from_ids(cls, name: str, ids: Sequence[str]) -> "Vocabulary":
        """Make a vocabulary from ids in any order, with repeats."""
        unique = pc.unique(pa.array(ids, type=pa.large_string()))
        return cls(name, unique.take(pc.array_sort_indices(unique)))

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def sha256(self) -> str:
        """Hash of name, lengths and bytes of all ids: equal exactly when the codes mean the same."""
        digest = hashlib.sha256(f"{self.name}:{len(self.ids)}:".encode())
        lengths = pc.binary_length(self.ids).to_numpy(zero_copy_only=False).astype("<i8")
        digest.update(lengths.tobytes())
        _, offsets, data = self.ids.buffers()
        if data is not None and len(self.ids):
            # An array that was sliced shares a longer buffer: hash only its own bytes.
            bounds = np.frombuffer(offsets, dtype="<i8")[
                self.ids.offset : self.ids.offset + len(self.ids) + 1
            ]
            digest.update(memoryview(data)[int(bounds[0]) : int(bounds[-1])])
        return digest.hexdigest()

    def codes(self, ids: Sequence[str] | pa.Array, *, missing: Missing = "error") -> npt.NDArray[np.int32]:
        """Codes of external ids.

        Parameters
        ----------
        ids
            External ids, any length.
        missing
            What to do with an id that is not in the vocabulary: ``"error"`` raises, ``"negative"``
            answers -1 at its place, ``"drop"`` leaves it out (the answer is then shorter).

        Returns
        -------
        int32 array of codes.

        Raises
        ------
        KeyError
            With ``missing="error"``, naming the first unknown ids and how many there are.

        """
        wanted = ids if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array(ids, type=pa.large_string())
        found = pc.index_in(wanted.cast(pa.large_string()), value_set=self.ids, skip_nulls=True)
        codes: npt.NDArray[np.int32] = pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int32)
        unknown = codes < 0
        if missing == "error" and unknown.any():
            shown = [wanted[int(i)].as_py() for i in np.flatnonzero(unknown)[:3]]
            raise KeyError(
                f"{int(unknown.sum())} of {len(codes)} values are no known {self.name}, first: {shown}"
            )
        return codes[~unknown] if missing == "drop" else codes

    def ids_of(self, codes: Sequence[int] | npt.NDArray[np.integer]) -> list[str]:
        """External ids of codes, in the order given; IndexError names a code out of range."""
        return self.take(codes).to_pylist()  # type: ignore[no-any-return]

    def take(self, codes: Sequence[int] | npt.NDArray[np.integer]) -> pa.Array:
        """External ids of codes as an Arrow large_string array."""
        wanted = np.asarray(codes, dtype=np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= len(self)):
            bad = wanted[(wanted < 0) | (wanted >= len(self))][0]
            raise IndexError(f"code {bad} is outside vocabulary {self.name!r} of {len(self)} ids")
        return self.ids.take(pa.array(wanted))

    def save(self, path: Path) -> None:
        """Write one Parquet column, named as the vocabulary, in code order."""
        pq.write_table(pa.table({self.name: self.ids}), path, compression="zstd")

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what :meth:`save` wrote."""
        table = pq.read_table(path)
        return cls(table.column_names[0], table.column(0))


def _one_array(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One contiguous large_string array, whatever Arrow layout came in."""
    ids = ids.cast(pa.large_string())
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
        if isinstance(ids, pa.ChunkedArray):
            ids = pa.concat_arrays(ids.chunks) if ids.num_chunks else pa.array([], type=pa.large_string())
    return ids
