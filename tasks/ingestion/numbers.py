"""SQL that reads numbers which are text: decimal commas, thousands marks, currency signs, yes and no."""

import re

from data_contracts.source_section import SourceSection
from tasks.runtime.duckdb_engine import literal

_SPACE = r"[ \x{00A0}\x{202F}\x{2009}]"
_GROUP_MARKS = {"": "", " ": _SPACE, "'": "['’]"}  # noqa: RUF001 - a typographic apostrophe is meant


def number_sql(reference: str, kind: str, source: SourceSection) -> str:
    """Number of a value; null where it is none, whatever the rest of the column holds.

    Parameters
    ----------
    reference, kind
        The column and its DuckDB type.
    source
        How numbers are written in text.

    """
    if kind != "VARCHAR":
        number = reference if kind == "DOUBLE" else f"TRY_CAST({reference} AS DOUBLE)"
        return f"CASE WHEN NOT isnan({number}) THEN {number} END"
    is_plain = source.decimal == "." and not source.thousands and not source.unit
    # A till's "(2.00)" and "2.00-" are less than nothing; only what is no plain number is looked at twice.
    local = _local(reference, source)
    number = f"coalesce(TRY_CAST({reference} AS DOUBLE), {local})" if is_plain else local
    number = f"CASE WHEN NOT isnan({number}) THEN {number} END"
    if not source.true_values and not source.false_values:
        return number
    cases = [f"WHEN trim({reference}) = {literal(text)} THEN 1.0::DOUBLE" for text in source.true_values]
    cases += [f"WHEN trim({reference}) = {literal(text)} THEN 0.0::DOUBLE" for text in source.false_values]
    return f"CASE {' '.join(cases)} ELSE {number} END"


def local_pattern(source: SourceSection) -> str:
    """Regular expression (RE2) of a whole number text; its first group holds the digits and marks.

    Groups of digits must be whole, so that ``1,5`` under a thousands comma is no 15.
    """
    mark = _GROUP_MARKS.get(source.thousands, re.escape(source.thousands))
    grouped = rf"[0-9]{{1,3}}(?:{mark}[0-9]{{2,3}})*{mark}[0-9]{{3}}|" if mark else ""
    point = re.escape(source.decimal)
    unit = f"(?:{re.escape(source.unit)})?{_SPACE}*" if source.unit else ""
    number = rf"((?:{grouped}[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+)"
    return rf"{unit}[-+−(]?{_SPACE}*{unit}{number}{_SPACE}*{unit}[-)]?{unit}"  # noqa: RUF001 - a true minus


def _local(reference: str, source: SourceSection) -> str:
    text = f"trim({reference}, E' \\t\\r\\n')"
    pattern = literal(local_pattern(source))
    digits = f"regexp_replace(regexp_extract({text}, {pattern}, 1), '[^0-9{source.decimal}]', '', 'g')"
    sign = f"CASE WHEN regexp_matches({text}, '[-−(]') THEN -1 ELSE 1 END"  # noqa: RUF001 - a true minus
    number = f"TRY_CAST(replace({digits}, {literal(source.decimal)}, '.') AS DOUBLE)"
    return f"(CASE WHEN regexp_full_match({text}, {pattern}) THEN {sign} * {number} END)"
