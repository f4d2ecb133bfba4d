"""CSV as DuckDB should read it: nothing guessed but the delimiter, every unreadable line kept."""

import codecs
import csv
import gzip
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import duckdb

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.runtime.duckdb_engine import literal

MAX_LINE_BYTES = 32 * 2**20
"""The longest line that is read; DuckDB's own limit of 2 MB refuses real product texts."""

DELIMITERS = (",", ";", "\t", "|")

_DUCKDB_CUTS_AT = 10_000
"""Characters of a rejected line that DuckDB keeps."""

Unreadable = tuple[int, str, str]
"""(record number from 1, reason, the line's text)."""


def header(path: Path, source: SourceSection) -> tuple[list[str], str]:
    """Column names and the delimiter of a CSV file.

    Raises
    ------
    ContractError
        If the file is empty.
    ConfigurationError
        If the header cannot be read with the dataset's encoding and delimiter.

    """
    try:
        with _open_text(path, source) as text:
            first = text.readline(MAX_LINE_BYTES)
            if not first.strip():
                raise ContractError(f"{path} is empty: it has no header line")
            delimiter = _delimiter(first, source)
            if len(delimiter) > 1:
                return first.rstrip("\r\n").split(delimiter), delimiter
            lines = _chain(first, text)
            if not source.quote:
                return next(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)), delimiter
            return next(csv.reader(lines, delimiter=delimiter, quotechar=source.quote)), delimiter
    except (UnicodeError, csv.Error, gzip.BadGzipFile, EOFError, LookupError) as error:
        raise ConfigurationError(
            f"the header of {path} cannot be read as {source.encoding}: {error}; "
            "correct encoding, delimiter or quote under [source]"
        ) from error


def as_utf8(path: Path, source: SourceSection, scratch: Path) -> Path:
    """Return the file itself, or a copy in UTF-8 in `scratch` where its encoding is another one.

    Raises
    ------
    ContractError
        If bytes do not fit the encoding; the message says which.

    """
    if _is_utf8(source.encoding):
        return path
    copy = scratch / f"{path.name}.utf8.csv"
    try:
        with _open_text(path, source) as text, copy.open("w", encoding="utf-8", newline="") as out:
            shutil.copyfileobj(text, out, 2**20)
    except UnicodeError as error:
        raise ContractError(
            f"{path} is not all {source.encoding}: {error}; correct encoding under [source]"
        ) from error
    return copy


def readable_encoding(path: Path) -> str:
    """Return ``utf-8`` if the first megabytes are, else ``cp1252``, where nearly every byte is a letter."""
    with _open_bytes(path) as raw:
        start = raw.read(4 * 2**20)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(start)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def table_function(path: Path, n_columns: int, delimiter: str, quote: str) -> str:
    """SQL that reads the file as text columns r0, r1, ... and remembers the lines that do not fit."""
    columns = ", ".join(f"'r{i}': 'VARCHAR'" for i in range(n_columns))
    options = {
        "delim": literal(delimiter),
        "quote": literal(quote),
        "escape": literal(quote),
        "header": "true",
        "auto_detect": "false",
        "columns": f"{{{columns}}}",
        "compression": literal("gzip" if _is_gzip(path) else "none"),
        "max_line_size": str(MAX_LINE_BYTES),
        "store_rejects": "true",
        "rejects_limit": "0",
    }
    return (
        f"read_csv({literal(str(path))}, {', '.join(f'{key} = {value}' for key, value in options.items())})"
    )


def forget_unreadable(connection: duckdb.DuckDBPyConnection) -> None:
    """Empty DuckDB's list of rejected lines before the next file."""
    connection.execute("DROP TABLE IF EXISTS reject_errors")
    connection.execute("DROP TABLE IF EXISTS reject_scans")


def unreadable(connection: duckdb.DuckDBPyConnection, path: Path, n_readable: int) -> list[Unreadable]:
    """Lines of the file just read that DuckDB refused, in order, one entry a line.

    Parameters
    ----------
    connection
        What has read the file.
    path
        The file.
    n_readable
        How many rows came out.

    Raises
    ------
    ContractError
        If a quotation mark that is never closed swallowed the rest of the file.

    """
    rows = connection.execute(
        "SELECT line - 1, min(line_byte_position), arg_min(lower(error_type::VARCHAR), column_idx), "
        "any_value(csv_line) FROM reject_errors GROUP BY line ORDER BY line"
    ).fetchall()
    found = []
    with _open_bytes(path) as raw:
        for record, position, kind, text in rows:
            if kind == "invalid encoding" or len(text or "") >= _DUCKDB_CUTS_AT:
                # DuckDB shows question marks for bytes that are no UTF-8, and only the start of long lines.
                raw.seek(position - 1)
                text = raw.readline(MAX_LINE_BYTES).rstrip(b"\r\n").decode("utf-8", "backslashreplace")
            found.append((record, kind.replace(" ", "_"), text or ""))
        if rows and rows[-1][2] == "unquoted value" and rows[-1][0] >= n_readable + len(rows):
            _refuse_open_quote(raw, path, rows[-1][0], rows[-1][1])
    return found


def _refuse_open_quote(raw: IO[bytes], path: Path, record: int, position: int) -> None:
    raw.seek(position - 1)
    raw.readline()
    if raw.read(1):
        raise ContractError(
            f"{path}, row {record}: a quotation mark is opened and never closed, so nothing after it can "
            'be read; correct the row, or write quote = "" under [source] if the file quotes nothing'
        )


def _delimiter(first: str, source: SourceSection) -> str:
    if source.delimiter != "auto":
        return source.delimiter
    return max(DELIMITERS, key=first.count)


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig", "ascii"}
    except LookupError as error:
        raise ConfigurationError(
            f"source.encoding = {encoding!r} is no encoding that Python knows; write utf-8, latin-1, cp1252"
        ) from error


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _open_bytes(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if _is_gzip(path) else path.open("rb")


@contextmanager
def _open_text(path: Path, source: SourceSection) -> Iterator[io.TextIOWrapper]:
    encoding = "utf-8-sig" if _is_utf8(source.encoding) else source.encoding
    with _open_bytes(path) as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
        yield text


def _chain(first: str, rest: io.TextIOWrapper) -> Iterator[str]:
    yield first
    yield from rest
