"""CSV as DuckDB should read it: nothing guessed but the delimiter, every unreadable line kept."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import duckdb

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.runtime.duckdb_engine import literal, path_literal
from tasks.sources.content import BROKEN, MAX_LINE_BYTES, is_gzip, of_the_disk, open_bytes, open_text

DELIMITERS = (",", ";", "\t", "|")

_DUCKDB_CUTS_AT = 10_000
"""Characters of a rejected line that DuckDB keeps."""

_TOO_LONG = "line size over maximum"
"""What DuckDB calls a line beyond MAX_LINE_BYTES; only its start is kept, for many such would fill the memory."""

_SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""What Excel writes above the header to say its delimiter."""

Unreadable = tuple[int, str, str]
"""(record number from 1, reason, the line's text)."""


class Layout(NamedTuple):
    """How the lines of a CSV file are parted."""

    names: list[str]
    """Of the columns."""
    delimiter: str
    """Between fields."""
    skipped: int
    """Lines before the header, or before the first row."""


def layout(path: Path, source: SourceSection) -> Layout:
    """Column names, delimiter and skipped lines of a CSV file.

    Raises
    ------
    ContractError
        If the file is empty.
    ConfigurationError
        If the header cannot be read with the dataset's encoding and delimiter.

    """
    try:
        with open_text(path, source) as text:
            for _ in range(source.skip_rows):
                text.readline(MAX_LINE_BYTES)
            first = text.readline(MAX_LINE_BYTES)
            separator = _SEP_LINE.fullmatch(first) if not source.skip_rows else None
            if separator:
                first = text.readline(MAX_LINE_BYTES)
            if not first.strip():
                raise ContractError(f"{path} is empty: it has no header line")
            if "\0" in first:
                raise ConfigurationError(
                    f"the header of {path} holds zero bytes, so it is not {source.encoding}; write "
                    "encoding = 'utf-16' under [source], or the encoding that it is in"
                )
            delimiter = _delimiter(first, source, separator)
            fields = _fields(first, text, delimiter, source)
            "".join(fields).encode()  # bytes that are no UTF-8 are the business of the rows only
    except (UnicodeError, csv.Error, LookupError, *BROKEN) as error:
        if of_the_disk(error):
            raise
        raise ConfigurationError(
            f"the header of {path} cannot be read as {source.encoding}: {error}; "
            "correct encoding, delimiter or quote under [source]"
        ) from error
    return Layout(_names(path, fields, source), delimiter, source.skip_rows + bool(separator))


def _fields(first: str, rest: io.TextIOWrapper, delimiter: str, source: SourceSection) -> list[str]:
    if len(delimiter) > 1:
        return first.rstrip("\r\n").split(delimiter)
    lines = _chain(first, rest)
    if not source.quote:
        return next(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE))
    return next(csv.reader(lines, delimiter=delimiter, quotechar=source.quote))


def _names(path: Path, fields: list[str], source: SourceSection) -> list[str]:
    """Names of as many columns as the first line has."""
    if source.names and len(source.names) != len(fields):
        raise ConfigurationError(
            f"the first line of {path} has {len(fields)} fields, but names under [source] lists "
            f"{len(source.names)}; correct names, delimiter or skip_rows"
        )
    if source.names:
        return list(source.names)
    titles = [field.strip() for field in fields] if source.header else [""] * len(fields)
    return [title or f"column{at}" for at, title in enumerate(titles, 1)]


def table_function(
    path: Path, n_columns: int, delimiter: str, quote: str, *, escape: str = "", header: bool = True
) -> str:
    """SQL that reads the file as text columns r0, r1, ... and remembers the lines that do not fit."""
    columns = ", ".join(f"'r{i}': 'VARCHAR'" for i in range(n_columns))
    options = {
        "delim": literal(delimiter),
        "quote": literal(quote),
        "escape": literal(escape or quote),
        "header": "true" if header else "false",
        "auto_detect": "false",
        "columns": f"{{{columns}}}",
        "compression": literal("gzip" if is_gzip(path) else "none"),
        "max_line_size": str(MAX_LINE_BYTES),
        "store_rejects": "true",
        "rejects_limit": "0",
    }
    return (
        f"read_csv({path_literal(path)}, {', '.join(f'{key} = {value}' for key, value in options.items())})"
    )


def forget_unreadable(connection: duckdb.DuckDBPyConnection) -> None:
    """Empty DuckDB's list of rejected lines before the next file."""
    connection.execute("DROP TABLE IF EXISTS reject_errors")
    connection.execute("DROP TABLE IF EXISTS reject_scans")


def unreadable(
    connection: duckdb.DuckDBPyConnection, path: Path, n_readable: int, *, header: bool = True
) -> list[Unreadable]:
    """Lines of the file just read that DuckDB refused, in order, one entry a line.

    Parameters
    ----------
    connection
        What has read the file.
    path
        The file that it has read.
    n_readable
        How many rows came out.
    header
        Whether the first line names the columns.

    Raises
    ------
    ContractError
        If a quotation mark that is never closed swallowed the rest of the file.

    """
    found = line_errors(connection, path, header=header)
    if found and found[-1][1] == "unquoted_value" and found[-1][0] >= n_readable + len(found):
        position = connection.execute("SELECT max_by(line_byte_position, line) FROM reject_errors").fetchall()
        with open_bytes(path) as raw:
            _refuse_open_quote(raw, path, found[-1][0], position[0][0])
    return found


def line_errors(connection: duckdb.DuckDBPyConnection, path: Path, *, header: bool) -> list[Unreadable]:
    """Lines that DuckDB has refused since :func:`forget_unreadable`, as they stand in the file."""
    rows = connection.execute(
        f"SELECT line - {int(header)}, min(line_byte_position), "
        # A line that is too long has no column, and only those with one would be looked at.
        "arg_min(lower(error_type::VARCHAR), coalesce(column_idx, -1)), any_value(csv_line) FROM reject_errors "
        "GROUP BY line ORDER BY line"
    ).fetchall()
    found = []
    with open_bytes(path) as raw:
        for record, position, kind, text in rows:
            if kind != _TOO_LONG and (kind == "invalid encoding" or len(text or "") >= _DUCKDB_CUTS_AT):
                # DuckDB shows question marks for bytes that are no UTF-8, and only the start of long lines.
                raw.seek(position - 1)
                text = raw.readline(MAX_LINE_BYTES).rstrip(b"\r\n").decode("utf-8", "backslashreplace")
            found.append((record, kind.replace(" ", "_"), text or ""))
    return found


def _refuse_open_quote(raw: IO[bytes], path: Path, record: int, position: int) -> None:
    raw.seek(position - 1)
    raw.readline()
    if raw.read(1):
        raise ContractError(
            f"{path}, row {record}: a quotation mark is opened and never closed, so nothing after it can "
            'be read; correct the row, or write quote = "" under [source] if the file quotes nothing'
        )


def _delimiter(first: str, source: SourceSection, separator: re.Match[str] | None) -> str:
    if source.delimiter != "auto":
        return source.delimiter
    return separator[1] if separator else max(DELIMITERS, key=first.count)


def _chain(first: str, rest: io.TextIOWrapper) -> Iterator[str]:
    yield first
    yield from rest
