"""Publications: immutable folders, and one pointer per dataset that is replaced atomically."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from data_contracts.errors import ConfigurationError, ShelftalkerError
from tasks.runtime import store
from tasks.runtime.files import read_json, replace_json

LATEST = "latest.json"
LOCK = ".lock"
UNDATED = "undated"
LOCK_SECONDS = 60.0
"""How long a run waits for another one that is publishing the same dataset."""


class Publication(BaseModel):
    """One published run of a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    dataset: str
    """Name of the dataset."""
    as_of: date | None
    """The run saw events before this day; None for a log without times."""
    run: str
    """Name of the run: decided by its content, so that the same run is the same publication."""

    @property
    def path(self) -> str:
        """Relative to the store's home."""
        return f"published/{self.dataset}/{self.as_of or UNDATED}/{self.run}"

    @property
    def folder(self) -> Path:
        """Absolute path."""
        return store.home() / self.path

    @property
    def manifest(self) -> store.Facts:
        """The manifest of the publication."""
        return read_json(self.folder / store.MANIFEST)


def dataset_folder(dataset: str) -> Path:
    """Folder of a dataset's publications."""
    return store.home() / "published" / store.must_be_plain("dataset", dataset)


@contextmanager
def publishing(dataset: str) -> Iterator[None]:
    """Hold a dataset's publication lock; the kernel frees the lock of a killed process at once.

    Raises
    ------
    ShelftalkerError
        If another run still holds the lock after a minute.

    """
    folder = dataset_folder(dataset)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise ShelftalkerError(
                        f"another run has been publishing {dataset!r} for {LOCK_SECONDS:.0f} s "
                        f"(lock {folder / LOCK}); run again when it has ended"
                    ) from None
                time.sleep(0.2)
        yield
    finally:
        os.close(handle)


def latest(dataset: str) -> Publication | None:
    """The live publication, or None."""
    path = dataset_folder(dataset) / LATEST
    return Publication.model_validate(read_json(path)) if path.exists() else None


def live_publication(dataset: str) -> Publication:
    """The live publication; raises ConfigurationError, which says how to publish, if there is none."""
    live = latest(dataset)
    if live is None:
        raise ConfigurationError(
            f"nothing is published for dataset {dataset!r}; `shelftalker run --dataset {dataset}` does it"
        )
    return live


def champion(dataset: str, as_of: date | None) -> Publication | None:
    """The publication that a run as of a day is compared with: the live one, or an earlier one, or None.

    If the live one is of that day or a later one (a repeated run, a backfill), it is the newest of an earlier day:
    a run sees nothing later than its day, and decides the same when it is repeated.
    """
    live = latest(dataset)
    if live is None or live.as_of is None or as_of is None or live.as_of < as_of:
        return live
    before = [each for each in publications(dataset) if each.as_of and each.as_of < as_of]
    newest = [each for each in before if each.as_of == before[-1].as_of]
    return max(newest, key=_order, default=None)


def publications(dataset: str) -> list[Publication]:
    """All whole publications of a dataset, oldest `as_of` first."""
    found = []
    for manifest in sorted(dataset_folder(dataset).glob(f"*/*/{store.MANIFEST}")):
        as_of, run = manifest.parent.parent.name, manifest.parent.name
        if not run.startswith("."):
            day = None if as_of == UNDATED else date.fromisoformat(as_of)
            found.append(Publication(dataset=dataset, as_of=day, run=run))
    return found


def publish(publication: Publication, parts: dict[str, Path], manifest: store.Facts) -> bool:
    """Write a publication, and make it the live one unless one of a later day is live.

    Parameters
    ----------
    publication
        Where it goes.
    parts
        Files and folders to copy, by their name in the publication.
    manifest
        Facts for its manifest.

    Returns
    -------
    Whether it is live now. Doing it again changes nothing.

    """
    with publishing(publication.dataset):
        if not publication.folder.exists() or store.damage(publication.folder):
            _assemble(publication, parts, manifest)
        live = latest(publication.dataset)
        if live and live.as_of and publication.as_of and live.as_of > publication.as_of:
            return False
        point_to(publication)
        return True


def _assemble(publication: Publication, parts: dict[str, Path], manifest: store.Facts) -> None:
    started = time.perf_counter()
    if publication.folder.exists():
        store.discard(publication.folder)
    with store.temporary_folder(publication.folder.parent) as folder:
        for name, source in parts.items():
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(store.MANIFEST))
            else:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, folder / name)
        store.seal(folder, dict(manifest), started)
        store.commit(folder, publication.folder)


def point_to(publication: Publication) -> None:
    """Make a publication the live one, in one step."""
    replace_json(dataset_folder(publication.dataset) / LATEST, publication.model_dump(mode="json"))


def roll_back(dataset: str, to: str | None = None) -> Publication:
    """Point `latest` at an earlier publication.

    Parameters
    ----------
    dataset
        Name of the dataset.
    to
        Name of a run, or its first letters; None takes the publication before the live one.

    Raises
    ------
    ConfigurationError
        If there is no such publication; the message lists what there is.

    """
    with publishing(dataset):
        known, live = publications(dataset), latest(dataset)
        if to is None:
            earlier = [each for each in known if live and _order(each) < _order(live)]
            chosen = earlier[-1:]
        else:
            chosen = [each for each in known if each.run.startswith(to)]
        if len(chosen) != 1:
            names = ", ".join(f"{each.run} (as of {each.as_of})" for each in known) or "none"
            wanted = to or "before the live one"
            raise ConfigurationError(
                f"dataset {dataset!r} has no single publication {wanted!r}; there are: {names}"
            )
        point_to(chosen[0])
        return chosen[0]


def _order(publication: Publication) -> tuple[str, str]:
    return str(publication.as_of), str(publication.manifest["created_at"])
