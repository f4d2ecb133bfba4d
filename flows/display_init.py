"""What `shelftalker init` prints of what it found."""

import sys

from rich.console import Console
from rich.text import Text

from flows.narrow_tables import fitting_table
from flows.tables import printable
from tasks.onboarding.draft import Drafted


def show_draft(drafted: Drafted, path: str, console: Console | None = None) -> None:
    """Print what was guessed, what is doubtful, which columns are not used and why, and what to do next."""
    out = console or Console(width=None if sys.stdout.isatty() else 100)
    guessed = [{"key": key, "guess": guess} for key, guess in drafted.guesses.items()]
    out.print(fitting_table(guessed, out.width, "what was guessed"))
    if drafted.unused:
        unused = [{"column": name, "why": why} for name, why in drafted.unused.items()]
        out.print(fitting_table(unused, out.width, "columns that are not used"))
    for note in drafted.notes:
        # A warning stays in one piece: whoever looks for it in a log finds it.
        style = "yellow" if note.startswith("WARNING") else ""
        out.print(Text(printable(f"  {note}"), style), soft_wrap=True)
    command = printable(path)
    out.print(
        Text(f"Read both, then:\n  shelftalker check {command}\n  shelftalker run --dataset {command}"),
        soft_wrap=True,
    )
