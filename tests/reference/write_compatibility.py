"""Write docs/compatibility.md from the list of odd files: `python tests/reference/write_compatibility.py`."""

from pathlib import Path

from odd_files import ODD, Odd

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"

_HEAD = """# Odd files

What `shelftalker init` and a run make of files of the kinds that people have, most of them seen in public trackers. Every line is
a test ([tests/cases/test_compatibility.py](../tests/cases/test_compatibility.py)): the file is made, drafted, read, and its
users, items, times and values are compared with what went in. In each of them, rows read = accepted + rejected, and the accepted
ones with a user and those without one add up. This page is written by `tests/reference/write_compatibility.py` from the list
in `tests/reference/odd_files.py`; a test fails where it is older than the list.

| file | seen | what happens |
|---|---|---|
"""


def page() -> str:
    """Text of the page."""
    return _HEAD + "".join(
        f"| {_cell(odd.name)} | {_cell(odd.seen)} | {_cell(outcome(odd))} |\n" for odd in ODD
    )


def outcome(odd: Odd) -> str:
    """What happens, in words."""
    if odd.refused:
        return f"refused; the message says “{odd.refused}” and what to do"
    said = "; `init` writes " + ", ".join(f"`{words}`" for words in odd.says) if odd.says else ""
    lost = f", {odd.rejected} of {odd.rows} rows rejected" if odd.rejected else ""
    without = f", {odd.anonymous} rows without a user" if odd.anonymous else ""
    return f"read{lost}{without}{said}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
