"""Draft a dataset file and a contract for a log that nobody has described yet."""

import re
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from data_contracts import columns
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.ingestion.normalization import projection
from tasks.onboarding.inference import (
    Sample,
    guess_cancellation,
    guess_feedback,
    guess_roles,
    guess_time_format,
    take_sample,
)
from tasks.onboarding.texts import Draft, suite_text, toml_text
from tasks.runtime.duckdb_engine import connect, first_line, quote
from tasks.sources.csv_format import readable_encoding
from tasks.sources.files import OpenFile, files_of, open_file


def draft(file: Path) -> tuple[str, str]:
    """Look at a log and write what describes it.

    Parameters
    ----------
    file
        CSV, Parquet or Excel, or a folder of them.

    Returns
    -------
    The text of ``NAME.toml``, with comments, and of ``NAME.json``, the suite that it names; NAME is the
    file's name without its ending, in letters, digits and underscores.

    Raises
    ------
    ConfigurationError
        If the file is missing, or no column looks like a user or an item.
    ContractError
        If it cannot be read.

    """
    if not file.exists():
        raise ConfigurationError(f"{file} does not exist")
    path, kind = files_of(file, "auto")[0]
    source = SourceSection(
        path=str(file.absolute()), encoding=readable_encoding(path) if kind == "csv" else "utf-8"
    )
    with tempfile.TemporaryDirectory() as scratch, connect(Path(scratch)) as connection:
        opened = open_file(connection, path, kind, source, Path(scratch))
        try:
            return _draft(connection, opened, file, source)
        except duckdb.Error as error:
            raise ContractError(f"{path} cannot be read: {first_line(error)}") from error


def _draft(
    connection: duckdb.DuckDBPyConnection, opened: OpenFile, file: Path, source: SourceSection
) -> tuple[str, str]:
    sample = take_sample(connection, opened)
    roles = guess_roles(sample)
    if "user" not in roles or "item" not in roles:
        shown = ", ".join(name[:60] for name in opened.names[:30])
        raise ConfigurationError(
            f"no column of {opened.path} looks like a user and another like an item; columns: {shown}; "
            "rename them, or copy a dataset file of data_contracts/datasets and write their names"
        )
    settings: dict[str, Any] = {"path": source.path}
    if source.encoding != "utf-8":
        settings["encoding"] = source.encoding
    if "time" in roles:
        settings["time_format"] = guess_time_format(sample, roles["time"])
    found = Draft(
        re.sub(r"[^A-Za-z0-9]+", "_", file.name.split(".")[0]).strip("_") or "log",
        opened.path,
        settings,
        roles,
        guess_feedback(sample, roles.get("value")),
        guess_cancellation(sample, roles.get("basket")),
        {},
    )
    found.counts.update(_count(connection, sample, found))
    return toml_text(found), suite_text(found)


def _count(connection: duckdb.DuckDBPyConnection, sample: Sample, found: Draft) -> dict[str, Any]:
    """Rows, users, items, pairs, missing values and bounds of the first file, read as the draft says."""
    spec = DatasetSpec.model_validate(
        {
            "name": found.name,
            "source": found.source,
            "columns": found.roles,
            "feedback": found.feedback,
            "cancellation": found.cancellation,
            "window": {"split": "time" if "time" in found.roles else "random"},
        }
    )
    listed = ", ".join(f"{sql} AS {quote(name)}" for name, sql in projection(sample.file, spec, {}).items())
    connection.execute(f"CREATE TABLE read AS SELECT {listed} FROM {sample.file.relation}")
    time = columns.EVENT_TIME if "time" in found.roles else "NULL::TIMESTAMP"
    cancelled, kept = (columns.CANCELLED, columns.KEPT_VALUE) if found.cancelled else ("0", columns.VALUE)
    names = (
        *("rows", "users", "items", "pairs", "guests", "no_item", "no_time", "no_value"),
        *("low", "high", "cancelled", "not_positive"),
    )
    row = connection.execute(
        f"SELECT count(*), count(DISTINCT {columns.USER_ID}), count(DISTINCT {columns.ITEM_ID}), "
        f"count(DISTINCT hash({columns.USER_ID}, {columns.ITEM_ID})), count(*) - count({columns.USER_ID}), "
        f"count(*) - count({columns.ITEM_ID}), count(*) - count({time}), count(*) - count({columns.VALUE}), "
        f"min({columns.VALUE}), max({columns.VALUE}), sum({cancelled}), "
        f"count(*) FILTER ({kept} <= 0) FROM read"
    ).fetchone()
    assert row is not None
    if not row[0]:
        raise ContractError(f"{found.path} holds no row below its header")
    return {**dict(zip(names, row, strict=True)), **_times(connection, time)}


def _times(connection: duckdb.DuckDBPyConnection, time: str) -> dict[str, Any]:
    """First and last time, and how many users of the last 28 days were there before."""
    row = connection.execute(
        f"WITH bounds AS (SELECT min({time})::TIMESTAMP AS first, max({time})::TIMESTAMP AS last FROM read), "
        f"users AS (SELECT {columns.USER_ID}, min({time}) AS joined, max({time}) AS seen FROM read "
        f"WHERE {columns.USER_ID} IS NOT NULL GROUP BY 1) "
        "SELECT first, last, (SELECT count(*) FROM users, bounds "
        "WHERE seen >= last - INTERVAL 28 DAY AND joined < last - INTERVAL 28 DAY) FROM bounds"
    ).fetchone()
    assert row is not None
    return {"first": row[0], "last": row[1], "warm_users": row[2]}
