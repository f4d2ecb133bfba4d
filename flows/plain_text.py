"""Output for terminals and files that cannot take every character: it is spelt otherwise, and never ends a run."""

import codecs
from typing import Any, TextIO

HANDLER = "shelftalker"
SPELT = str.maketrans({"✓": "+", "…": "...", "\N{EN DASH}": "-", "“": '"', "”": '"'})
"""Characters of our own, as ASCII."""


def escaped(error: UnicodeError) -> tuple[str, int]:
    """Spell what cannot be encoded by its number, as JSON does, which reads it as the same text."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end


def never_fail(*streams: Any) -> None:
    """Let streams escape what their encoding lacks, instead of raising after the work is done."""
    codecs.register_error(HANDLER, escaped)
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)


class Plain:
    """A stream for tables whose encoding lacks our characters: they are spelt in ASCII."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write text as ASCII spells it."""
        return self.stream.write(text.translate(SPELT))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def printed_to(stream: Any) -> Any:
    """The stream, or one that spells our characters in ASCII where it cannot take them."""
    try:
        "✓…".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return Plain(stream)
    return stream
