"""What `shelftalker init` prints of what it found."""

import sys

from rich.console import Console
from rich.text import Text

from flows.tables import printable, rows_table
from tasks.onboarding.draft import Drafted


def show_draft(drafted: Drafted, path: str, console: Console | None = None) -> None:
    """Print what was guessed, what is doubtful, which columns are not used and why, and what to do next."""
    out = console or Console(width=None if sys.stdout.isatty() else 100)
    guessed = [{"key": key, "guess": guess} for key, guess in drafted.guesses.items()]
    out.print(rows_table(guessed, "what was guessed", out.width))
    if drafted.unused:
        unused = [{"column": name, "why": why} for name, why in drafted.unused.items()]
        out.print(rows_table(unused, "columns that are not used", out.width))
    for note in drafted.notes:
        # In a file a note stays in one piece: whoever looks for it there finds it.
        style = "yellow" if note.startswith("WARNING") else ""
        out.print(Text(printable(f"  {note}"), style), soft_wrap=not out.is_terminal)
    command = printable(path)
    out.print(
        Text(f"Read both, then:\n  shelftalker check {command}\n  shelftalker run --dataset {command}"),
        soft_wrap=True,
    )
