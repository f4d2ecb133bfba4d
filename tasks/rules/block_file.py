"""The file of blocked pairs, read with the log's care."""

from pathlib import Path

import duckdb
import pyarrow as pa

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ContractError, ShelftalkerError
from data_contracts.source_section import SourceSection
from tasks.ingestion.normalization import item_id, user_id
from tasks.runtime.duckdb_engine import connect, first_line
from tasks.sources.files import open_file, read_whole


def read_blocks(spec: DatasetSpec, copy: Path, name: str, scratch: Path) -> tuple[pa.Table, list[str]]:
    """Read the pairs of a CSV with the columns user_id and item_id.

    Parameters
    ----------
    spec
        The dataset: ids are cleaned as those of its log.
    copy
        The file.
    name
        What the user calls it.
    scratch
        Folder for copies.

    Returns
    -------
    Distinct pairs, sorted, as large_string columns user_id and item_id; and what people should look at.

    Raises
    ------
    ConfigurationError
        If a column is missing.
    ContractError
        If a line cannot be read: its pair would not be blocked.

    """
    section = SourceSection(path=str(copy), format="csv")
    try:
        with connect(scratch) as connection:
            file = open_file(connection, copy, "csv", read_whole(copy, "csv", section, scratch), scratch)
            user, item = user_id(*file.column(USER_ID), spec), item_id(*file.column(ITEM_ID), spec)
            connection.execute("SET arrow_large_buffer_size = true")
            table = connection.sql(
                f"SELECT {user} AS {USER_ID}, {item} AS {ITEM_ID}, count(*) AS n FROM {file.relation} GROUP BY ALL "
                f"ORDER BY ALL"
            ).to_arrow_table()
            rows = sum(table.column("n").to_pylist())
            bad = file.unreadable(connection, rows)
    except ShelftalkerError as error:
        raise type(error)(f"rules.blocks: {str(error).replace(str(copy), name)}") from error
    except duckdb.Error as error:
        raise ContractError(f"rules.blocks: {name} cannot be read: {first_line(error)}") from error
    if bad:
        record, reason, line = bad[0]
        raise ContractError(
            f"rules.blocks: {len(bad):,} lines of {name} cannot be read, and their pairs would not be blocked; first: "
            f"row {record} ({reason}): {line[:60]}"
        )
    whole = table.filter(
        pa.compute.and_(table.column(0).is_valid(), table.column(1).is_valid())
    ).drop_columns(["n"])
    nameless = len(table) - len(whole)
    remarks = [f"rules.blocks: {nameless:,} lines of {name} lack an id and block nothing"] if nameless else []
    return whole.cast(pa.schema([(USER_ID, pa.large_string()), (ITEM_ID, pa.large_string())])), remarks
