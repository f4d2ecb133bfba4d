"""The artifact store: immutable folders named by the hash of everything that went into them.

An artifact is written to a temporary sibling, flushed to disk and renamed, so it is there whole or not at
all. What a killed run left is a temporary folder, which the next run removes (:mod:`tasks.runtime.home`).
"""

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import to_json

from data_contracts.errors import ConfigurationError, VocabularyMismatchError
from tasks.runtime.files import fsync, read_json, sha256_of, write_json
from tasks.runtime.home import TEMPORARY, discard, home, scratch, sweep, temporary_folder

__all__ = ["TEMPORARY", "discard", "home", "scratch", "sweep", "temporary_folder"]  # the store's, too

MANIFEST = "manifest.json"
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


class ArtifactRef(BaseModel):
    """A small reference to a folder of the store; it cannot be made for a folder that is not whole.

    Prefect keeps this reference as the result of a task. Loading it again checks the folder, so a
    cached result whose files are gone or damaged counts as a miss and the step runs again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    key: str
    path: str
    """Relative to the store's home, so that a home can be moved."""

    @model_validator(mode="after")
    def _whole(self) -> "ArtifactRef":
        problem = damage(self.folder)
        if problem:
            raise ValueError(f"artifact {self.path} under {home()}: {problem}")
        # The folder's own time says when it was last of use: pruning goes by it.
        with suppress(OSError):
            os.utime(self.folder)
        return self

    @property
    def folder(self) -> Path:
        """Absolute path."""
        return home() / self.path

    @property
    def manifest(self) -> Facts:
        """The artifact's manifest."""
        return read_json(self.folder / MANIFEST)

    @property
    def facts(self) -> Facts:
        """What the step that made the artifact says of it."""
        facts: Facts = self.manifest["facts"]
        return facts

    def cache_identity(self) -> str:
        """Content address, for the keys of the steps that read this artifact."""
        return f"{self.step}/{self.key}"


def key_of(step: str, inputs: Mapping[str, Any], code: str) -> str:
    """Sha256 over the step's name, its inputs in canonical JSON and the hash of its code."""
    described = {name: _identity(value) for name, value in sorted(inputs.items())}
    return hashlib.sha256(to_json([step, described, code])).hexdigest()


def _identity(value: Any) -> Any:
    """Turn an input into what its cache key should depend on."""
    if hasattr(value, "cache_identity"):
        return value.cache_identity()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple) and hasattr(value, "_asdict"):  # a NamedTuple: known by its names
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(key): _identity(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_identity(each) for each in value]
    if isinstance(value, Path):
        raise TypeError(f"path {value} cannot be part of a cache key: pass a reference with a content hash")
    return value


def obtain(step: str, inputs: Mapping[str, Any], code: str, write: Callable[[Path], Facts]) -> ArtifactRef:
    """Return the artifact for these inputs, writing it first where it is missing or damaged.

    Parameters
    ----------
    step
        Name of the step, a folder below ``artifacts``.
    inputs
        Everything that decides the content; references stand for their content.
    code
        Hash of the code that writes.
    write
        Fills an empty folder and returns facts for the manifest.

    """
    key = key_of(step, inputs, code)
    final = home() / "artifacts" / step / key
    relative = final.relative_to(home()).as_posix()
    if final.exists():
        if not damage(final):
            return ArtifactRef(step=step, key=key, path=relative)
        discard(final)
    started = time.perf_counter()
    with temporary_folder(final.parent) as folder:
        facts = write(folder)
        described = {name: _identity(value) for name, value in inputs.items()}
        seal(folder, {"key": key, "step": step, "inputs": described, "code": code, "facts": facts}, started)
        commit(folder, final)
    return ArtifactRef(step=step, key=key, path=relative)


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
    write_json(folder / MANIFEST, manifest)
    for path in (*files, folder / MANIFEST, *(each for each in folder.rglob("*") if each.is_dir()), folder):
        fsync(path)


def commit(folder: Path, final: Path) -> None:
    """Give a sealed folder its final name; if another run was first with the same content, keep theirs."""
    try:
        folder.rename(final)
    except OSError:
        if damage(final):
            raise
    fsync(final.parent)


_checked: dict[str, tuple[tuple[int, ...], ...]] = {}


def damage(folder: Path) -> str:
    """Say what is wrong with an artifact folder, or '' where every file has its size and sha256.

    Files are read once a process and again whenever their size or time stamp changed.
    """
    try:
        files = read_json(folder / MANIFEST)["files"]
        stats = [(folder / name).stat() for name in files]
    except (OSError, ValueError, KeyError) as error:
        return f"unreadable ({error})"
    stamp = tuple((each.st_size, each.st_mtime_ns, each.st_ino) for each in stats)
    if _checked.get(str(folder)) == stamp:
        return ""
    for name, expected in files.items():
        path = folder / name
        if path.stat().st_size != expected["size"] or sha256_of(path) != expected["sha256"]:
            return f"{name} is not what was written"
    _checked[str(folder)] = stamp
    return ""


@cache
def packages() -> dict[str, str]:
    """Versions of the packages whose numbers end up in artifacts."""
    found = {}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def same_vocabulary(expected: Facts, got: Facts, what: str) -> None:
    """Refuse two things that speak of different codes.

    Raises
    ------
    VocabularyMismatchError
        Naming the vocabulary whose hashes differ.

    """
    for name in ("users_sha256", "items_sha256"):
        if expected[name] != got[name]:
            raise VocabularyMismatchError(
                f"{what} was made with another vocabulary: {name} is {got[name][:12]}, "
                f"expected {expected[name][:12]}; train it again on this vocabulary"
            )


def must_be_plain(name: str, value: str) -> str:
    """Refuse a dataset or run name that could leave its folder.

    Raises
    ------
    ConfigurationError
        If `value` is anything but letters, digits, ``_``, ``-`` and ``.``, or starts with a dot.

    """
    if not value or value.startswith(".") or not all(c.isalnum() or c in "_-." for c in value):
        raise ConfigurationError(
            f"{name} {value!r} must be letters, digits, '_', '-' and '.' only, and not start with '.'"
        )
    return value
