"""The id mapping: external ids of the log to contiguous codes, and back."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_contracts.errors import ContractError
from data_contracts.published_files import CATALOGUE_KEY

Missing = Literal["error", "negative", "drop"]

CATALOGUE_FILE: Final = "catalogue.parquet"
"""Beside the events: ids of the item table, where its items without events can be recommended too."""


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Sorted external ids; the code of an id is its position.

    Items may come in two sorted parts: those with events, and after them those that only the catalogue has.

    Parameters
    ----------
    name
        What is identified: the column name, ``"user_id"`` or ``"item_id"``.
    ids
        Arrow string array without nulls, in each part strictly increasing in UTF-8 byte order.
    catalogue
        How many of the ids, the last ones, are the second part.

    Raises
    ------
    ContractError
        If an id is missing, repeated or out of order, or the second part is larger than the whole.

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
    catalogue: int = 0

    def __post_init__(self) -> None:
        """Check that there is one order only: equal ids must have equal codes, whoever made them."""
        object.__setattr__(self, "ids", _one_array(self.ids))
        if not 0 <= self.catalogue <= len(self.ids):
            raise ContractError(
                f"vocabulary {self.name!r} of {len(self.ids)} ids cannot have {self.catalogue} of the catalogue"
            )
        if self.ids.null_count:
            raise ContractError(
                f"vocabulary {self.name!r} holds {self.ids.null_count} missing ids; expected none"
            )
        for start, part in zip((0, self.n_with_events), self.parts(), strict=True):
            self._check_order(start, part)
        if self.catalogue:
            repeated = pc.sum(pc.is_in(self.parts()[1], value_set=self.parts()[0])).as_py()
            if repeated:
                raise ContractError(
                    f"vocabulary {self.name!r} has {repeated} ids of the catalogue that have events as well"
                )

    def _check_order(self, start: int, part: pa.Array) -> None:
        if len(part) < 2:
            return
        rising = pc.less(part[:-1], part[1:])
        if not pc.all(rising).as_py():
            at = pc.index(rising, pa.scalar(value=False)).as_py()
            raise ContractError(
                f"vocabulary {self.name!r} must be strictly increasing; position {start + at} holds "
                f"{part[at].as_py()!r} before {part[at + 1].as_py()!r}"
            )

    @property
    def n_with_events(self) -> int:
        """Number of ids that have an event; those of the catalogue come after them."""
        return len(self.ids) - self.catalogue

    def parts(self) -> tuple[pa.Array, pa.Array]:
        """Ids with events, and ids of the catalogue alone; without a copy."""
        return self.ids[: self.n_with_events], self.ids[self.n_with_events :]

    @classmethod
    def from_ids(cls, name: str, ids: Sequence[str]) -> "Vocabulary":
        """Make a vocabulary from ids in any order, with repeats."""
        unique = pc.unique(pa.array(ids, type=pa.large_string()))
        return cls(name, unique.take(pc.array_sort_indices(unique)))

    def with_catalogue(self, ids: pa.Array | pa.ChunkedArray) -> "Vocabulary":
        """Give codes to more ids, in any order, after those that are here; known ones are left out."""
        unique = pc.unique(_one_array(ids))
        new = unique.filter(pc.invert(pc.is_in(unique, value_set=self.ids)))
        new = new.take(pc.array_sort_indices(new))
        return Vocabulary(self.name, pa.concat_arrays([self.ids, new]), self.catalogue + len(new))

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def sha256(self) -> str:
        """Hash of name, parts, lengths and bytes of all ids: equal exactly when the codes mean the same."""
        parts = f":{self.catalogue}" if self.catalogue else ""
        digest = hashlib.sha256(f"{self.name}:{len(self.ids)}{parts}:".encode())
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
        table = pa.table({self.name: self.ids})
        if self.catalogue:
            table = table.replace_schema_metadata({CATALOGUE_KEY: str(self.catalogue)})
        pq.write_table(table, path, compression="zstd")

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what :meth:`save` wrote."""
        table = pq.read_table(path)
        catalogue = int((table.schema.metadata or {}).get(CATALOGUE_KEY.encode(), 0))
        return cls(table.column_names[0], table.column(0), catalogue)


def _one_array(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One contiguous large_string array, whatever Arrow layout came in."""
    ids = ids.cast(pa.large_string())
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
        if isinstance(ids, pa.ChunkedArray):
            ids = pa.concat_arrays(ids.chunks) if ids.num_chunks else pa.array([], type=pa.large_string())
    return ids
