"""The bytes of a text file: unpacked, decoded, and copied once where DuckDB cannot read them as they lie."""

import bz2
import codecs
import errno
import gzip
import hashlib
import io
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.sources.formats import archive_member, beginning, is_archive

MAX_LINE_BYTES = 32 * 2**20
"""The longest line that is read; DuckDB's own limit of 2 MB refuses real product texts."""

BROKEN = (gzip.BadGzipFile, EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, OSError)
"""What packed files that are cut or damaged raise."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def unpacked(path: Path, member: str | None, scratch: Path) -> Path:
    """Return the file itself, or what it packs as a file in `scratch`; gzip is left to the reader.

    Raises
    ------
    ConfigurationError
        If an archive holds several files and none is named.
    ContractError
        If it is broken.

    """
    begins = beginning(path, 6)
    if not (begins.startswith((b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")) or is_archive(path)):
        return path
    name = hashlib.sha256(f"{path}\n{member}".encode()).hexdigest()[:16]
    copy = scratch / f"{name}.unpacked"
    if copy.exists():
        return copy
    try:
        with _packed(path, member) as raw, copy.open("wb") as out:
            shutil.copyfileobj(raw, out, 2**20)
    except (
        *BROKEN,
        NotImplementedError,
        RuntimeError,
    ) as error:  # the last two: packed or locked in an odd way
        copy.unlink(missing_ok=True)
        raise _broken(path, error) from error
    return copy


def read_to_the_end(path: Path) -> bool:
    """Read a text file whole, gzip by its checksum; returns whether its line ends differ.

    Raises
    ------
    ContractError
        If it is cut or damaged.

    """
    ends: set[str] = set()
    try:
        with open_bytes(path) as raw:
            kept = b""
            while piece := raw.read(2**20):
                piece = kept + piece
                kept = b"\r" if piece.endswith(b"\r") else b""
                ends |= _line_ends(piece.removesuffix(kept), ends)
    except BROKEN as error:
        raise _broken(path, error) from error
    return len(ends | ({"CR"} if kept else set())) > 1


def _line_ends(piece: bytes, known: set[str]) -> set[str]:
    """Line ends in a part of a file; nothing is counted that is known already, and LF alone costs next to nothing."""
    if b"\r" not in piece:
        return {"LF"} if b"\n" in piece else set()
    if len(known) > 1:
        return known
    pairs = piece.count(b"\r\n")
    counts = {"CR LF": pairs, "LF": piece.count(b"\n") - pairs, "CR": piece.count(b"\r") - pairs}
    return {name for name, count in counts.items() if count}


def of_the_disk(error: Exception) -> bool:
    """Whether it is the disk that failed, rather than what a file holds.

    Libraries report damage as an OSError without a number, too; and a damaged archive names places before its own
    beginning, which are no argument for a seek.
    """
    return isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}


def _broken(path: Path, error: Exception) -> Exception:
    """Blame the file, unless it is the disk that failed."""
    if of_the_disk(error):
        return error
    return ContractError(f"{path} is cut or damaged, and cannot be unpacked: {error}; fetch it again")


@contextmanager
def _packed(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    begins = beginning(path, 6)
    if begins.startswith(b"BZh"):
        with bz2.open(path) as raw:
            yield cast("IO[bytes]", raw)
    elif begins.startswith(b"\xfd7zXZ"):
        with lzma.open(path) as raw:
            yield cast("IO[bytes]", raw)
    elif begins.startswith(b"\x28\xb5\x2f\xfd"):
        with pa.input_stream(str(path), compression="zstd") as raw:
            yield raw
    else:
        with zipfile.ZipFile(path) as archive, archive.open(archive_member(path, member)) as raw:
            yield raw


def is_gzip(path: Path) -> bool:
    """Whether the file is packed with gzip."""
    return beginning(path, 2) == b"\x1f\x8b"


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacking gzip."""
    return cast("IO[bytes]", gzip.open(path)) if is_gzip(path) else path.open("rb")


@contextmanager
def open_text(path: Path, source: SourceSection) -> Iterator[io.TextIOWrapper]:
    """Open a file as text of the dataset's encoding; line ends stay unless the dataset says they are mixed.

    Bytes that are no UTF-8 become surrogates, so that they can be written as they were.

    Raises
    ------
    ConfigurationError
        If it begins with the mark of another encoding than the dataset's.

    """
    encoding = "utf-8-sig" if is_utf8(source.encoding) else source.encoding
    newline = None if source.line_ends == "mixed" else ""
    with open_bytes(path) as raw:
        _refuse_other_mark(path, raw, source)
        with io.TextIOWrapper(raw, encoding=encoding, errors=_errors(source), newline=newline) as text:
            yield text


def _errors(source: SourceSection) -> str:
    """UTF-8 is judged line by line by the reader; in other encodings every byte must fit."""
    return "surrogateescape" if is_utf8(source.encoding) else "strict"


def marked_encoding(begins: bytes) -> str | None:
    """Encoding whose mark a text begins with, if any."""
    return next((name for mark, name in _MARKS if begins.startswith(mark)), None)


def is_utf8(encoding: str) -> bool:
    """Whether DuckDB reads the encoding as it lies.

    Raises
    ------
    ConfigurationError
        If Python does not know it.

    """
    try:
        return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig", "ascii"}
    except LookupError as error:
        raise ConfigurationError(
            f"source.encoding = {encoding!r} is no encoding that Python knows; write utf-8, latin-1, cp1252"
        ) from error


def as_utf8(path: Path, source: SourceSection, scratch: Path, *, skipped: int = 0) -> Path:
    """Return the file itself, or a copy in UTF-8 in `scratch` where DuckDB cannot read it as it lies.

    Parameters
    ----------
    path
        The file, unpacked but for gzip.
    source
        How its text is read.
    scratch
        Folder for the copy.
    skipped
        Lines that the copy leaves out at the start; DuckDB would count them in its own way.

    Raises
    ------
    ContractError
        If bytes do not fit the encoding; the message says which.

    """
    if is_utf8(source.encoding) and source.line_ends != "mixed" and not skipped:
        return path
    # Files of two folders may share a name, and a file is opened more than once.
    read_as = f"{path}\n{source.encoding}\n{source.line_ends}\n{skipped}"
    copy = scratch / hashlib.sha256(read_as.encode("utf-8", "surrogateescape")).hexdigest()[:16] / path.name
    if copy.exists():
        return copy
    copy.parent.mkdir(exist_ok=True)
    try:
        with (
            open_text(path, source) as text,
            copy.open("w", encoding="utf-8", errors=_errors(source), newline="") as out,
        ):
            for _ in range(skipped):
                text.readline(MAX_LINE_BYTES)
            shutil.copyfileobj(text, out, 2**20)
    except UnicodeError as error:
        copy.unlink(missing_ok=True)
        raise ContractError(
            f"{path} is not all {source.encoding}: {error}; correct encoding under [source]"
        ) from error
    return copy


def _refuse_other_mark(path: Path, raw: IO[bytes], source: SourceSection) -> None:
    begins = raw.read(4)
    raw.seek(0)
    marked = marked_encoding(begins)
    nulls = begins[1::2] == b"\0\0" or begins[::2] == b"\0\0"
    if marked is None and nulls and is_utf8(source.encoding):
        marked = "utf-16-le" if begins[1::2] == b"\0\0" else "utf-16-be"
    if marked is not None and marked.split("-")[:2] != codecs.lookup(source.encoding).name.split("-")[:2]:
        raise ConfigurationError(
            f"{path} begins like {marked}, not like {source.encoding}: write encoding = {marked!r} under [source]"
        )
