from pathlib import Path

import duckdb
import pytest

from data_contracts.errors import ConfigurationError
from data_contracts.source_section import SourceSection
from tasks.ingestion.moments import time_sql
from tasks.sources.open_file import OpenFile


def read(value, kind, form, zone="UTC"):
    """One value as an event time."""
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = '{zone}'")
        connection.execute(f"CREATE TABLE log AS SELECT {value}::{kind} AS t")
        file = OpenFile(Path("log"), "log", ("t",), ("t",), (kind,), "parquet", Path("log"))
        sql = time_sql(file, "t", SourceSection(path="x", time_format=form, timezone=zone))
        return connection.execute(f"SELECT ({sql})::TIMESTAMP::VARCHAR FROM log").fetchall()[0][0]


@pytest.mark.parametrize(
    ("value", "kind", "form", "expected"),
    [
        ("1704108304000123", "BIGINT", "epoch_microseconds", "2024-01-01 11:25:04.000123"),
        ("1704108304000123999", "BIGINT", "epoch_nanoseconds", "2024-01-01 11:25:04.000123"),
        ("'1704108304000123999'", "VARCHAR", "epoch_nanoseconds", "2024-01-01 11:25:04.000123"),
        ("45292.475741", "DOUBLE", "excel_serial", "2024-01-01 11:25:04.022"),
        ("'45292'", "VARCHAR", "excel_serial", "2024-01-01 00:00:00"),
        ("20240101", "INTEGER", "%Y%m%d", "2024-01-01 00:00:00"),
        ("20240101.0", "DOUBLE", "%Y%m%d", "2024-01-01 00:00:00"),
        ("' 01/02/2024 '", "VARCHAR", "%d/%m/%Y", "2024-02-01 00:00:00"),
        ("'31/31/2024'", "VARCHAR", "%d/%m/%Y", None),
        ("'x'", "VARCHAR", "excel_serial", None),
        ("-5", "DOUBLE", "excel_serial", None),
        ("9e18", "DOUBLE", "epoch_nanoseconds", None),
    ],
)
def test_time_sql__reads_what_the_dataset_says_and_nothing_else(value, kind, form, expected):
    assert read(value, kind, form) == expected


def test_time_sql__days_of_a_spreadsheet_are_local():
    assert read("45474.5", "DOUBLE", "excel_serial", zone="Europe/Berlin") == "2024-07-01 10:00:00"


def test_time_sql__numbers_without_a_format_are_refused_with_the_formats():
    with pytest.raises(ConfigurationError, match="epoch_nanoseconds', 'excel_serial'"):
        read("45474", "INTEGER", "auto")
