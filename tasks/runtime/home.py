"""The folders of a home: where it is, temporary folders that living processes hold, and what killed ones left.

A temporary folder is locked by the process that fills it. The kernel drops the lock of a killed process, so
what nobody holds was abandoned: no clocks, no process ids.
"""

import atexit
import fcntl
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from data_contracts.home_folder import home
from tasks.runtime.files import UMASK

TEMPORARY = ".tmp-"
PLACES = (
    "artifacts/*",
    "exports/*/*/*",
    "published/*",
    "published/*/*",
    "receipts/*/*",
    "rejected/*/*",
    "remote/*",
    "remote/*/*",
    "scratch",
    "tuned",
)
"""Where temporary files and folders are made."""
BEGAN = "began"
"""Empty file in a process's scratch folder; its time is when the process began to use the home."""


@cache
def _scratch(home_folder: Path, _pid: int) -> Path:
    parent = home_folder / "scratch"
    # Never closed: the lock says that this process lives, and ends with it.
    folder, _ = _locked_folder(parent)
    (folder / BEGAN).touch()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def scratch() -> Path:
    """Return a folder of this process for what may be thrown away, on the disk of :func:`home`."""
    return _scratch(home(), os.getpid())


def _locked_folder(parent: Path) -> tuple[Path, int]:
    """Make a temporary folder and lock it; returns it with the handle that holds the lock."""
    while True:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=parent))
        try:
            handle = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Another run's sweep may have come between making and locking, and taken it for a dead one's.
        if folder.exists():
            return folder, handle
        os.close(handle)


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Make a locked folder beside the final ones; whatever is still there at the end is removed."""
    folder, handle = _locked_folder(parent)
    try:
        folder.chmod(0o777 & ~UMASK)
        yield folder
    except OSError as error:
        if error.errno in (28, 122):  # ENOSPC, EDQUOT: name the place, not just the errno
            raise OSError(
                error.errno, f"no space left while writing {folder}; free some and run again"
            ) from error
        raise
    finally:
        os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def discard(folder: Path) -> None:
    """Move a folder out of the way at once, then delete it."""
    with temporary_folder(folder.parent) as grave, suppress(FileNotFoundError):
        folder.rename(grave / folder.name)


def sweep() -> int:
    """Remove what killed runs left: temporary files and folders that no living process holds. Returns how many."""
    scratch()  # from here on others can see that this process is at work
    removed = 0
    for left in (found for place in PLACES for found in home().glob(f"{place}/{TEMPORARY}*")):
        with _if_abandoned(left) as abandoned:
            if abandoned and left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            elif abandoned:
                left.unlink(missing_ok=True)
            removed += abandoned
    return removed


@contextmanager
def _if_abandoned(folder: Path) -> Iterator[bool]:
    """Whether no living process holds a temporary file or folder; nobody can lock it inside the block."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


def at_work_since() -> float:
    """When the oldest living process that uses this home began, in seconds since 1970; infinite if none does.

    Everything that such a process needs was made or used after that moment.
    """
    began = [math.inf]
    for folder in home().glob(f"scratch/{TEMPORARY}*"):
        with suppress(FileNotFoundError), _if_abandoned(folder) as abandoned:
            if not abandoned:
                began.append((folder / BEGAN).stat().st_mtime)
    return min(began)
