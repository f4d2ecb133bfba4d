"""SQL that reads the columns of a log as events: text ids, UTC times, numbers."""

from collections.abc import Mapping
from typing import Literal

from data_contracts import columns
from data_contracts.column_sections import ItemAttributes
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.source_section import SourceSection
from tasks.ingestion.event_types import type_and_weight
from tasks.ingestion.moments import FLOATS, NUMBERS, time_sql
from tasks.ingestion.numbers import number_sql
from tasks.runtime.duckdb_engine import literal
from tasks.sources.open_file import OpenFile

__all__ = [
    "FLOATS",
    "NUMBERS",
    "STRIPPED",
    "UPPER_CASED",
    "described_by",
    "item_id",
    "plain_text",
    "projection",
    "text",
    "user_id",
]

Role = Literal["user", "item", "basket"]
"""Roles that hold ids."""

ATTRIBUTE = "attribute:"
"""Before the name of a column that describes items: it may be called as a column of ours."""
UNREADABLE = "unreadable:"

STRIPPED = "stripped"
UPPER_CASED = "upper_cased"


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
    plain = {
        columns.USER_ID: id_text(*file.column(roles.user), "user", spec),
        columns.ITEM_ID: id_text(*file.column(roles.item), "item", spec),
    }
    if roles.basket:
        plain[columns.BASKET_ID] = id_text(*file.column(roles.basket), "basket", spec)
    found = {name: _present(_cleaned(name, sql, spec), spec.source) for name, sql in plain.items()}
    if roles.time:
        found[columns.EVENT_TIME] = time_sql(file, roles.time, spec.source)
    if roles.event:
        typed = plain_text(*file.column(roles.event), spec), _number(file, spec)
        found[columns.EVENT_TYPE], found[columns.VALUE] = type_and_weight(*typed, spec.feedback)
    else:
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
        found[name] = plain_text(*file.column(source), spec)
    found |= typed_attributes(file, spec.columns, spec)
    for name, kind in rule_columns.items():
        found[name] = (
            number_sql(*file.column(name), spec.source) if kind == "number" else text(*file.column(name))
        )
    return found


def described_by(spec: DatasetSpec) -> dict[str, str]:
    """Source column of the title and of each attribute of text that the log itself holds."""
    title = {columns.TITLE: spec.columns.title} if spec.columns.title else {}
    return {**title, **{f"{ATTRIBUTE}{name}": name for name in spec.columns.separators()}}


def typed_attributes(file: OpenFile, attributes: ItemAttributes, spec: DatasetSpec) -> dict[str, str]:
    """SQL of each number and date that describes an item, null where there is none.

    Under ``unreadable:NAME`` stands the text of a value that is there and is no number or no date.
    """
    source = spec.source.model_copy(update={"time_format": attributes.date_format})
    read = {name: number_sql(*file.column(name), source) for name in attributes.numbers}
    read |= {name: f"({_date(file, name, source)})::TIMESTAMP" for name in attributes.dates}
    found = {}
    for name, sql in read.items():
        words = plain_text(*file.column(name), spec)
        found[f"{ATTRIBUTE}{name}"] = sql
        found[f"{UNREADABLE}{name}"] = f"CASE WHEN ({sql}) IS NULL THEN {words} END"
    return found


def _date(file: OpenFile, name: str, source: SourceSection) -> str:
    try:
        return time_sql(file, name, source)
    except ConfigurationError as error:
        # The same words about the log's times would send people to the wrong key.
        message = str(error).replace("time column", "date column").replace("time_format", "date_format")
        raise ConfigurationError(message.replace("under [source]", "beside dates")) from error


