"""Copies of remote files: downloaded once, and then read as any file is.

    remote/PLACE/place.json                    what PLACE, a hash, stands for
    remote/PLACE/objects/VERSION-SHA256        bytes of one object, by what its store said of it
    remote/PLACE/views/LISTING/NAME            the log as it lies there, made of hard links

A copy is found by what the store lists. What a run makes of it is known by its content, as with every file.
"""

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from data_contracts.errors import ConfigurationError, DamagedError, RemoteError, ShelftalkerError
from tasks.runtime import store
from tasks.runtime.files import fsync, read_json, replace_json, sha256_of
from tasks.runtime.home import at_work_since
from tasks.runtime.progress import listener
from tasks.sources.files import is_wanted
from tasks.sources.remote import Listed, Remote, without_signs

FOLDER = "remote"
PLACE = "place.json"
LOCK = ".lock"
READS = 3
"""How often a place whose objects change meanwhile is read."""

_whole: set[tuple[str, int, int]] = set()
"""Copies whose content this process has looked at: path, size and time."""


def copy_of(url: str, doing: str, pattern: str | None = None) -> Path:
    """Copy what lies at a URL, unless the copy is there and the store lists the same.

    Parameters
    ----------
    url
        Of a file, a folder or a pattern.
    doing
        What is being done, to begin an error with.
    pattern
        Of a folder: only files whose path in it matches.

    Returns
    -------
    The local file or folder, which has the name of the remote one.

    Raises
    ------
    ConfigurationError
        If nothing is there, the store refuses, or a name cannot be one of a file here.
    RemoteError
        If the store cannot be reached, or does not come to rest.

    """
    remote = Remote(url, doing)
    place = store.home() / FOLDER / _short(f"{url}\n{pattern}")
    place.mkdir(parents=True, exist_ok=True)
    with _alone(place):
        root, listed, copies = _download(remote, place / "objects", pattern)
        replace_json(place / PLACE, {"url": without_signs(url), "name": _name(remote, root)})
        view = _view(remote, place / "views", root, listed, copies)
        _tidy(place, view, copies)
    os.utime(place)
    return view / _name(remote, root)


@contextmanager
def named_by_url() -> Iterator[None]:
    """Let errors about copies name the URL that they are copies of."""
    try:
        yield
    except (ShelftalkerError, OSError) as error:
        error.args = tuple(url_for_copy(arg) if isinstance(arg, str) else arg for arg in error.args)
        if isinstance(error, OSError) and isinstance(error.filename, str):
            error.filename = url_for_copy(error.filename)
        raise


def url_for_copy(text: str) -> str:
    """Replace paths of copies in a text by their URLs."""
    places = store.home() / FOLDER
    for begins, place in set(
        re.findall(rf"({re.escape(str(places))}/([0-9a-f]{{16}})/views/[0-9a-f]{{16}}/)", text)
    ):
        with suppress(DamagedError):
            told = read_json(places / place / PLACE)
            text = text.replace(f"{begins}{told['name']}", str(told["url"]))
    return text


def _download(
    remote: Remote, folder: Path, pattern: str | None
) -> tuple[str, Sequence[Listed], Sequence[Path]]:
    """Have a copy of every object, all of one moment: listed the same before and after."""
    for _ in range(READS):
        root, everything = remote.listing()
        folder.mkdir(exist_ok=True)
        listed = _wanted(remote, root, everything, pattern)
        copies = [_find_copy(folder, each) for each in listed]
        missing = sum(each.size for each, copy in zip(listed, copies, strict=True) if copy is None)
        if missing or None in copies:
            with _telling(remote.url, missing) as told:
                copies = [
                    copy or _copy(remote, each, folder, told)
                    for each, copy in zip(listed, copies, strict=True)
                ]
        if remote.listing() == (root, everything):
            return root, listed, [copy for copy in copies if copy is not None]
    raise RemoteError(
        f"{remote.doing}: {remote.url} changed while it was read, {READS} times; run again when it is written"
    )


def _wanted(remote: Remote, root: str, everything: Sequence[Listed], pattern: str | None) -> list[Listed]:
    """Objects that are to be read: the one itself, or those of a folder whose names say a format."""
    for each in everything:
        _must_be_a_path(remote, each, root)
    if [each.path for each in everything] == [root]:
        return list(everything)
    return [each for each in everything if is_wanted(Path(_relative(each.path, root)), pattern)]


