"""SQL that reads the columns of a log as events: text ids, UTC times, numbers."""

from collections.abc import Mapping

from data_contracts import columns
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from tasks.runtime.duckdb_engine import literal
from tasks.sources.files import OpenFile

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

STRIPPED = "stripped"
UPPER_CASED = "upper_cased"

_EARLIEST, _LATEST = "TIMESTAMPTZ '1700-01-01 00:00:00+00'", "TIMESTAMPTZ '2200-01-01 00:00:00+00'"
"""Times outside do not fit nanoseconds, which the contract counts in; they are no times of a log."""


def projection(file: OpenFile, spec: DatasetSpec, rule_columns: Mapping[str, str]) -> dict[str, str]:
    """SQL expression of each column that ingestion needs, by its name in the result.

    Parameters
    ----------
    file
        What is selected from; the session's time zone must be the dataset's.
    spec
        The dataset.
    rule_columns
        Source columns that the contract looks at, with ``"text"`` or ``"number"``.

    Returns
    -------
    Event columns (null where a value is missing or cannot be read), ``cancelled`` as 0 or 1 where the
    dataset knows cancellations, whether an id was stripped or put in capitals, titles and attributes,
    and the source columns of `rule_columns` under their own names.

    Raises
    ------
    ConfigurationError
        If a column is not in the file, or its type needs a setting that is not made.

    """
    roles, cleaning = spec.columns, spec.cleaning
    plain = {columns.USER_ID: text(*file.column(roles.user)), columns.ITEM_ID: text(*file.column(roles.item))}
    if roles.basket:
        plain[columns.BASKET_ID] = text(*file.column(roles.basket))
    found = {name: f"nullif({_cleaned(name, sql, spec)}, '')" for name, sql in plain.items()}
    if roles.time:
        found[columns.EVENT_TIME] = _time(file, roles.time, spec)
    found[columns.VALUE] = _value(file, spec)
    if spec.cancellation:
        found[columns.CANCELLED] = _cancelled(file, spec)
        found[columns.KEPT_VALUE] = (
            f"CASE WHEN {found[columns.CANCELLED]} = 0 THEN {found[columns.VALUE]} END"
        )
    changes = [f"{sql} <> {_trimmed(sql)}" for sql in plain.values()] if cleaning.strip_ids else []
    found[STRIPPED] = f"coalesce({' OR '.join(changes) or 'false'}, false)"
    item = plain[columns.ITEM_ID]
    found[UPPER_CASED] = f"coalesce({item} <> upper({item}), false)" if cleaning.upper_case_items else "false"
    for name, source in described_by(spec).items():
        found[name] = f"nullif({_trimmed(text(*file.column(source)))}, '')"
    for name, kind in rule_columns.items():
        found[name] = _number(*file.column(name)) if kind == "number" else text(*file.column(name))
    return found


def described_by(spec: DatasetSpec) -> dict[str, str]:
    """Source column of the title and of each attribute that the log itself holds."""
    title = {columns.TITLE: spec.columns.title} if spec.columns.title else {}
    return {**title, **{f"attribute:{name}": name for name in spec.columns.attributes}}


def text(reference: str, kind: str) -> str:
    """Text of a value, as people write it: 17850.0 is an id that pandas turned into a number."""
    if kind in FLOATS:
        # Beyond 2^53 a float has lost digits: then its own notation is the honest one.
        whole = f"{reference} = trunc({reference}) AND abs({reference}) < 9007199254740992"
        cast = f"CASE WHEN {whole} THEN {reference}::BIGINT::VARCHAR ELSE {reference}::VARCHAR END"
        return f"(CASE WHEN isnan({reference}) THEN NULL ELSE {cast} END)"
    return reference if kind == "VARCHAR" else f"{reference}::VARCHAR"


def item_id(reference: str, kind: str, spec: DatasetSpec) -> str:
    """Read an item id of another table exactly as those of the log are read."""
    return f"nullif({_cleaned(columns.ITEM_ID, text(reference, kind), spec)}, '')"


def _cleaned(name: str, sql: str, spec: DatasetSpec) -> str:
    if spec.cleaning.strip_ids:
        sql = _trimmed(sql)
    if name == columns.ITEM_ID and spec.cleaning.upper_case_items:
        sql = f"upper({sql})"
    return sql


def _trimmed(sql: str) -> str:
    """Cut spaces, tabs and line ends from both ends; DuckDB's plain trim knows spaces only."""
    return f"trim({sql}, E' \\t\\r\\n')"


def _time(file: OpenFile, name: str, spec: DatasetSpec) -> str:
    """Nanosecond timestamps of UTC without a zone, which is what Great Expectations checks fast."""
    reference, kind = file.column(name)
    form = spec.source.time_format
    if form in {"epoch_seconds", "epoch_milliseconds"}:
        per_second = 1_000_000 if form == "epoch_seconds" else 1_000
        # Out of bounds numbers would be an error of the whole query rather than of their row.
        number = f"TRY_CAST({reference} AS DOUBLE)"
        micros = f"CASE WHEN abs({number}) < 8e15 / {per_second} THEN ({number} * {per_second})::BIGINT END"
        instant = f"make_timestamp({micros}) AT TIME ZONE 'UTC'"
    elif kind in (*NUMBERS, *FLOATS):
        raise ConfigurationError(
            f"{file.path}: time column {name!r} holds numbers; write time_format = 'epoch_seconds' or "
            "'epoch_milliseconds' under [source]"
        )
    elif form == "auto" or kind != "VARCHAR":
        instant = f"TRY_CAST({reference} AS TIMESTAMPTZ)"
    else:
        instant = f"try_strptime({reference}, {literal(form)})::TIMESTAMPTZ"
    inside = f"({instant}) >= {_EARLIEST} AND ({instant}) < {_LATEST}"
    return f"CASE WHEN {inside} THEN (({instant}) AT TIME ZONE 'UTC')::TIMESTAMP_NS END"


def _value(file: OpenFile, spec: DatasetSpec) -> str:
    """Numbers as they are, labels as their place from 1, and 1 where every row counts the same."""
    if spec.columns.value is None:
        return "1.0::DOUBLE"
    reference, kind = file.column(spec.columns.value)
    if spec.feedback.kind == "ordinal":
        places = " ".join(
            f"WHEN {literal(label)} THEN {place}.0::DOUBLE"
            for place, label in enumerate(spec.feedback.labels, 1)
        )
        return f"CASE trim({text(reference, kind)}) {places} END"
    return _number(reference, kind)


def _number(reference: str, kind: str) -> str:
    number = reference if kind == "DOUBLE" else f"TRY_CAST({reference} AS DOUBLE)"
    return f"CASE WHEN NOT isnan({number}) THEN {number} END"


def _cancelled(file: OpenFile, spec: DatasetSpec) -> str:
    assert spec.cancellation is not None
    reference, kind = file.column(spec.cancellation.column)
    if spec.cancellation.starts_with is not None:
        test = f"starts_with(trim({text(reference, kind)}), {literal(spec.cancellation.starts_with)})"
    else:
        test = f"{_number(reference, kind)} < {spec.cancellation.below}"
    return f"coalesce({test}, false)::BIGINT"
