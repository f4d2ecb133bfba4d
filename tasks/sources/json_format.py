"""JSON Lines, or one array of objects, as text columns; nested objects become columns such as ``user.id``."""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from data_contracts.errors import ContractError
from data_contracts.source_section import SourceSection
from tasks.runtime.duckdb_engine import first_line, literal, path_literal
from tasks.sources.content import MAX_LINE_BYTES, as_utf8, is_gzip, open_bytes
from tasks.sources.csv_format import Unreadable, line_errors

_READABLE = "coalesce(json_valid(line) AND json_type(TRY_CAST(line AS JSON)) = 'OBJECT', false)"


@dataclass(frozen=True)
class JsonTable:
    """What a file of JSON objects can be selected from.

    Parameters
    ----------
    content
        The file that DuckDB reads.
    relation
        SQL that stands after FROM: columns r0, r1, ...
    names
        The objects' keys in order of appearance, nested ones with dots.

    """

    content: Path
    relation: str
    names: tuple[str, ...]


def open_json(
    connection: duckdb.DuckDBPyConnection, path: Path, source: SourceSection, scratch: Path
) -> JsonTable:
    """Look through a file for its keys.

    Raises
    ------
    ContractError
        If it holds no object.

    """
    content = as_utf8(path, source, scratch)
    lines = _lines(content, is_array=_is_array(content))
    try:
        found = connection.execute(
            f"SELECT json_group_structure(TRY_CAST(line AS JSON)) FROM {lines} WHERE {_READABLE}"
        ).fetchall()[0][0]
    except duckdb.Error as error:
        raise ContractError(f"{path} is no readable JSON: {first_line(error)}") from error
    keys = list(_keys(json.loads(found) if found else {}))
    if not keys:
        raise ContractError(
            f"{path} holds no JSON object; write one a line, or one array of objects: [{{...}}, ...]"
        )
    pointers = [literal(_pointer(key)) for key in keys]
    listed = ", ".join(f"{_text(at, pointer)} AS r{at}" for at, pointer in enumerate(pointers))
    relation = (
        f"(SELECT {listed} FROM (SELECT object, json_extract_string(object, [{', '.join(pointers)}]) AS x "
        f"FROM (SELECT TRY_CAST(line AS JSON) AS object FROM {lines} WHERE {_READABLE})))"
    )
    return JsonTable(content, relation, tuple(".".join(key) for key in keys))


def unreadable(connection: duckdb.DuckDBPyConnection, content: Path) -> list[Unreadable]:
    """Lines that are no JSON object, in order.

    Parameters
    ----------
    connection
        What has read the file.
    content
        What :func:`open_json` says that it reads.

    """
    if _is_array(content):
        return []  # one broken object breaks the array, and the reading of it
    refused = line_errors(connection, content, header=False)
    lines = _lines(content, is_array=False)
    rows = connection.execute(
        f"SELECT n, line FROM (SELECT row_number() OVER () AS n, line, {_READABLE} AS good FROM {lines}) "
        "WHERE NOT good ORDER BY n"
    ).fetchall()
    found = list(refused)
    for number, line in rows:
        at = number
        for record, _, _ in refused:
            at += record <= at
        found.append((at, "invalid_json", line))
    return sorted(found)


def _text(at: int, pointer: str) -> str:
    """SQL of a value's text; null for a number that is none, as Python writes it, but not for the text "NaN"."""
    value = f"x[{at + 1}]"
    is_none = f"lower({value}) IN ('nan', '-nan') AND json_type(object, {pointer}) = 'DOUBLE'"
    return f"CASE WHEN {is_none} THEN NULL ELSE {value} END"


def _lines(content: Path, *, is_array: bool) -> str:
    """SQL that reads the objects as texts in the column ``line``."""
    if is_array:
        packed = literal("gzip" if is_gzip(content) else "uncompressed")
        options = f"format = 'array', compression = {packed}, maximum_object_size = {MAX_LINE_BYTES}"
        return f"(SELECT json::VARCHAR AS line FROM read_json_objects({path_literal(content)}, {options}))"
    # A control character cannot stand in JSON, so each line is one field.
    options = (
        f"delim = '\x1f', quote = '', escape = '', header = false, auto_detect = false, "
        f"columns = {{'line': 'VARCHAR'}}, compression = {literal('gzip' if is_gzip(content) else 'none')}, "
        f"max_line_size = {MAX_LINE_BYTES}, store_rejects = true, rejects_limit = 0"
    )
    return f"(SELECT line FROM read_csv({path_literal(content)}, {options}) WHERE trim(line) <> '')"


def _is_array(content: Path) -> bool:
    with open_bytes(content) as raw:
        begins = raw.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()
    return begins.startswith(b"[")


def _keys(structure: object, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(structure, dict):
        yield above
        return
    for name, below in structure.items():
        yield from _keys(below, (*above, name))


def _pointer(key: tuple[str, ...]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in key)