def _must_be_a_path(remote: Remote, listed: Listed, root: str) -> None:
    relative = _relative(listed.path, root)
    parts = relative.split("/") if relative else []
    if any(part in {"", ".", ".."} or "\0" in part or len(part.encode()) > 255 for part in parts):
        raise ConfigurationError(
            f"{remote.doing}: the object {listed.path!r} has a name that no file here can have; rename it, or "
            "move it elsewhere"
        )


def _relative(path: str, root: str) -> str:
    return path.removeprefix(root).removeprefix("/")


def _find_copy(folder: Path, listed: Listed) -> Path | None:
    """The copy of an object as it is listed, if it is whole."""
    for path in folder.glob(f"{_short(repr(listed))}-*"):
        stat = path.stat()
        known = (str(path), stat.st_size, stat.st_mtime_ns)
        if known in _whole or sha256_of(path) == path.name.partition("-")[2]:
            _whole.add(known)
            return path
        path.unlink()
    return None


def _copy(remote: Remote, listed: Listed, folder: Path, told: "_Told") -> Path:
    """Download an object; the copy is there whole or not at all."""
    digest = hashlib.sha256()
    with store.temporary_folder(folder) as temporary:
        path = temporary / "object"
        with path.open("wb") as out:
            for chunk in remote.chunks(listed):
                out.write(chunk)
                digest.update(chunk)
                told.add(len(chunk))
        fsync(path)
        final = folder / f"{_short(repr(listed))}-{digest.hexdigest()}"
        path.rename(final)
    stat = final.stat()
    _whole.add((str(final), stat.st_size, stat.st_mtime_ns))
    return final


def _view(remote: Remote, views: Path, root: str, listed: Sequence[Listed], copies: Sequence[Path]) -> Path:
    """A folder with the names of the objects, made of links to their copies."""
    view = views / _short(repr((root, listed)))
    name = _name(remote, root)
    names = [name + (f"/{relative}" if (relative := _relative(each.path, root)) else "") for each in listed]
    if view.exists() and all(_same(view / each, copy) for each, copy in zip(names, copies, strict=True)):
        os.utime(view)
        return view
    store.discard(view)
    with store.temporary_folder(views) as temporary:
        if names != [name]:
            (temporary / name).mkdir()
        for each, copy in zip(names, copies, strict=True):
            try:
                (temporary / each).parent.mkdir(parents=True, exist_ok=True)
                os.link(copy, temporary / each)
            except (FileExistsError, NotADirectoryError) as error:
                raise ConfigurationError(
                    f"{remote.doing}: {remote.url} holds {each!r} both as a file and as a folder; rename one"
                ) from error
        temporary.rename(view)
    return view


def _same(path: Path, copy: Path) -> bool:
    return path.exists() and path.samefile(copy)


def _tidy(place: Path, view: Path, copies: Sequence[Path]) -> None:
    """Remove what no living process reads: older views, and objects that no view holds."""
    began = at_work_since()
    for other in (place / "views").glob("[0-9a-f]*"):
        if other != view and other.stat().st_mtime < began:
            store.discard(other)
    for path in (place / "objects").glob("[0-9a-f]*"):
        if path not in copies and path.stat().st_nlink == 1:
            path.unlink()


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Let one process at a time copy from a place; the kernel frees the lock of a killed one."""
    handle = os.open(place / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class _Told:
    """Bytes on their way, told to whoever listens."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, total, 0

    def add(self, n_bytes: int) -> None:
        self.done += n_bytes
        listener().advanced(self.label, self.done, self.total, {"mb": round(self.done / 1e6, 1)})


@contextmanager
def _telling(url: str, total: int) -> Iterator[_Told]:
    told, started = _Told(f"fetch {url}", total), time.perf_counter()
    listener().started(told.label)
    yield told
    facts = {"mb": round(told.done / 1e6, 1)}
    listener().finished(told.label, time.perf_counter() - started, reused=False, facts=facts)


def _name(remote: Remote, root: str) -> str:
    """Last part of a place's name."""
    return PurePosixPath(root).name or remote.files.protocol[0]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
