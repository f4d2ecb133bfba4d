"""Small file operations: hashes, JSON, and writing so that a crash leaves the old or the new.

Every file that says how a home stands (pointers, manifests, receipts, summaries) is read by :func:`read_json`, which
names it where it is damaged. Whoever can go on without it tells people so with :func:`report_damage`.
"""

import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data_contracts.errors import ConfigurationError, DamagedError

UMASK = os.umask(0o077)
"""Permissions that whoever started this process takes from every new file; asked once, as asking means setting."""
os.umask(UMASK)

LOGGER = logging.getLogger("shelftalker")
_reported: set[str] = set()


def report_damage(what: str) -> None:
    """Tell people of damage that the program goes on in spite of, once a process."""
    if what not in _reported:
        _reported.add(what)
        LOGGER.warning(what)


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
    """Read a JSON object.

    Raises
    ------
    DamagedError
        Naming the file, if it is not there or holds anything else.

    """
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedError(f"{path} is missing") from error
    except IsADirectoryError as error:
        raise DamagedError(f"{path} is a folder, where a file should be") from error
    except (ValueError, RecursionError) as error:
        said = "it is empty" if not path.stat().st_size else str(error)
        raise DamagedError(f"{path} is damaged: {said}") from error
    if not isinstance(content, dict):
        raise DamagedError(f"{path} is damaged: it holds {type(content).__name__}, not a JSON object")
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
    """Replace a file by what `write` puts into a temporary sibling; nothing is left of a failure.

    The sibling is locked while this process fills it: what nobody holds, a killed process left
    (:func:`tasks.runtime.home.sweep`).

    Raises
    ------
    DamagedError
        If a folder has taken the file's place.

    """
    temporary, handle = _locked_file(path.parent)
    try:
        write(temporary)
        temporary.chmod(0o666 & ~UMASK)
        fsync(temporary)
        temporary.replace(path)
    except IsADirectoryError as error:
        raise DamagedError(f"{path} is a folder, where a file should be; move it away") from error
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)
    fsync(path.parent)


def _locked_file(folder: Path) -> tuple[Path, int]:
    """Make a temporary file and lock it; returns it with the handle that holds the lock."""
    while True:
        handle, name = tempfile.mkstemp(prefix=".tmp-", dir=folder)
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Another run's sweep may have come between making and locking.
        if (temporary := Path(name)).exists():
            return temporary, handle
        os.close(handle)


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
