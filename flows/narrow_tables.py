"""Tables that fit a terminal: columns that have no room are left out, longest words are wrapped, none is cut."""

from typing import Any

from rich.table import Table
from rich.text import Text

from flows.tables import cell

PADDING = 3
"""Of a column: its border and a space on each side."""
SHORTEST = 12
"""Characters that a column of words may be narrowed to."""


def fitting_table(
    rows: list[dict[str, Any]], width: int, title: str = "", numbers: frozenset[str] = frozenset()
) -> Table:
    """A table of rows that share their keys, in a terminal of `width` characters.

    The first column always stays; of the others as many as there is room for, from the left. A caption names those that are left out.
    """
    names = list(rows[0]) if rows else []
    room, kept = width - 1, list[str]()
    for name in names:
        longest = max(len(name), *(min(len(cell(row[name])), SHORTEST) for row in rows))
        if not kept or longest + PADDING <= room:
            kept.append(name)
            room -= longest + PADDING
    left = [name for name in names if name not in kept]
    caption = f"no room for {', '.join(left)}" if left else None
    table = Table(title=title or None, title_justify="left", caption=caption, caption_justify="left")
    for name in kept:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(row[name])) for name in kept))
    return table
