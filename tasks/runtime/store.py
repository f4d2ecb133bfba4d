"""The artifact store: immutable folders named by the hash of everything that went into them.

An artifact is written to a temporary sibling, flushed to disk and renamed, so it is there whole or not at
all. What a killed run left is a temporary folder, which the next run removes (:mod:`tasks.runtime.home`).
"""

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import to_json

from data_contracts.errors import ConfigurationError, VocabularyMismatchError
from data_contracts.home_folder import home
from tasks.runtime.files import fsync
from tasks.runtime.home import TEMPORARY, discard, scratch, sweep, temporary_folder
from tasks.runtime.manifests import MANIFEST, Facts, damage, damaged_file, packages, read_manifest, seal

# The store's, too.
__all__ = [
    "MANIFEST",
    "TEMPORARY",
    "Facts",
    "damage",
    "damaged_file",
    "discard",
    "home",
    "packages",
    "read_manifest",
    "scratch",
    "seal",
    "sweep",
    "temporary_folder",
]


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
        misnamed = "is not where it belongs" if self.path != f"artifacts/{self.step}/{self.key}" else ""
        problem = misnamed or damage(self.folder)
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
        return read_manifest(self.folder)

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


def commit(folder: Path, final: Path) -> None:
    """Give a sealed folder its final name; if another run was first with the same content, keep theirs."""
    try:
        folder.rename(final)
    except OSError:
        if damage(final):
            raise
    fsync(final.parent)


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
