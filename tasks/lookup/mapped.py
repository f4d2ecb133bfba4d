"""Memory-mapped columns of a look-up index, in plain Python: importing numpy takes longer than a look-up.

Files hold bare little-endian numbers; ``index.json`` beside them says how many and what they mean.
"""

import mmap
from bisect import bisect_left
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

INDEX: Final = "index.json"
VERSION: Final = 1
"""Of the layout of an index; one of another version is made anew."""

OFFSETS, BYTES = ".offsets", ".bytes"
"""Endings of the two files of a column of texts."""
CODES, SCORES = ".codes", ".scores"
"""Endings of the two files of a column of lists."""


def mapped(path: Path) -> Any:
    """Content of a file without reading it; what is not looked at is not in memory."""
    if path.stat().st_size == 0:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def integers(path: Path, kind: Literal["q", "i", "B"]) -> "memoryview[int]":
    """A file of whole numbers; `kind` as in :mod:`struct`: ``q`` int64, ``i`` int32, ``B`` uint8."""
    return memoryview(mapped(path)).cast(kind)


class Texts:
    """A column of texts.

    Parameters
    ----------
    folder, name
        Where it lies: offsets int64 (n + 1,) and the UTF-8 bytes of all texts, one after the other.

    """

    def __init__(self, folder: Path, name: str) -> None:
        self._offsets = integers(folder / f"{name}{OFFSETS}", "q")
        self._bytes = mapped(folder / f"{name}{BYTES}")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def raw(self, at: int) -> bytes:
        """UTF-8 bytes of one text."""
        found: bytes = self._bytes[self._offsets[at] : self._offsets[at + 1]]
        return found

    def __getitem__(self, at: int) -> str:
        return self.raw(at).decode()

    def find(self, text: str, start: int, stop: int) -> int:
        """Place of a text among those from `start` to `stop`, which are sorted by their bytes; -1 if it is not there."""
        try:
            wanted = text.encode()
        except UnicodeEncodeError:  # half a character: no log holds it
            return -1
        at = bisect_left(range(stop), wanted, lo=start, key=self.raw)
        return at if at < stop and self.raw(at) == wanted else -1


class Ranked(NamedTuple):
    """A column of lists of the same length, best first, padded with -1."""

    width: int
    codes: "memoryview[int]"
    """int32 (n * width,)."""
    scores: "memoryview[float]"
    """float32 (n * width,)."""

    @classmethod
    def open(cls, folder: Path, name: str, width: int) -> "Ranked":
        """Map the files of one column."""
        return cls(
            width,
            integers(folder / f"{name}{CODES}", "i"),
            memoryview(mapped(folder / f"{name}{SCORES}")).cast("f"),
        )

    def row(self, at: int) -> list[tuple[int, float]]:
        """Codes and scores of one list, without its padding."""
        part = slice(at * self.width, (at + 1) * self.width)
        pairs = zip(self.codes[part].tolist(), self.scores[part].tolist(), strict=True)
        return [pair for pair in pairs if pair[0] >= 0]


class LabelColumn:
    """Which labels of one attribute an item has; or which items are blocked for a user, whose id is the text then.

    Parameters
    ----------
    folder, name
        Where it lies: the labels as texts, sorted, and by item (int64 offsets, int32 labels).

    """

    def __init__(self, folder: Path, name: str) -> None:
        self.names = Texts(folder, name)
        self._offsets = integers(folder / f"{name}.by_item{OFFSETS}", "q")
        self._labels = integers(folder / f"{name}.by_item{CODES}", "i")

    def find(self, label: str) -> int:
        """Code of a label, -1 if no item has it."""
        return self.names.find(label, 0, len(self.names))

    def of_item(self, item_code: int) -> list[int]:
        """Codes of an item's labels."""
        return self._labels[self._offsets[item_code] : self._offsets[item_code + 1]].tolist()
