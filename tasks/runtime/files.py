"""Small file operations: hashes, JSON, and writing so that a crash leaves the old or the new."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_contracts.errors import ConfigurationError

_PATTERN = re.compile(r"[\[*?]")


def pattern_of(path: Path) -> str:
    """Text by which DuckDB's readers find this one file: they take ``[ ] * ?`` in a path for a pattern.

    Raises
    ------
    ConfigurationError
        If the path holds a backslash too, for which DuckDB's patterns have no sign.

    """
    text = str(path)
    if not _PATTERN.search(text):
        return text
    if "\\" in text:
        raise ConfigurationError(f"{text!r} holds a backslash and one of [ * ?; rename the file or folder")
    return _PATTERN.sub(r"[\g<0>]", text)


def sha256_of(path: Path) -> str:
    """Sha256 of a file's content, streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people and programs alike: indented, in the order given."""
    path.write_text(_json(content), "utf-8")


def replace_json(path: Path, content: Any) -> None:
    """Replace a JSON file in one step: readers see the old or the new, never a part."""
    replace_text(path, _json(content))


def replace_text(path: Path, text: str) -> None:
    """Replace a text file in one step: readers see the old or the new, never a part."""
    replace_file(path, lambda temporary: temporary.write_text(text, "utf-8"))


def replace_copy(source: Path, path: Path) -> None:
    """Replace a file by a copy of another one, in one step."""
    replace_file(path, lambda temporary: shutil.copyfile(source, temporary))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Replace a file by what `write` puts into a temporary sibling; nothing is left of a failure."""
    handle, name = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        fsync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    fsync(path.parent)


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
