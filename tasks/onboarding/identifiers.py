"""Look at ids: texts that stand for nothing, whole numbers written as fractions, UUIDs as bytes, one giant user."""

import re
from collections.abc import Mapping
from typing import Any

import duckdb

from tasks.onboarding.inference import Sample
from tasks.runtime.duckdb_engine import literal
from tasks.sources.null_texts import NULL_TEXTS
from tasks.sources.open_file import OpenFile

DOUBTFUL = (
    "-",
    "--",
    "?",
    "0",
    "-1",
    "NA",
    "na",
    "none",
    "unknown",
    "anonymous",
    "guest",
    "other",
    "missing",
)
"""Texts that may stand for nothing, or for somebody."""

_GIANT = 0.2
"""Share of all rows that one user has only in a log that went wrong."""


def find_null_texts(
    connection: duckdb.DuckDBPyConnection, file: OpenFile, roles: Mapping[str, str]
) -> dict[str, dict[str, int]]:
    """How often each text that stands for nothing occurs, by column of a role."""
    found = {}
    for role, name in roles.items():
        reference, kind = file.column(name)
        if kind != "VARCHAR" or role == "time":
            continue
        listed = ", ".join(literal(text) for text in NULL_TEXTS)
        rows = connection.execute(
            f"SELECT trim({reference}), count(*) FROM {file.relation} WHERE trim({reference}) IN ({listed}) "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        if rows:
            found[name] = dict(rows)
    return found


def guess_id_formats(sample: Sample, roles: Mapping[str, str]) -> tuple[str | dict[str, str], list[str]]:
    """Value of ``id_format``, and what to tell people."""
    formats, notes = {}, []
    for role in ("user", "item", "basket"):
        if role not in roles:
            continue
        name = roles[role]
        formats[role] = _format(sample, name)
        values = [value.strip() for value in sample.values[name]]
        short = [value for value in values if re.fullmatch(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+", value)]
        if short:
            notes.append(
                f"WARNING: {len(short)} ids of {name!r} stand there as {short[0]!r}: a spreadsheet has rounded them, and "
                "different ids became one; export them as text"
            )
        if formats[role] == "integer":
            notes.append(f"ids of {name!r} are whole numbers written like '5863.0': read as '5863'")
    different = set(formats.values())
    return (next(iter(different)) if len(different) == 1 else formats), notes


def giant_users(counts: Mapping[str, Any], name: str) -> list[str]:
    """Warn of one user who has a large part of all rows."""
    user, rows = counts.get("top_user"), counts.get("top_user_rows", 0)
    if user is None or rows < _GIANT * counts["rows"] or counts["users"] < 5:
        return []
    hint = (
        "if it stands for nobody"
        if str(user) in DOUBTFUL or str(user) in NULL_TEXTS
        else "if it is a bot or a till"
    )
    of_all = f"{rows:,} of {counts['rows']:,} rows"
    return [
        f"WARNING: {user!r} of {name!r} has {of_all}; {hint}, write null_values = [{user!r}] under [source]"
    ]


def _format(sample: Sample, name: str) -> str:
    reference, kind = sample.file.column(name)
    if kind == "BLOB":
        row: Any = sample.connection.execute(
            f"SELECT count(*) FILTER (octet_length({reference}) = 16), count(*) FILTER (TRY(decode({reference})) IS NULL), "
            f"count({reference}) FROM {sample.file.relation}"
        ).fetchone()
        return "uuid" if row[2] and row[0] == row[2] and row[1] > 0.5 * row[2] else "text"
    if kind != "VARCHAR":
        return "text"
    values = [value.strip() for value in sample.values[name] if value.strip() not in NULL_TEXTS]
    pointed = sum(bool(re.fullmatch(r"-?[0-9]+\.0+", value)) for value in values)
    whole = sum(bool(re.fullmatch(r"-?[0-9]+", value)) for value in values)
    return "integer" if pointed and pointed + whole > 0.95 * len(values) else "text"
