"""Files of a publication in an object store: uploaded beside their places, then named, and a manifest at the end.

Who reads the manifest first finds its files whole: what is replaced loses its manifest before it changes.
"""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from data_contracts.errors import ConfigurationError, RemoteError
from tasks.publication.publications import Publication
from tasks.runtime.files import sha256_of
from tasks.runtime.progress import listener
from tasks.sources.remote import Remote

MANIFEST = "manifest.json"
"""Says which run the files beside it belong to, and their sizes and hashes; written last."""
LATEST = "latest.json"
"""Says which folder is live, below the name of the dataset; written after everything else."""
TEMPORARY = ".tmp-"
LEFT_AFTER = timedelta(hours=6)
"""Age of temporary objects that a killed upload must have left."""


def upload(
    publication: Publication, files: Mapping[str, tuple[Path, int]], url: str, *, overwrite: bool
) -> list[dict[str, Any]]:
    """Upload files into a folder of an object store.

    Parameters
    ----------
    publication
        What they belong to.
    files
        The local file and its rows, by name.
    url
        Of the folder.
    overwrite
        Whether objects of these names are replaced.

    Returns
    -------
    A row for each file.

    Raises
    ------
    ConfigurationError
        If one of them is there and `overwrite` is false, or the store refuses; nothing is written then.
    RemoteError
        If the store cannot be reached, or has another size than was sent.

    """
    folder = Folder(url, f"uploading {publication.path}")
    there = [name for name in (*files, MANIFEST) if folder.size_of(name) is not None]
    if there and not overwrite:
        raise ConfigurationError(f"{folder.url}/{there[0]} exists already; move it away, or give --overwrite")
    folder.remove_left()
    temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        for name, (path, _rows) in files.items():
            folder.send(path, f"{temporary}/{name}")
        if MANIFEST in there:
            folder.remove([MANIFEST])
        for name in files:
            folder.copy(f"{temporary}/{name}", name)
    finally:
        with suppress(ConfigurationError, RemoteError):
            folder.remove([f"{temporary}/{name}" for name in files])
    folder.write(MANIFEST, _manifest(publication, files))
    return [{"what": name, "rows": rows, "where": folder.url} for name, (_path, rows) in files.items()]


def point_to(publication: Publication, url: str, path: str) -> None:
    """Say in ``latest.json`` below a URL that a publication's folder there is live, by its path from the URL."""
    live = {**publication.model_dump(mode="json"), "path": path, "manifest": f"{path}/{MANIFEST}"}
    Folder(url, f"uploading {publication.path}").write(LATEST, live)


class Folder:
    """A folder of an object store that is written to.

    Parameters
    ----------
    url
        Of the folder.
    doing
        What is being done, to begin an error with.

    """

    def __init__(self, url: str, doing: str) -> None:
        self.url = url.rstrip("/")
        self.remote = Remote(self.url, doing)

    def size_of(self, name: str) -> int | None:
        """Bytes of an object; None if it is not there."""

        def look() -> int | None:
            try:
                return int(self.remote.files.info(self._path(name))["size"])
            except FileNotFoundError:
                return None

        return self.remote.again(look)

    def send(self, path: Path, name: str) -> None:
        """Upload a file and compare the sizes."""
        label, size, started = (
            f"upload {self.url}/{name.rpartition('/')[2]}",
            path.stat().st_size,
            time.perf_counter(),
        )
        listener().started(label)
        self.remote.again(lambda: self.remote.files.put_file(str(path), self._path(name)))
        if (got := self.size_of(name)) != size:
            raise RemoteError(
                f"{self.remote.doing}: {self.url}/{name} has {got} bytes, expected {size}; nothing was replaced"
            )
        facts = {"mb": round(size / 1e6, 1)}
        listener().finished(label, time.perf_counter() - started, reused=False, facts=facts)

    def copy(self, name: str, to: str) -> None:
        """Copy an object inside the store."""
        self.remote.again(lambda: self.remote.files.cp_file(self._path(name), self._path(to)))

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects, those that are there."""

        def remove(name: str) -> None:
            with suppress(FileNotFoundError):
                self.remote.files.rm_file(self._path(name))

        for name in names:
            self.remote.again(lambda name=name: remove(name))  # type: ignore[misc]

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON object, which is there whole or not at all."""
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        self.remote.again(lambda: self.remote.files.pipe_file(self._path(name), text.encode()))

    def remove_left(self) -> None:
        """Remove what killed uploads left; what is young may be another one's that is at it."""

        def left() -> list[str]:
            try:
                found = self.remote.files.find(self.remote.path)
            except FileNotFoundError:
                return []
            begins = f"{self.remote.path}/{TEMPORARY}"
            old = datetime.now(UTC) - LEFT_AFTER
            return [
                path for path in found if path.startswith(begins) and self.remote.files.modified(path) < old
            ]

        for path in self.remote.again(left):
            self.remove([path.removeprefix(f"{self.remote.path}/")])

    def _path(self, name: str) -> str:
        return f"{self.remote.path}/{name}"


def _manifest(publication: Publication, files: Mapping[str, tuple[Path, int]]) -> dict[str, Any]:
    described = {
        name: {"rows": rows, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for name, (path, rows) in files.items()
    }
    return {**publication.model_dump(mode="json"), "files": described}
