"""The sections that a draft leaves as they are by default, commented out, so that people see what there is."""

import json
import textwrap
from typing import Any

from tasks.onboarding.reference import schema

WIDTH = 32
"""Column at which comments begin, where there is room."""


def other_sections(drafted: set[str]) -> list[str]:
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
            found.append("\n".join([f"# [{name}]", *keys]))
    return found


def _section(each: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any] | None:
    """The table that a key of the file is; None where it is a value or a table of tables."""
    options = [each, *each.get("anyOf", ()), *each.get("allOf", ())]
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
