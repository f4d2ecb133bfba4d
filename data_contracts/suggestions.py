"""Did you mean ...? For names that people type."""

from collections.abc import Iterable
from difflib import get_close_matches

CLOSE = 0.6
"""Share of letters in common, by :class:`difflib.SequenceMatcher`, from which a name is suggested."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """``"; did you mean 'orders'?"``, or nothing where no name is close."""
    by_small = {name.lower(): name for name in known}
    close = get_close_matches(given.lower(), by_small, n=1, cutoff=CLOSE)
    return f"; did you mean {by_small[close[0]]!r}?" if close else ""
