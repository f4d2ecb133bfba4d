"""Object stores: what lies at a URL, its bytes, and errors that name the URL.

fsspec reads them, with credentials that come from the environment alone, as each cloud's own tools do.
"""

import errno
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from data_contracts.database_url import masked
from data_contracts.errors import ConfigurationError, RemoteError, ShelftalkerError
from data_contracts.remote_url import check_remote

CHUNK_BYTES = 16 * 2**20
"""Bytes that are asked for, and in memory, at once."""
TRIES = 4
"""How often a chunk is asked for before the run gives up on it."""
WAIT_SECONDS = 1.0
"""After the first failure; doubled after each more."""
SHOWN = 300
"""Characters of a store's message that are repeated."""

_LIBRARIES: Final = (
    "adlfs",
    "aiobotocore",
    "aiohttp",
    "asyncio",
    "azure",
    "botocore",
    "fsspec",
    "gcsfs",
    "google",
    "requests",
    "s3fs",
    "urllib3",
)
"""Where the errors of object stores come from; any other error is ours."""

_TALKATIVE: Final = ("adlfs", "azure", "gcsfs")
"""Libraries that write tracebacks of what they raise all the same."""

_REFUSALS: Final = (
    "credential",
    "auth",
    "permission",
    "forbidden",
    "accessdenied",
    "token",
    "profile",
    "paramvalidation",
)
"""Parts of the names of their errors that will be the same next time."""

_VERSION: Final = (
    "ETag",
    "etag",
    "md5Hash",
    "content_md5",
    "generation",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)
"""What stores say of an object that differs when its content does."""

T = TypeVar("T")


class Listed(NamedTuple):
    """One object as its store lists it."""

    path: str
    """Its name for the store, without a scheme."""
    size: int
    """Bytes."""
    version: str
    """Differs when the content does: its etag and time."""


class Remote:
    """A place in an object store.

    Parameters
    ----------
    url
        Of a file, a folder, or a pattern.
    doing
        What is being done, to begin an error with: ``"reading dataset 'shop'"``.

    """

    def __init__(self, url: str, doing: str) -> None:
        check_remote(url)
        import fsspec

        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.url, self.doing = url, doing
        with self._asking():
            # What was listed before says nothing about what is there now.
            found = fsspec.core.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
        self.files: Any = found[0]
        self.path: str = found[1].rstrip("/")

    def listing(self) -> tuple[str, list[Listed]]:
        """List all objects at the URL.

        Returns
        -------
        What their names are relative to (the object itself, a folder, or the part of a pattern that is none), and
        the objects sorted by name.

        Raises
        ------
        ConfigurationError
            If there is nothing, or it may not be looked at.
        RemoteError
            If the store does not answer.

        """
        with self._asking():
            root, found = self._find()
        if not found:
            raise ConfigurationError(f"{self.doing}: there is nothing at {self.url}")
        return root, sorted(
            Listed(name, int(about["size"] or 0), _version(about))
            for name, about in found.items()
            if about["type"] == "file" and not name.endswith("/")
        )

    def chunks(self, listed: Listed) -> Iterator[bytes]:
        """Stream an object's bytes; a chunk that is lost on the way is asked for again, and none before it.

        Raises
        ------
        RemoteError
            If it does not come, or is shorter than the store said.

        """
        for start in range(0, listed.size, CHUNK_BYTES):
            end = min(start + CHUNK_BYTES, listed.size)
            chunk = self.again(partial(self.files.cat_file, listed.path, start=start, end=end))
            if len(chunk) != end - start:
                raise RemoteError(f"{self.doing}: {self.name_of(listed.path)} changed while it was read")
            yield chunk

    def again(self, ask: Callable[[], T]) -> T:
        """Ask the store, a few times if the connection is lost."""
        for attempt in range(TRIES - 1):
            try:
                with self._asking():
                    return ask()
            except RemoteError:
                time.sleep(WAIT_SECONDS * 2**attempt)
        with self._asking():
            return ask()

    def name_of(self, path: str) -> str:
        """URL of an object."""
        return str(self.files.unstrip_protocol(path))

    def _find(self) -> tuple[str, dict[str, Any]]:
        try:
            about = self.files.info(self.path)
        except FileNotFoundError:
            if not any(sign in self.path for sign in "*?["):
                raise
            return without_signs(self.path), self.files.glob(self.path, detail=True)
        if about["type"] == "file":
            return self.path, {self.path: about}
        return self.path, self.files.find(self.path, detail=True)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Translate what a store answers; only questions to it belong inside."""
        try:
            yield
        except ShelftalkerError:
            raise
        except Exception as error:
            translated = _translated(error, self.url, self.doing)
            if translated is None:
                raise
            # Not chained: a library's own traceback may repeat what it was given to connect with.
            raise translated from None


def without_signs(pattern: str) -> str:
    """Folders of a pattern in front of the first one that holds a sign; all of a path that is none."""
    parts = pattern.rstrip("/").split("/")
    first = next((at for at, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts))
    return "/".join(parts[:first])


def _version(about: dict[str, Any]) -> str:
    said = (about.get(key) for key in _VERSION)
    # A listing and a look at one object may tell the time in different types.
    return " ".join(str(v.timestamp() if isinstance(v, datetime) else v) for v in said if v is not None)


def _translated(error: Exception, url: str, doing: str) -> Exception | None:
    """Say what a store's error means for a run; None where it is no error of a store."""
    kind = type(error)
    said = masked(" ".join(str(error).split()))[:SHOWN] or kind.__name__
    if isinstance(error, FileNotFoundError):
        return ConfigurationError(f"{doing}: there is nothing at {url} ({said})")
    ours = not isinstance(error, OSError) and kind.__module__.partition(".")[0] not in _LIBRARIES
    if ours and not isinstance(error, ValueError):
        return None
    refused = any(part in kind.__name__.lower() for part in _REFUSALS) or "credential" in said.lower()
    if isinstance(error, PermissionError) or refused:
        return ConfigurationError(
            f"{doing}: {url} is refused: {said}; credentials come from the environment (docs/remote-files.md)"
        )
    if ours or (isinstance(error, OSError) and error.errno == errno.EINVAL):
        return ConfigurationError(f"{doing}: {url} is not understood: {said}")
    return RemoteError(f"{doing}: {url} does not answer as it should: {said}")