def text(reference: str, kind: str) -> str:
    """Text of a value, as people write it: 17850.0 is an id that pandas turned into a number."""
    if kind in FLOATS:
        # Beyond 2^53 a float has lost digits: then its own notation is the honest one.
        whole = f"{reference} = trunc({reference}) AND abs({reference}) < 9007199254740992"
        cast = f"CASE WHEN {whole} THEN {reference}::BIGINT::VARCHAR ELSE {reference}::VARCHAR END"
        return f"(CASE WHEN isnan({reference}) THEN NULL ELSE {cast} END)"
    if kind.startswith("DECIMAL"):
        whole = f"{reference} = trunc({reference})"
        return f"(CASE WHEN {whole} THEN {reference}::HUGEINT::VARCHAR ELSE {reference}::VARCHAR END)"
    if kind == "BLOB":
        # Some writers do not mark text as such; DuckDB would escape every letter that is not ASCII.
        return f"coalesce(TRY(decode({reference})), {reference}::VARCHAR)"
    return reference if kind == "VARCHAR" else f"{reference}::VARCHAR"


def id_text(reference: str, kind: str, role: Role, spec: DatasetSpec) -> str:
    """Text of an id, in the format that the dataset says its ids have."""
    form = spec.cleaning.id_format_of(role)
    if form == "uuid" and kind == "BLOB":
        digits = f"lower(hex({reference}))"
        parts = "-".join(f"\\{at}" for at in range(1, 6))
        return f"regexp_replace({digits}, '^(.{{8}})(.{{4}})(.{{4}})(.{{4}})(.{{12}})$', '{parts}')"
    found = text(reference, kind)
    if form == "integer" and kind == "VARCHAR":
        return f"regexp_replace({found}, '^(\\s*-?[0-9]+)[{spec.source.decimal}]0+(\\s*)$', '\\1\\2')"
    return found


def item_id(reference: str, kind: str, spec: DatasetSpec) -> str:
    """Read an item id of another table exactly as those of the log are read."""
    return _present(_cleaned(columns.ITEM_ID, id_text(reference, kind, "item", spec), spec), spec.source)


def user_id(reference: str, kind: str, spec: DatasetSpec) -> str:
    """Read a user id of another table exactly as those of the log are read."""
    return _present(_cleaned(columns.USER_ID, id_text(reference, kind, "user", spec), spec), spec.source)


def plain_text(reference: str, kind: str, spec: DatasetSpec) -> str:
    """Read a title or an attribute: trimmed, null where it says nothing."""
    return _present(_trimmed(text(reference, kind)), spec.source)


def _present(sql: str, source: SourceSection) -> str:
    """Null for an empty text and for those that mean that nothing is there."""
    if not source.null_values:
        return f"nullif({sql}, '')"
    listed = ", ".join(literal(text) for text in ("", *source.null_values))
    return f"CASE WHEN {sql} NOT IN ({listed}) THEN {sql} END"


def _cleaned(name: str, sql: str, spec: DatasetSpec) -> str:
    if spec.cleaning.strip_ids:
        sql = _trimmed(sql)
    if name == columns.ITEM_ID and spec.cleaning.upper_case_items:
        sql = f"upper({sql})"
    return sql


def _trimmed(sql: str) -> str:
    """Cut spaces, tabs and line ends from both ends; DuckDB's plain trim knows spaces only."""
    return f"trim({sql}, E' \\t\\r\\n')"


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
    return number_sql(reference, kind, spec.source)


def _number(file: OpenFile, spec: DatasetSpec) -> str | None:
    """Number beside the type of an event, if the log has one."""
    return number_sql(*file.column(spec.columns.value), spec.source) if spec.columns.value else None


def _cancelled(file: OpenFile, spec: DatasetSpec) -> str:
    assert spec.cancellation is not None
    reference, kind = file.column(spec.cancellation.column)
    if spec.cancellation.starts_with is not None:
        test = f"starts_with(trim({text(reference, kind)}), {literal(spec.cancellation.starts_with)})"
    else:
        test = f"{number_sql(reference, kind, spec.source)} < {spec.cancellation.below}"
    return f"coalesce({test}, false)::BIGINT"
