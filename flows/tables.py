"""Rows as tables at a terminal. A look-up prints with it, so nothing here imports Prefect."""

from typing import Any

from rich.table import Table
from rich.text import Text

from data_contracts.columns import BECAUSE, ITEM_ID, RANK, SCORE, SHARE, TITLE, WHY
from data_contracts.published_files import N_REASONS


def rows_table(rows: list[dict[str, Any]], title: str = "") -> Table:
    """A table of any rows that share their keys."""
    table = Table(title=title or None, title_justify="left")
    for name in rows[0] if rows else ():
        table.add_column(name, justify="right" if name in {RANK, SCORE, "rows"} else "left")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row.values()))
    return table


def reasons_as_columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turn the list of past items behind each row into columns ``because_1``, ``because_2``, ..."""
    shown = []
    for row in rows:
        plain = {name: value for name, value in row.items() if name not in {BECAUSE, WHY}}
        for place in range(N_REASONS):
            past = row[BECAUSE][place] if place < len(row[BECAUSE]) else None
            named = "" if past is None else f"{past.get(TITLE) or past[ITEM_ID]} ({past[SHARE]:.0%})"
            plain[f"{BECAUSE}_{place + 1}"] = named
        shown.append({**plain, WHY: row[WHY]})
    return shown


def cell(value: Any) -> str:
    """A value as text for people."""
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else printable(str(value))


def printable(text: str, keep: str = "") -> str:
    """Text for a terminal; what comes from outside may move its cursor or ring its bell, and is shown as an escape.

    Characters of `keep`, such as line feeds, stay as they are.
    """
    return "".join(c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)
