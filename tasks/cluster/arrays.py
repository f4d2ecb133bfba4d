"""Arrays that driver and workers hand to each other: files of a shared folder, known by their hash.

Nothing of any size passes through the scheduler. A file's name says what it holds, so a task that runs twice
writes the same bytes to the same place.
"""

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from data_contracts.errors import DamagedError
from tasks.runtime.files import fsync

VISIBLE_SECONDS = 20.0
"""A file that was just written on another machine may take so long to be seen here (NFS keeps what it knew)."""


@dataclass(frozen=True)
class ArrayFile:
    """One ``.npy`` file."""

    path: str
    sha256: str
    """Of the array's bytes."""
    n_bytes: int
    """Of the array."""


def save_array(path: Path, array: npt.NDArray[Any], *, durable: bool = False) -> ArrayFile:
    """Write an array so that readers see all of it or nothing; `durable` survives a power cut."""
    array = np.ascontiguousarray(array)
    temporary = path.with_name(f".tmp-{uuid4().hex}-{path.name}")
    try:
        with temporary.open("wb") as file:
            np.save(file, array)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        fsync(path.parent)
    return ArrayFile(str(path), _hash(array), array.nbytes)


def load_array(file: ArrayFile) -> npt.NDArray[Any]:
    """Read an array and check that it is what was written.

    Raises
    ------
    DamagedError
        If the file does not appear, or holds something else.

    """
    until = time.monotonic() + VISIBLE_SECONDS
    while True:
        try:
            array: npt.NDArray[Any] = np.load(file.path, allow_pickle=False)
            break
        except FileNotFoundError as error:
            if time.monotonic() > until:
                raise DamagedError(
                    f"{file.path} is missing; driver and workers must see one folder under one path"
                ) from error
            time.sleep(0.05)
        except ValueError as error:
            raise DamagedError(f"{file.path} is damaged: {error}") from error
    if _hash(array) != file.sha256:
        raise DamagedError(f"{file.path} is damaged: its sha256 is not {file.sha256}")
    return array


def _hash(array: npt.NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What a task returns: where its arrays are, and a few numbers."""

    nodes: tuple[tuple[int, int], ...] = ()
    """Nodes of the tree of sums (:mod:`tasks.cluster.sums`) that the arrays hold, one for each place of axis 0."""
    files: Mapping[str, ArrayFile] | None = None
    numbers: tuple[Mapping[str, Any], ...] = ()
    """One for each block."""

    @property
    def n_bytes(self) -> int:
        """Bytes of all its arrays."""
        return sum(file.n_bytes for file in (self.files or {}).values())
