"""What a log consists of: its files, their format and encoding, and how their lines or sheets are laid out."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.onboarding.encodings import guess_encoding
from tasks.onboarding.folders import one_table
from tasks.onboarding.layout import Layout, guess_csv_layout, guess_sheet_layout
from tasks.onboarding.words import name_score
from tasks.sources.content import open_bytes, unpacked
from tasks.sources.excel import read_sheet, read_table, sheet_names
from tasks.sources.files import readable_inside
from tasks.sources.formats import ENDINGS, READ, Format, archive_member, beginning, format_of, is_archive

LOOKED_AT = 60
"""Files of a folder that are looked at; of more, some from all over."""

_BLANK = SourceSection(path=".")


@dataclass
class Input:
    """A log as it lies there.

    Parameters
    ----------
    files
        What is read, with formats.
    settings
        Keys of ``[source]`` that were found out, but for the path.
    notes
        What to tell people.

    """

    files: list[tuple[Path, Format]]
    settings: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    path: Path = Path()
    """What the dataset file names."""

    @property
    def source(self) -> SourceSection:
        """The section as far as it is known."""
        return SourceSection.model_validate({"path": str(self.path.absolute()), **self.settings})


def find_input(file: Path, scratch: Path) -> Input:
    """Look at a file or folder.

    Raises
    ------
    ConfigurationError
        If it is missing, elsewhere, or of a form that is not read.
    ContractError
        If it is broken.

    """
    if re.match(r"[a-z][a-z0-9+]+:/", str(file)):
        raise ConfigurationError(
            f"{file} is an address; files are read from this machine: copy it here first (aws s3 cp, gsutil cp, "
            f"curl -O), or give a database as url_env and query under [source] (docs/databases.md). {READ}"
        )
    if not file.exists():
        raise ConfigurationError(f"{file} does not exist")
    return _of_folder(file, scratch) if file.is_dir() else _of_file(file, scratch)


def _of_file(file: Path, scratch: Path) -> Input:
    settings: dict[str, Any] = {}
    notes: list[str] = []
    if file.stat().st_size == 0:
        raise ContractError(f"{file} is empty")
    if is_archive(file):
        _choose_member(file, settings, notes)
    kind = _kind(file, settings)
    content = unpacked(file, settings.get("member"), scratch)
    if kind in {"csv", "json"}:
        kind = _kind_of_text(file, content, kind)
        if kind != _said(file, settings):
            settings["format"] = kind
    layout = _layout(content, kind)
    return Input([(file, kind)], {**settings, **layout.keys}, [*notes, *layout.notes], file)


def _of_folder(folder: Path, scratch: Path) -> Input:
    paths = [path for path in readable_inside(folder) if path.stat().st_size]
    if not paths:
        raise ConfigurationError(f"folder {folder} holds no file to read ({', '.join(ENDINGS)})")
    looked = {path: _of_file(path, scratch) for path in paths[:: -(-len(paths) // LOOKED_AT)]}
    columns = {path: _names(found, scratch) for path, found in looked.items()}
    table = one_table(folder, paths, columns)
    members = [looked[path] for path in table.paths if path in looked]
    if table.paths == [table.path]:
        return Input(members[0].files, members[0].settings, [*table.notes, *members[0].notes], table.path)
    settings, differing = _common([found.settings for found in members])
    notes = [*table.notes, *dict.fromkeys(note for found in members for note in found.notes)]
    if differing:
        named = ", ".join(found.path.name for found in members if found.settings != settings)
        notes.append(
            f"WARNING: files are not laid out alike ({', '.join(sorted(differing))} differ): {named[:300]}; the keys "
            "under [source] are for all of them, so convert those"
        )
    if table.pattern:
        settings["files"] = table.pattern
    kinds = {path: found.files[0][1] for path, found in looked.items()}
    usual = members[0].files[0][1]
    return Input([(path, kinds.get(path, usual)) for path in table.paths], settings, notes, folder)


def _common(all_settings: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], set[str]]:
    """For each key what most files say, and the keys that they disagree about; plain ASCII is any encoding."""
    found: dict[str, Any] = {}
    differing = set()
    for key in dict.fromkeys(key for settings in all_settings for key in settings):
        said = [json.dumps(settings.get(key)) for settings in all_settings]
        counted = Counter(said)
        value = json.loads(counted.most_common(1)[0][0])
        if key == "encoding":
            counted.pop("null", None)
            value = json.loads(counted.most_common(1)[0][0])
        if len(counted) > 1:
            differing.add(key)
        if value is not None:
            found[key] = value
    return found, differing


def _names(found: Input, scratch: Path) -> tuple[str, ...]:
    import duckdb

    from tasks.sources.files import open_file

    path, kind = found.files[0]
    with duckdb.connect() as connection:
        return open_file(connection, path, kind, found.source, scratch).names


def _choose_member(file: Path, settings: dict[str, Any], notes: list[str]) -> None:
    """Take the largest readable file of an archive that holds several."""
    import zipfile

    with zipfile.ZipFile(file) as archive:
        inside = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}
    readable = {
        name: size
        for name, size in inside.items()
        if Path(name).suffix.lower() in {*ENDINGS, ".dat", ".data", ".gz", ""}
        and not name.startswith("__MACOSX")
        and Path(name).name[0] not in "._"
    }
    if len(readable) > 1 or (readable and len(inside) > 1):
        chosen = max(
            readable, key=lambda name: (not Path(name).stem.lower().startswith("readme"), readable[name])
        )
        settings["member"] = chosen
        notes.append(
            f"WARNING: {file.name} holds several files: {', '.join(inside)}; only the largest is read, see member"
        )
    archive_member(file, settings.get("member"))


def _kind(file: Path, settings: dict[str, Any]) -> Format:
    try:
        return format_of(file, "auto", settings.get("member"))
    except ConfigurationError:
        begins = beginning(file, 4096)
        if b"\0" in begins and not begins.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise
        return "csv"


def _said(file: Path, settings: dict[str, Any]) -> Format | None:
    try:
        return format_of(file, "auto", settings.get("member"))
    except ConfigurationError:
        return None


def _kind_of_text(file: Path, content: Path, kind: Format) -> Format:
    """Tell JSON from delimited text, and refuse what is neither."""
    encoding = guess_encoding(content)
    with open_bytes(content) as raw:
        text = raw.read(2**16).decode(encoding, errors="replace").removeprefix("\ufeff").lstrip()
    first = text.partition("\n")[0].strip()
    if re.match(r"\{\s*u?'", first):
        raise ContractError(
            f"{file} holds Python dictionaries with single quotes rather than JSON; convert it: python -c "
            "'import ast, json, sys; [print(json.dumps(ast.literal_eval(line))) for line in sys.stdin]' < old > new.jsonl"
        )
    if text.startswith(("{", "[")):
        return "json"
    if re.match(r"<(\?xml|!doctype|html|[a-z]+[ >])", text, re.IGNORECASE):
        raise ConfigurationError(f"{file} is XML or a web page; save the table in it as CSV. {READ}")
    if re.match(r"(--|/\*|CREATE TABLE|INSERT INTO|DROP TABLE|BEGIN;)", text) and "INSERT INTO" in text:
        raise ConfigurationError(
            f"{file} is a dump of a database; load it there and write url_env and query under [source]. {READ}"
        )
    if kind == "json":
        raise ContractError(f"{file} begins with {first[:60]!r}, which is no JSON; write one object a line")
    return "csv"


def _layout(content: Path, kind: Format) -> Layout:
    if kind == "parquet":
        return Layout()
    if kind == "excel":
        return _sheets(content)
    encoding = guess_encoding(content)
    layout = guess_csv_layout(content, encoding) if kind == "csv" else Layout()
    if encoding != "utf-8":
        layout.keys = {"encoding": encoding, **layout.keys}
        layout.notes.append(
            f"the encoding looks like {encoding}: look at words with other letters than a to z"
        )
    return layout


def _sheets(content: Path) -> Layout:
    """The sheet that looks most like a log, with others of the same columns."""
    names = sheet_names(content)
    found: dict[str, tuple[tuple[str, ...], int, Layout]] = {}
    for name in names:
        frame = read_sheet(content, _BLANK, name)
        layout = guess_sheet_layout(frame)
        if frame.notna().sum().sum() == 0:
            continue
        section = SourceSection.model_validate({"path": ".", "sheet": name, **layout.keys})
        header, rows = read_table(content, section)
        found[name] = (tuple(header), len(rows), layout)
    if not found:
        raise ContractError(f"{content}, sheet 'first' is empty")
    best = max(found, key=lambda name: (_fits(found[name][0]), found[name][1], -names.index(name)))
    columns, _, layout = found[best]
    alike = [name for name in found if found[name][0] == columns and found[name][2].keys == layout.keys]
    if len(alike) > 1:
        layout.keys["sheet"] = alike
    elif best != names[0]:
        layout.keys["sheet"] = best
    left_out = [name for name in found if name not in alike]
    if left_out:
        layout.notes.append(f"sheets that are not read: {', '.join(left_out)}")
    return layout


def _fits(names: Sequence[str]) -> int:
    """How many of user, item and time a table's columns may be."""
    return sum(any(name_score(role, name) for name in names) for role in ("user", "item", "time"))
