"""Find out how the lines of a text file are laid out: delimiter, what stands above the header, whether there is one."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.onboarding.words import ROLE_WORDS, name_score
from tasks.sources.content import open_bytes
from tasks.sources.csv_format import DELIMITERS

_TRIED = (*DELIMITERS, "::", "\x01", "^", "~", "¦", "§", " ")
"""Delimiters, of equal ones the first; a space only where nothing else parts every line."""

_LOOKED_AT = 2**20
_LINES = 500
_DATA = re.compile(r"[-+]?[0-9][0-9.,:/ TZ+-]*")
"""Numbers and times: what no column is called."""


@dataclass
class Layout:
    """What was found, as keys of ``[source]``, and what to tell people."""

    keys: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def guess_csv_layout(path: Path, encoding: str) -> Layout:
    """Look at the first lines of a text file."""
    with open_bytes(path) as raw:
        start = raw.read(_LOOKED_AT)
    text = start.decode(encoding, errors="replace").removeprefix("\ufeff")
    found = Layout()
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = lines[:-1] if len(start) == _LOOKED_AT else lines
    has_separator = bool(lines) and bool(re.fullmatch(r'"?sep=."?\s*', lines[0], re.IGNORECASE))
    delimiter = lines[0].strip('" ')[4] if has_separator else _delimiter(lines)
    if '\\"' in text and '"' in text and not re.search(r'\\""', text):
        found.keys["escape"] = "\\"
    if delimiter is None:
        return found
    offset = int(has_separator)
    skipped, rows = _rows(lines[offset:], delimiter, found.keys.get("escape"))
    if not has_separator and (skipped or delimiter != max(DELIMITERS, key=lines[skipped].count)):
        found.keys["delimiter"] = delimiter
    if skipped:
        found.keys["skip_rows"] = skipped + offset
        found.notes.append(f"{skipped} line(s) above the header are skipped")
        if has_separator:
            found.keys["delimiter"] = delimiter
    _header(found, rows)
    return found


def guess_sheet_layout(frame: pd.DataFrame) -> Layout:
    """Look at the first rows of a sheet, its cells as text.

    Parameters
    ----------
    frame
        The sheet without a header.

    """
    found = Layout()
    rows = [["" if pd.isna(cell) else str(cell) for cell in row] for row in frame.head(_LINES).to_numpy()]
    filled = [sum(bool(cell) for cell in row) for row in rows]
    usual = Counter(count for count in filled if count).most_common(1)
    if not usual:
        return found
    skipped = next(at for at, count in enumerate(filled) if count >= usual[0][0])
    if skipped:
        found.keys["skip_rows"] = skipped
        found.notes.append(f"{skipped} row(s) above the header are skipped")
    _header(found, [row for row in rows[skipped:] if any(row)])
    return found


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: it differs in kind from what stands below."""
    first, rest = rows[0], rows[1:]
    if not rest:
        return True
    is_title = False
    for at, cell in enumerate(first):
        below = [row[at].strip() for row in rest if len(row) > at and row[at].strip()]
        is_data = bool(below) and sum(bool(_DATA.fullmatch(value)) for value in below) > 0.9 * len(below)
        if is_data and _DATA.fullmatch(cell.strip()):
            return False
        is_title |= is_data and bool(cell.strip())
    if is_title or any(_is_name(cell) for cell in first):
        return True
    again = [
        cell.strip() in {row[at].strip() for row in rest if len(row) > at} for at, cell in enumerate(first)
    ]
    return not any(again)


def _is_name(cell: str) -> bool:
    """Whether a cell is what columns are called."""
    is_word = not re.search(r"[0-9]", cell)
    return is_word and max(name_score(role, cell) for role in ROLE_WORDS) >= 200


def _header(found: Layout, rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    if not has_header(rows):
        found.keys["header"] = False
        names = [f"column{at}" for at in range(1, len(rows[0]) + 1)]
        found.keys["names"] = names
        found.notes.append(
            f"WARNING: there is no header line, so the columns are called {', '.join(names)}; what each means "
            "is guessed from its content"
        )
        return
    usual = Counter(len(row) for row in rows[1:]).most_common(1)
    if usual and usual[0][0] == len(rows[0]) + 1:
        _one_more_field(found, rows)
    elif repeated := [
        name for name, n in Counter(cell.strip() for cell in rows[0]).items() if n > 1 and name
    ]:
        found.keys["names"] = _told_apart([cell.strip() for cell in rows[0]])
        found.notes.append(
            f"WARNING: more than one column is called {repeated[0]!r}; they are told apart by names"
        )


def _told_apart(header: Sequence[str]) -> list[str]:
    """Names that differ: the second ``time`` is ``time_2``."""
    seen: Counter[str] = Counter()
    names = []
    for at, name in enumerate(header, 1):
        seen[name] += 1
        names.append(f"column{at}" if not name else name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def _one_more_field(found: Layout, rows: Sequence[Sequence[str]]) -> None:
    """Rows with a field more than the header: row names before it, as R writes, or a delimiter at each end."""
    header = [name.strip() for name in rows[0]]
    trailing = all(not row[-1].strip() for row in rows[1:] if len(row) == len(header) + 1)
    names = [*header, "after_last"] if trailing else ["row_name", *header]
    found.keys |= {"header": False, "names": names, "skip_rows": int(found.keys.get("skip_rows", 0)) + 1}
    what = "end with a delimiter" if trailing else "begin with a row name that the header leaves out"
    found.notes.append(f"rows {what}; the columns are named under [source]")


def _delimiter(lines: Sequence[str]) -> str | None:
    """The delimiter that parts the most lines into the same number of fields."""
    shown = [line for line in lines[:_LINES] if line.strip()]
    best: tuple[float, int] = (0.0, 0)
    found = None
    for delimiter in _TRIED:
        counts = Counter(len(row) for row in _parsed(shown, delimiter, None) if len(row) > 1)
        if not counts or (delimiter == " " and found):
            continue
        fields, n = counts.most_common(1)[0]
        # Half a percent for each further field: a comma inside every title must not beat the tabs.
        score = (round(n / len(shown), 2) + 0.005 * min(fields, 20), fields)
        if n >= 0.5 * len(shown) and score > best:
            best, found = score, delimiter
    return found


def _rows(lines: Sequence[str], delimiter: str, escape: str | None) -> tuple[int, list[list[str]]]:
    """Lines above the first that has as many fields as most, and the rows from there on."""
    shown = lines[:_LINES]
    parsed = [_parsed([line], delimiter, escape)[0] if line.strip() else [] for line in shown]
    usual = Counter(len(row) for row in parsed if row).most_common(1)[0][0]
    skipped = 0
    for at, row in enumerate(parsed[:100]):
        filled = sum(bool(cell.strip()) for cell in row)
        below = [other for other in parsed[at + 1 :] if other]
        # A header may lack the name of the first column; a line above the header is no such one.
        is_short = len(row) == usual - 1 and bool(below) and len(below[0]) == usual and not has_header(below)
        if (len(row) == usual or is_short) and filled > max(1, usual // 2) - (usual == 1):
            skipped = at
            break
    return skipped, [row for row in parsed[skipped:] if row]


def _parsed(lines: Sequence[str], delimiter: str, escape: str | None) -> list[list[str]]:
    if len(delimiter) > 1:
        return [line.split(delimiter) for line in lines]
    options: Any = {"delimiter": delimiter, "strict": False}
    if escape:
        options |= {"escapechar": escape, "doublequote": False}
    try:
        return list(csv.reader(io.StringIO("\n".join(lines)), **options))
    except csv.Error:
        return [line.split(delimiter) for line in lines]
