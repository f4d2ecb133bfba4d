"""The sections and keys that a draft leaves as they are by default, commented out, so that people see what there is."""

import json
import re
import textwrap
from collections.abc import Collection, Sequence
from typing import Any

from data_contracts.source_section import PLACE_KEYS
from tasks.onboarding.reference import schema

WIDTH = 32
"""Column at which comments begin, where there is room."""


SCOPES = (
    "CSV",
    "JSON",
    "Excel",
    "a folder",
    "a .zip",
    *(f"``{kind}``" for kind in ("quantity", "rating", "ordinal", "duration", "event_type")),
    *(f"``{split}``" for split in ("time", "leave_last", "leave_last_basket", "file", "random")),
)
"""What a key may be about that begins its description with ``Of``: formats, kinds of feedback, splits."""


def other_sections(drafted: Collection[str]) -> list[str]:
    """One text per section that is not `drafted`: its keys with their defaults, commented out.

    Keys without a default value stand there with ``...``; what each means is in docs/dataset-file.md.
    """
    whole = schema()
    found = []
    for name, each in whole["properties"].items():
        if name in drafted or name == "models":
            continue
        section = _section(each, whole["$defs"])
        if section is not None:
            keys = [_commented(key, value) for key, value in section["properties"].items()]
            head = f"# [[{name}]]" if each.get("type") == "array" else f"# [{name}]"
            found.append("\n".join([head, *keys]))
    return found


def other_keys(name: str, lines: Sequence[str], about: Collection[str]) -> list[str]:
    """Keys of a drafted section that its lines do not name, with their defaults, commented out.

    Parameters
    ----------
    name
        The section.
    lines
        What is drafted of it; a key that is named in a comment is named.
    about
        Those of :data:`SCOPES` that the log is: keys about the others alone are left out, and so are places of the
        log other than the one that was looked at.

    """
    whole = schema()
    section = _section(whole["properties"][name], whole["$defs"])
    assert section is not None
    named = {found[1] for line in lines if (found := re.match(r"(?:# )?(\w+) = ", line))}
    named |= {*PLACE_KEYS} if name == "source" else set()
    return [
        _commented(key, value)
        for key, value in section["properties"].items()
        if key not in named and _concerns(value.get("description", ""), about)
    ]


def _concerns(description: str, about: Collection[str]) -> bool:
    scope = re.match(r"Of ([^:;]*?)[:;.,] ", description + " ")
    mentioned = [each for each in SCOPES if scope is not None and each in scope[1]]
    return not mentioned or any(each in about for each in mentioned)


def _section(each: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any] | None:
    """The table, or the array of tables, that a key of the file is; None where it is a value or a table of tables."""
    options = [each, each.get("items", {}), *each.get("anyOf", ()), *each.get("allOf", ())]
    names = [one["$ref"].rpartition("/")[2] for one in options if "$ref" in one]
    found: dict[str, Any] | None = defs[names[0]] if names else None
    return found if found is not None and "properties" in found else None


def _commented(key: str, value: dict[str, Any]) -> str:
    default = value.get("default")
    text = "..." if default is None or isinstance(default, dict) else json.dumps(default, ensure_ascii=False)
    meaning = textwrap.shorten(
        value.get("description", "").partition(". ")[0].rstrip("."), 80, placeholder=" ..."
    )
    line = f"# {key} = {text}  "
    return f"{line:<{WIDTH}}# {meaning}" if meaning else line.rstrip()
