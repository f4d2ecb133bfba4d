"""The separate table of items, read with the log's care: its own layout, bad lines counted and named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from data_contracts import columns
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.ingestion.normalization import item_id, plain_text, typed_attributes
from tasks.runtime.duckdb_engine import first_line, quote
from tasks.sources.csv_format import Unreadable
from tasks.sources.files import open_file, read_whole
from tasks.sources.formats import format_of
from tasks.sources.open_file import OpenFile

SHOWN = 3
"""Bad lines that a warning shows."""

_TOO_MANY = 0.1
"""Share of bad lines from which the table is refused: it is read the wrong way."""


@dataclass
class ItemTable:
    """What was read.

    Parameters
    ----------
    table
        One row an item: its id and what was asked for.
    counts
        Rows, lines that could not be read, rows without an id, ids that occur more than once.
    warnings
        What people should look at.

    """

    table: pa.Table
    counts: dict[str, int]
    warnings: list[str] = field(default_factory=list)


def section_of(spec: DatasetSpec) -> SourceSection:
    """How the item table is read: as the log, but for what ``[items]`` says."""
    assert spec.items is not None
    items = spec.items
    # The two tables need not share a delimiter; one of several characters cannot be guessed.
    guessed = "auto" if len(spec.source.delimiter) == 1 else spec.source.delimiter
    own = {
        "format": "auto",
        "files": None,
        "delimiter": items.delimiter or guessed,
        "encoding": items.encoding or spec.source.encoding,
        "quote": spec.source.quote if items.quote is None else items.quote,
        **items.model_dump(include={"header", "names", "skip_rows", "sheet", "member"}),
    }
    return spec.source.model_copy(update=own)


def read_items(
    spec: DatasetSpec,
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    scratch: Path,
    wanted: Mapping[str, str],
) -> ItemTable:
    """Read the item table of a dataset.

    Parameters
    ----------
    spec
        The dataset; it names the table's id column.
    connection
        Where it is read.
    path
        The table.
    scratch
        Folder for copies.
    wanted
        Source column of each column of text of the result, as
        :func:`tasks.ingestion.normalization.projection` would read a title; numbers and dates come with it.

    Raises
    ------
    ConfigurationError
        If a column is missing; the message lists those that are there.
    ContractError
        If it cannot be read, or too many of its lines cannot.

    """
    assert spec.items is not None
    file = _opened(spec, connection, path, scratch)
    columns_sql = {name: plain_text(*file.column(source), spec) for name, source in wanted.items()}
    columns_sql |= typed_attributes(file, spec.items, spec)
    listed = "".join(f", min({sql}) AS {quote(name)}" for name, sql in columns_sql.items())
    item = item_id(*file.column(spec.items.id), spec)
    connection.execute("SET arrow_large_buffer_size = true")
    try:
        table = connection.sql(
            f"SELECT {item} AS {quote(columns.ITEM_ID)}, count(*) AS n{listed} FROM {file.relation} GROUP BY 1"
        ).to_arrow_table()
    except duckdb.Error as error:
        raise ContractError(
            f"the item table {path} cannot be read to its end: {first_line(error)}"
        ) from error
    rows = sum(table.column("n").to_pylist())
    bad = file.unreadable(connection, rows)
    return _judged(path, table, rows, bad)


def _judged(path: Path, table: pa.Table, rows: int, bad: list[Unreadable]) -> ItemTable:
    without = sum(n for id_, n in zip(*_ids(table), strict=True) if id_ is None)
    repeated = sum(n > 1 for id_, n in zip(*_ids(table), strict=True) if id_ is not None)
    counts = {
        "rows": rows + len(bad),
        "unreadable": len(bad),
        "without_id": without,
        "repeated_ids": repeated,
    }
    shown = "; ".join(f"row {record} ({reason}): {line[:60]}" for record, reason, line in bad[:SHOWN])
    if len(bad) > _TOO_MANY * counts["rows"]:
        raise ContractError(
            f"{len(bad):,} of {counts['rows']:,} lines of the item table {path} cannot be read: {shown}; see delimiter, "
            "quote and encoding under [items]"
        )
    warnings = []
    if bad:
        warnings.append(
            f"{len(bad):,} of {counts['rows']:,} lines of the item table {path.name} are left out: {shown}"
        )
    if without:
        warnings.append(
            f"{without:,} of {counts['rows']:,} rows of the item table {path.name} have no item id"
        )
    if repeated:
        warnings.append(
            f"{repeated:,} ids stand more than once in the item table {path.name}; of each column the first text "
            "by the alphabet is kept"
        )
    known = table.filter(table.column(columns.ITEM_ID).is_valid()).drop_columns(["n"])
    return ItemTable(known, counts, warnings)


def _ids(table: pa.Table) -> tuple[list[Any], list[Any]]:
    return table.column(columns.ITEM_ID).to_pylist(), table.column("n").to_pylist()


def _opened(spec: DatasetSpec, connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path) -> OpenFile:
    assert spec.items is not None
    try:
        kind = format_of(path, "auto", spec.items.member)
        return open_file(connection, path, kind, read_whole(path, kind, section_of(spec), scratch), scratch)
    except (ConfigurationError, ContractError) as error:
        # The same words about the log's section would send people to the wrong place.
        raise type(error)(f"item table: {str(error).replace('under [source]', 'under [items]')}") from error
