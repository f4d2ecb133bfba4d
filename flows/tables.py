"""Rows as tables at a terminal. A look-up prints with it, so nothing here imports Prefect."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from data_contracts.columns import BECAUSE, ITEM_ID, SHARE, TITLE, WHY
from data_contracts.published_files import N_REASONS

LONGEST_WORD = 32
"""Characters of a word up to which it is never cut; a longer one, such as a path, may go on in the next line."""
EDGE = 3
"""Of a column: its border and a space on each side."""

Row = Mapping[str, Any]


class Widths(NamedTuple):
    """Characters of a column without its edges."""

    least: int
    """Its longest word."""
    full: int
    """Its longest line."""


def rows_table(
    rows: Sequence[Row],
    title: str = "",
    width: int | None = None,
    *,
    first: Sequence[str] = (),
    whole: bool = False,
    styles: Sequence[str] = (),
) -> Table:
    """A table of any rows that share their keys.

    A column that has no room is left out whole, and named below the table: words and numbers that are cut say
    nothing. Others wrap between words.

    Parameters
    ----------
    rows
        Values, or texts with a style of their own.
    title
        Above the table.
    width
        Of the terminal; all columns are shown, and none is wrapped, if absent.
    first
        Columns that get room before the others, which follow from the left. The first column is always there.
    whole
        Do not wrap cells, only names of columns.
    styles
        One for each row.

    """
    cells = [{name: _text(value) for name, value in row.items()} for row in rows]
    widths = widths_of(cells, whole=whole)
    kept = widths if width is None else fitting(widths, width, first)
    left_out = [name for name in widths if name not in kept]
    caption = f"no room for {', '.join(left_out)}" if left_out else None
    table = Table(title=title or None, title_justify="left", caption=caption, caption_justify="left")
    for name, wide in shared(kept, width).items():
        justify: Literal["left", "right"] = "right" if _is_numbers(cells, name) else "left"
        table.add_column(printable(name), justify=justify, overflow="fold", width=wide)
    for at, row in enumerate(cells):
        table.add_row(*(row[name] for name in kept), style=styles[at] if styles else "")
    return table


def widths_of(cells: Sequence[Mapping[str, Text]], *, whole: bool = False) -> dict[str, Widths]:
    """Room that each column needs: with `whole`, so that no cell is wrapped."""
    found = {}
    for name in cells[0] if cells else ():
        texts = [row[name].plain for row in cells]
        words = [*name.split(), *(texts if whole else (word for text in texts for word in text.split()))]
        longest = max(map(cell_len, words), default=0)
        full = max(cell_len(name), longest, *map(cell_len, texts))
        found[name] = Widths(longest if whole else min(longest, LONGEST_WORD), full)
    return found


def needed_width(rows: Sequence[Row]) -> int:
    """Room that a table of rows takes at least."""
    cells = [{name: _text(value) for name, value in row.items()} for row in rows]
    return 1 + sum(each.least + EDGE for each in widths_of(cells).values())


def fitting(widths: Mapping[str, Widths], width: int, first: Sequence[str] = ()) -> dict[str, Widths]:
    """Columns whose longest words fit into a width: the first one, those of `first`, then the others from the left."""
    names = list(widths)
    room, kept = width - 1, set[str]()
    for name in dict.fromkeys([*names[:1], *(name for name in first if name in widths), *names]):
        needed = widths[name].least + EDGE
        if not kept or needed <= room:
            kept.add(name)
            room -= needed
    return {name: widths[name] for name in names if name in kept}


def shared(kept: Mapping[str, Widths], width: int | None) -> dict[str, int]:
    """Width of each column: what it needs at least, and of what is left as much as it can use, the narrowest first."""
    if width is None:
        return {name: each.full for name, each in kept.items()}
    spare = max(0, width - 1 - sum(each.least + EDGE for each in kept.values()))
    found: dict[str, int] = {}
    for done, name in enumerate(sorted(kept, key=lambda name: kept[name].full - kept[name].least)):
        least, full = kept[name]
        more = min(full - least, spare // (len(kept) - done))
        found[name], spare = least + more, spare - more
    only = len(kept) == 1
    return {name: min(found[name], width - 1 - EDGE) if only else found[name] for name in kept}


NUMBER = re.compile(r"[-+<]? ?[0-9][0-9,.]*( ?%)?( \[.*\])?|-|")


def _is_numbers(cells: Sequence[Mapping[str, Text]], name: str) -> bool:
    """Whether a column holds figures, which are read from the right; ids are none, even where they are digits."""
    if name.endswith("_id") or not any(row[name].plain.strip("-") for row in cells):
        return False
    return all(NUMBER.fullmatch(row[name].plain) for row in cells)


def _text(value: Any) -> Text:
    return value if isinstance(value, Text) else Text(cell(value))


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
