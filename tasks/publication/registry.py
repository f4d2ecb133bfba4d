"""What is live: one pointer per dataset that is replaced atomically, and a copy of it that it is mended from."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from data_contracts.errors import ConfigurationError, DamagedError, ShelftalkerError
from tasks.publication.publications import (
    IDENTITY,
    UNDATED,
    Publication,
    dataset_folder,
    must_be_whole,
    order,
    publications,
)
from tasks.runtime import store
from tasks.runtime.files import read_json, replace_json, report_damage

__all__ = ["UNDATED", "Publication", "dataset_folder", "publications"]  # the registry's, too

LATEST = "latest.json"
COPY = "latest.copy.json"
"""Says the same as the pointer and is written before it."""
LOCK = ".lock"
LOCK_SECONDS = 60.0
"""How long a run waits for another one that is publishing the same dataset."""


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
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
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
    """The live publication, or None.

    A pointer that cannot be read is reported, and its copy is believed; without a copy, the newest publication.
    """
    folder = dataset_folder(dataset)
    if not (folder / LATEST).exists() and not (folder / COPY).exists():
        return None
    try:
        return _pointer(folder / LATEST, dataset)
    except DamagedError as error:
        meant, whence = _instead(dataset)
        taken = "there is no publication" if meant is None else f"{whence} is taken as live: {meant.path}"
        report_damage(f"{error}; {taken} (`shelftalker rollback` changes what is live)")
        return meant


def _pointer(path: Path, dataset: str) -> Publication:
    try:
        pointed = Publication.model_validate(read_json(path))
    except ValidationError as error:
        raise DamagedError(f"{path} is damaged: it names no publication") from error
    if pointed.dataset != dataset:
        raise DamagedError(f"{path} is damaged: it points to dataset {pointed.dataset!r}")
    return pointed


def _instead(dataset: str) -> tuple[Publication | None, str]:
    """What the damaged pointer of a dataset most likely said, and how that is known."""
    with suppress(DamagedError):
        return _pointer(dataset_folder(dataset) / COPY, dataset), f"what {COPY} says"
    return max(publications(dataset), key=order, default=None), "the newest publication"


def mend(dataset: str) -> None:
    """Write a damaged pointer anew, where it is known what it said."""
    path = dataset_folder(dataset) / LATEST
    if latest(dataset) is None:
        return
    try:
        _pointer(path, dataset)
    except DamagedError:
        with publishing(dataset):
            meant = latest(dataset)
            if meant is not None and not meant.damage():
                point_to(meant)


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
    a run sees nothing later than its day, and decides the same when it is repeated. If it cannot be read, it is the
    newest before it that can.
    """
    live = latest(dataset)
    problem = "" if live is None else live.problem()
    if problem:
        report_damage(f"what is live is not compared with: {problem}")
    if live is None or (not problem and (not live.as_of or not as_of or live.as_of < as_of)):
        return live
    last = str(live.as_of) if problem else "~"
    before = [
        each
        for each in publications(dataset)
        if str(each.as_of) <= last and (not as_of or not each.as_of or each.as_of < as_of)
    ]
    return max(before, key=order, default=None)


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

    Raises
    ------
    DamagedError
        If what lies on the disk is not what was written; what is live stays.

    """
    with publishing(publication.dataset):
        if not publication.folder.exists() or publication.damage():
            _assemble(publication, parts, manifest)
        must_be_whole(publication)
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
        store.seal(folder, {**manifest, IDENTITY: publication.model_dump(mode="json")}, started)
        store.commit(folder, publication.folder)


def point_to(publication: Publication) -> None:
    """Make a whole publication the live one, in one step.

    Raises
    ------
    DamagedError
        If it is not whole; what is live stays.

    """
    must_be_whole(publication)
    folder, content = dataset_folder(publication.dataset), publication.model_dump(mode="json")
    for name in (COPY, LATEST):
        replace_json(folder / name, content)


def roll_back(dataset: str, to: str | None = None) -> Publication:
    """Point `latest` at an earlier publication; one that is damaged is passed over, or refused if it was named.

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
    DamagedError
        If the one that was named is not whole.

    """
    with publishing(dataset):
        if to is not None:
            chosen = publication_by_run(dataset, to)
        else:
            before = _whole_before(dataset, publications(dataset))
            if before is None:
                raise ConfigurationError(
                    f"dataset {dataset!r} has no whole publication before the live one; there are: {_names(dataset)}"
                )
            chosen = before
        point_to(chosen)
        return chosen


def publication_by_run(dataset: str, run: str) -> Publication:
    """The publication of a run by its name or its first letters.

    Raises
    ------
    ConfigurationError
        If there is none, or there are several; the message lists what there is.

    """
    found = [each for each in publications(dataset) if each.run.startswith(run)]
    if len(found) != 1:
        raise ConfigurationError(
            f"dataset {dataset!r} has no single publication {run!r}; there are: {_names(dataset)}"
        )
    return found[0]


def _names(dataset: str) -> str:
    return ", ".join(f"{each.run} (as of {each.as_of})" for each in publications(dataset)) or "none"


def _whole_before(dataset: str, known: list[Publication]) -> Publication | None:
    """The newest whole publication before the live one, or None; damaged ones are reported."""
    live = latest(dataset)
    if live is None:
        return None
    # What is live may be so damaged that it does not say when it was made.
    place = order(live) if live in known else (str(live.as_of), "")
    for each in sorted((one for one in known if order(one) < place), key=order, reverse=True):
        problem = each.damage()
        if not problem:
            return each
        report_damage(f"passed over: {problem}")
    return None
