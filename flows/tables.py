"""Rows as tables at a terminal. A look-up prints with it, so nothing here imports Prefect."""

from typing import Any

from rich.table import Table
from rich.text import Text

from data_contracts.columns import BECAUSE, ITEM_ID, RANK, SCORE, SHARE, TITLE, WHY
from data_contracts.published_files import N_REASONS

N_KEPT = 2
"""Columns that are never left out: what a row is about."""


def rows_table(rows: list[dict[str, Any]], title: str = "", width: int | None = None) -> Table:
    """A table of any rows that share their keys; with a `width`, of the columns that it has room for."""
    cells = [{name: cell(value) for name, value in row.items()} for row in rows]
    table = Table(title=title or None, title_justify="left")
    names = list(cells[0]) if cells and width is None else fitting(cells, width or 0)
    for name in names:
        # Rich cuts words where it may wrap a column; what has no space is not wrapped.
        whole = width is not None and not any(" " in row[name] for row in cells)
        justify: Any = "right" if name in {RANK, SCORE, "rows"} else "left"
        table.add_column(name, justify=justify, no_wrap=whole)
    for row in cells:
        table.add_row(*(Text(row[name]) for name in names))
    return table


def fitting(cells: list[dict[str, str]], width: int) -> list[str]:
    """Names of the columns whose longest words fit into a width; the widest are left out first.

    A column that does not fit is left out whole: words and numbers that are cut say nothing.
    """
    needed = needed_widths(cells)
    kept = list(needed)
    while len(kept) > N_KEPT and sum(needed[name] for name in kept) >= width:
        kept.remove(max(kept[N_KEPT:], key=lambda name: needed[name]))
    return kept


def needed_widths(cells: list[dict[str, str]]) -> dict[str, int]:
    """Room that each column takes at least, its border included."""
    return {
        name: 3 + max(len(word) for row in cells for word in ["", *name.split(), *row[name].split()])
        for name in (cells[0] if cells else ())
    }


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
