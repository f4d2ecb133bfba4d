"""Find out the encoding of a text file: by its mark, by zero bytes, as UTF-8, or by what its letters make likely."""

import codecs
from pathlib import Path

from charset_normalizer import from_bytes

from tasks.sources.content import marked_encoding, open_bytes

LOOKED_AT = 64 * 2**20
"""Bytes that must be UTF-8 for a file to be taken as such."""

_SHOWN = 2**18
"""Bytes of lines with other letters than ASCII that decide between the other encodings."""

_COMMON = (
    "cp1252",
    "cp1250",
    "cp1251",
    "gb18030",
    "big5",
    "shift_jis",
    "euc_kr",
    "cp1253",
    "cp1254",
    "latin_1",
)


def guess_encoding(path: Path) -> str:
    """Name of an encoding that reads the whole start of a file; gzip is unpacked."""
    with open_bytes(path) as raw:
        start = raw.read(LOOKED_AT)
    marked = marked_encoding(start[:4])
    if marked is not None:
        return marked
    unmarked = _without_mark(start[:4096])
    if unmarked is not None:
        return unmarked
    return "utf-8" if reads(start, "utf-8") else _other(start)


def reads(content: bytes, encoding: str) -> bool:
    """Whether an encoding reads bytes that may end in the middle of a letter."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(start: bytes) -> str | None:
    """UTF-16 that says so by nothing but the zero byte of each letter."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) < 0.3 * len(start) / 2:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _other(start: bytes) -> str:
    """The most likely encoding of bytes that are no UTF-8; cp1252 where nothing is."""
    lines = [line for line in start.split(b"\n") if not line.isascii()]
    shown = b"\n".join(lines)[:_SHOWN]
    most = [*from_bytes(shown, cp_isolation=list(_COMMON))]
    found = [match.encoding for match in most if reads(start, match.encoding)]
    western = reads(start, "cp1252")
    # Few letters prove little: what western Europe writes is the likeliest then.
    few = len({byte for byte in shown if byte > 127}) < 6
    if found and not (western and few):
        return codecs.lookup(found[0]).name
    return "cp1252" if western else "latin-1"
