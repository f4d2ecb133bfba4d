"""SQL that reads times: ISO text, real timestamps, seconds since 1970, days of a spreadsheet, own formats."""

from data_contracts.errors import ConfigurationError
from data_contracts.source_section import SourceSection
from tasks.runtime.duckdb_engine import literal
from tasks.sources.open_file import OpenFile

NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
FLOATS = ("FLOAT", "DOUBLE")

_EARLIEST, _LATEST = "1700-01-01 00:00:00", "2200-01-01 00:00:00"
"""Times outside do not fit nanoseconds, which the contract counts in; they are no times of a log."""

_NAIVE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "DATE")
"""Types without a zone; nanoseconds are rounded on another way."""

_PER_SECOND = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000, "epoch_microseconds": 1}
"""What one unit is in microseconds."""

_DAY, _SERIAL_OF_1970 = 86_400_000, 25_569


def is_number(kind: str) -> bool:
    """Whether a DuckDB type holds numbers."""
    return kind in (*NUMBERS, *FLOATS) or kind.startswith("DECIMAL")


def time_sql(file: OpenFile, name: str, source: SourceSection) -> str:
    """Nanosecond timestamps of UTC without a zone, which is what Great Expectations checks fast.

    Raises
    ------
    ConfigurationError
        If the column holds numbers and the dataset does not say which.

    """
    reference, kind = file.column(name)
    if kind in _NAIVE and source.timezone == "UTC":
        # As it stands: the way through a time zone takes nine times as long.
        inside = f"{reference} >= TIMESTAMP '{_EARLIEST}' AND {reference} < TIMESTAMP '{_LATEST}'"
        return f"CASE WHEN {inside} THEN {reference}::TIMESTAMP_NS END"
    instant = _instant(f"{file.path}: time column {name!r}", reference, kind, source.time_format)
    inside = f"({instant}) >= TIMESTAMPTZ '{_EARLIEST}+00' AND ({instant}) < TIMESTAMPTZ '{_LATEST}+00'"
    return f"CASE WHEN {inside} THEN make_timestamp(epoch_us({instant}))::TIMESTAMP_NS END"


def _instant(column: str, reference: str, kind: str, form: str) -> str:
    if form in _PER_SECOND:
        per_second = _PER_SECOND[form]
        # Out of bounds numbers would be an error of the whole query rather than of their row.
        number = f"TRY_CAST({reference} AS DOUBLE)"
        micros = f"CASE WHEN abs({number}) < 8e15 / {per_second} THEN ({number} * {per_second})::BIGINT END"
        return f"make_timestamp({micros}) AT TIME ZONE 'UTC'"
    if form == "epoch_nanoseconds":
        # Beyond 2^53: a float would lose the last digits.
        number = f"TRY_CAST({reference} AS BIGINT)"
        return f"make_timestamp(CASE WHEN abs({number}) < 8e18 THEN {number} // 1000 END) AT TIME ZONE 'UTC'"
    if form == "excel_serial":
        return _serial(reference)
    if "%" in form and (kind == "VARCHAR" or is_number(kind)):
        text = f"trim({reference})" if kind == "VARCHAR" else f"TRY_CAST({reference} AS BIGINT)::VARCHAR"
        return f"try_strptime({text}, {literal(form)})::TIMESTAMPTZ"
    if is_number(kind):
        raise ConfigurationError(
            f"{column} holds numbers; write time_format = 'epoch_seconds', 'epoch_milliseconds', "
            "'epoch_microseconds', 'epoch_nanoseconds', 'excel_serial' or a format such as '%Y%m%d' under [source]"
        )
    return f"TRY_CAST({reference} AS TIMESTAMPTZ)"


def _serial(reference: str) -> str:
    """Days since 1899-12-30, a fraction being the time of day; what a sheet shows is local time."""
    number = f"TRY_CAST({reference} AS DOUBLE)"
    # Rounded to milliseconds: a day's fraction has no exact seconds.
    micros = (
        f"CASE WHEN {number} BETWEEN 1 AND 109574 THEN "
        f"(round({number} * {_DAY})::BIGINT - {_SERIAL_OF_1970 * _DAY}) * 1000 END"
    )
    return f"make_timestamp({micros})::TIMESTAMPTZ"
