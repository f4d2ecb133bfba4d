"""The dataset file described for people and for editors, from the classes that read it.

`python -m tasks.onboarding.reference` writes docs/dataset-file.md and data_contracts/dataset-file.schema.json anew.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_contracts.dataset import DatasetSpec
from tasks import models

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "dataset-file.md"
SCHEMA = ROOT / "data_contracts" / "dataset-file.schema.json"

_HEAD = """# The dataset file

Every section and every key of a `.toml` that describes a log, with what it may be and what it is if absent. `shelftalker init FILE` drafts one.
A key that is misspelt or out of its limits is refused before anything is read, with the file, the key, its value and the limit.

Editors that know TOML schemas (Taplo, Even Better TOML) check and complete a file whose first line is

```
#:schema file:///opt/shelftalker/data_contracts/dataset-file.schema.json
```

as drafts have it; [dataset-file.schema.json](../data_contracts/dataset-file.schema.json) is that schema. Both are written by `python -m tasks.onboarding.reference` from the classes
of `data_contracts/`; a test fails where they are older than those.
"""


def schema() -> dict[str, Any]:
    """JSON schema of a dataset file; of ``[models.NAME]`` it knows the parameters of every kind together."""
    found = DatasetSpec.model_json_schema()
    del found["properties"]["file"]  # where it lies is nothing that it says
    section = found["$defs"]["ModelSection"]
    del section["properties"]["parameters"]
    section.pop("required", None)
    section["properties"]["kind"] |= {"examples": _kinds()}
    section["additionalProperties"] = True
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Shelftalker dataset file"}
    return {**found, **title}


def page() -> str:
    """Text of docs/dataset-file.md."""
    whole = schema()
    top = {name: each for name, each in whole["properties"].items() if not _section(each)}
    parts = [_HEAD, "## At the top\n", _table(top, whole["required"])]
    for name, each in whole["properties"].items():
        section = _section(each)
        if section is not None and name != "models":
            parts += _described(name, section, whole["$defs"], optional=name not in whole["required"])
    parts += _models(whole["$defs"]["ModelSection"])
    return "\n".join(parts).rstrip() + "\n"


def _described(name: str, section: str, defs: dict[str, Any], *, optional: bool) -> Iterator[str]:
    """A section and the tables within it."""
    found = defs[section]
    yield f"\n## [{name}]\n\n{_prose(found.get('description', ''))}\n"
    if not optional:
        yield "Every dataset file has it.\n"
    yield _table(found["properties"], found.get("required", []))
    for key, each in found["properties"].items():
        for inner in re.findall(r'"#/\$defs/(\w+)"', json.dumps(each)):
            if "properties" not in defs[inner]:
                continue
            yield f"\n### {key} of [{name}]\n\n{_prose(defs[inner].get('description', ''))}\n"
            yield _table(defs[inner]["properties"], defs[inner].get("required", []))


def _models(section: dict[str, Any]) -> Iterator[str]:
    """The section of a model, and the parameters of each kind."""
    yield f"\n## [models.NAME]\n\n{_prose(section['description'])}\n"
    yield "Without any of them a file has those of `data_contracts/default_models.toml`.\n"
    yield _table(section["properties"], [])
    for kind in _kinds():
        module = models.load(kind)
        first = (module.__doc__ or "").split("\n\n")[0]
        found = module.Config.model_json_schema()
        yield f'\n### kind = "{kind}"\n\n{_prose(first)}\n'
        if found.get("properties"):
            yield _table(found["properties"], found.get("required", []), found.get("$defs"))
        else:
            yield "It has no parameters.\n"


def _kinds() -> list[str]:
    """Kinds of this project; whoever keeps models elsewhere describes them there."""
    own = Path(models.__file__).parent
    return [kind for kind in models.names() if (own / f"{kind}.py").is_file()]


def _section(each: dict[str, Any]) -> str | None:
    """Name of the class that a property of the file is a section of."""
    found = re.search(r'"#/\$defs/(\w+)"', json.dumps(each))
    return found[1] if found else None


def _table(properties: dict[str, Any], required: list[str], defs: dict[str, Any] | None = None) -> str:
    lines = ["| key | what it may be | if absent | meaning |", "|---|---|---|---|"]
    for name, each in properties.items():
        absent = "must be there" if name in required else _default(each)
        meaning = _prose(each.get("description", "")).replace("|", "\\|").replace("\n", " ")
        lines.append(f"| `{name}` | {_kind_of(each, defs or {})} | {absent} | {meaning} |")
    return "\n".join(lines) + "\n"


def _default(each: dict[str, Any]) -> str:
    if each.get("default") is None:
        return "see there" if "default" not in each else "not set"
    return f"`{json.dumps(each['default'], ensure_ascii=False)}`".replace("|", "\\|")


def _kind_of(each: dict[str, Any], defs: dict[str, Any]) -> str:
    """What a value may be, in words."""
    if "anyOf" in each:
        return " or ".join(_kind_of(one, defs) for one in each["anyOf"] if one.get("type") != "null")
    if "$ref" in each:
        inner = defs.get(each["$ref"].rpartition("/")[2], {})
        return _kind_of(inner, defs) if inner.get("enum") else "a table"
    named = [each["const"]] if "const" in each else each.get("enum")
    if named:
        return ", ".join(f"`{json.dumps(one)}`" for one in named)
    return _typed(each, defs)


def _typed(each: dict[str, Any], defs: dict[str, Any]) -> str:
    kind = each.get("type", "anything")
    if kind == "array":
        inner = _kind_of(each["items"], defs) if "items" in each else "values"
        return f"list of {inner}{_bounds(each, 'Items', ' entries')}"
    if kind == "object":
        values = each.get("additionalProperties")
        return (
            f"table of names to {_kind_of(values, defs)}" if isinstance(values, dict) and values else "table"
        )
    word = "date" if each.get("format") == "date" else _WORDS.get(kind, kind)
    return word + _bounds(each, "Length", " characters")


_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
}


def _bounds(each: dict[str, Any], lengths: str, unit: str) -> str:
    found = [
        f"{words} {each[key]:.15g}{ending}"
        for key, words, ending in (
            ("minimum", "from", ""),
            ("exclusiveMinimum", "above", ""),
            (f"min{lengths}", "at least", unit),
            ("maximum", "to", ""),
            ("exclusiveMaximum", "below", ""),
            (f"max{lengths}", "at most", unit),
        )
        if key in each
    ]
    return ", " + " ".join(found) if found else ""


def _prose(text: str) -> str:
    """A docstring as Markdown."""
    text = re.sub(r":(?:mod|class|func|meth|attr):`~?([^`]+)`", r"`\1`", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text).strip()


def texts() -> dict[Path, str]:
    """Each file that is made here, and what it must hold."""
    return {PAGE: page(), SCHEMA: json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"}


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8")
