"""The manifest of a sealed folder: what its files are, and whether they still are what was written."""

import hashlib
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from data_contracts.errors import DamagedError
from tasks.runtime.files import fsync, read_json, sha256_of, write_json

MANIFEST = "manifest.json"
CHECKSUM = "sha256"
"""Key of a manifest: sha256 of all the rest of it, so that damage to the manifest itself is seen."""
PACKAGES = (
    "duckdb",
    "great-expectations",
    "implicit",
    "lightgbm",
    "numba",
    "numpy",
    "pandas",
    "prefect",
    "pyarrow",
    "scipy",
)

Facts = dict[str, Any]


def seal(folder: Path, manifest: Facts, started: float) -> None:
    """Write the manifest with size and sha256 of every file, then flush all of it to the disk."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest |= {
        "files": {
            path.relative_to(folder).as_posix(): {"size": path.stat().st_size, "sha256": sha256_of(path)}
            for path in files
        },
        "packages": packages(),
        "seconds": round(time.perf_counter() - started, 3),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    manifest[CHECKSUM] = _checksum(json.loads(json.dumps(manifest)))
    write_json(folder / MANIFEST, manifest)
    for path in (*files, folder / MANIFEST, *(each for each in folder.rglob("*") if each.is_dir()), folder):
        fsync(path)


def read_manifest(folder: Path) -> Facts:
    """Read the manifest of a sealed folder.

    Raises
    ------
    DamagedError
        Naming the file, if it is missing, torn, or not what was written.

    """
    manifest = read_json(folder / MANIFEST)
    # Publications of earlier versions have none.
    if CHECKSUM in manifest and manifest[CHECKSUM] != _checksum(manifest):
        raise DamagedError(f"{folder / MANIFEST} is damaged: it is not what was written")
    if not isinstance(manifest.get("files"), dict):
        raise DamagedError(f"{folder / MANIFEST} is damaged: it lists no files")
    return manifest


def _checksum(manifest: Facts) -> str:
    rest = {name: value for name, value in manifest.items() if name != CHECKSUM}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


_checked: dict[Path, tuple[int, ...]] = {}


def damage(folder: Path, part: str = "") -> str:
    """Say what is wrong with a sealed folder, or '' where every file has its size and sha256.

    Parameters
    ----------
    folder
        Of an artifact or a publication.
    part
        Only this file, or the files of this folder below it.

    Returns
    -------
    What is wrong. Files are read once a process and again whenever their size or time stamp changed.

    """
    try:
        return damaged_file(folder, read_manifest(folder), part)
    except DamagedError as error:
        return str(error)


def damaged_file(folder: Path, manifest: Facts, part: str = "") -> str:
    """:func:`damage` of a folder whose manifest was read."""
    try:
        for name, expected in manifest["files"].items():
            if part in {"", name} or name.startswith(f"{part}/"):
                problem = _damage_of_file(folder / name, expected)
                if problem:
                    return f"{name} {problem}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"unreadable ({error})"
    return ""


def _damage_of_file(path: Path, expected: Facts) -> str:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "is missing"
    stamp = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    if _checked.get(path) == stamp:
        return ""
    if stat.st_size != expected["size"] or sha256_of(path) != expected["sha256"]:
        return "is not what was written"
    _checked[path] = stamp
    return ""


@cache
def packages() -> dict[str, str]:
    """Versions of the packages whose numbers end up in artifacts."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
