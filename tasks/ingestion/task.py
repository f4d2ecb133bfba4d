"""The first step of a run: find the log, know it by its content, and let the ingestion judge it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_files import FOLDER
from data_contracts.errors import ShelftalkerError, SourceChangedError
from data_contracts.remote_url import is_remote
from data_contracts.source_section import PLACE_KEYS
from data_contracts.suite_files import find_suite
from tasks.ingestion.pipeline import ingest as ingest_log
from tasks.runtime import store
from tasks.runtime.files import sha256_of
from tasks.runtime.step import BACKOFF_SECONDS, RETRIES, step
from tasks.sources.fetch import fetch
from tasks.sources.files import locate, source_hash, stamps
from tasks.sources.remote_copies import named_by_url, url_for_copy
from tasks.sources.sample import ensure_sample
from tasks.sources.snapshot import snapshot, snapshot_file

SAMPLE_FILE = FOLDER / "sample.toml"
READ_BY_INGESTION = ("source", "columns", "items", "cleaning", "cancellation", "feedback", "contract")


class Source(BaseModel):
    """A log on disk and the rules it is read by; known by content, wherever it lies."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    dataset: str
    """Name, for people."""
    spec: DatasetSpec
    """The dataset file."""
    path: Path
    """File or folder."""
    sha256: str
    """Of the content of all its files and of the item table."""
    stamps: tuple[tuple[str, int, int, int], ...]
    """Sizes, times and inodes of these files before they were hashed."""
    contract_sha256: str
    """Of the suite that judges its rows."""

    def cache_identity(self) -> dict[str, Any]:
        """Content, and the parts of the dataset file that decide what ingestion makes of it."""
        rules = self.spec.with_rule_columns.model_dump(mode="json", include=set(READ_BY_INGESTION))
        rules["cleaning"] = self.spec.cleaning.cache_identity()
        # Where log and item table lie does not matter: they are known by their content.
        for place in PLACE_KEYS:
            rules["source"].pop(place)
        if rules["items"] is not None:
            rules["items"].pop("path")
        return {"sha256": self.sha256, "contract": self.contract_sha256, "rules": rules}


def find_source(spec: DatasetSpec, given: str | None = None) -> Source:
    """Find a dataset's log and hash it; one that lies in a database is read from there first.

    Parameters
    ----------
    spec
        The dataset.
    given
        Path or URL of a file or folder that overrides what the dataset file says.

    Raises
    ------
    ConfigurationError
        If there is no such file, and the message names the places that were tried, or the database refuses
        the query.
    DatabaseError
        If the database cannot be reached.
    RemoteError
        If an object store cannot be reached.

    """
    wanted = given or spec.source.path
    spec = _with_items_here(spec)
    if given is None and spec.file == SAMPLE_FILE:
        path = ensure_sample(store.home())
    elif given is None and spec.source.query is not None:
        path = snapshot(spec).folder / snapshot_file(spec)
    elif wanted is not None and is_remote(wanted):
        path = fetch(wanted, f"reading dataset {spec.name!r} ({spec.file})", spec.source.files)
    else:
        path = locate(spec, Path(given) if given else None)
    suite = find_suite(spec.contract.suite, spec.folder)
    with named_by_url():
        return Source(
            dataset=spec.name,
            spec=spec,
            path=path,
            stamps=stamps(spec, path),
            sha256=source_hash(spec, path),
            contract_sha256=sha256_of(suite),
        )


def _with_items_here(spec: DatasetSpec) -> DatasetSpec:
    """Return the dataset with its item table on this machine; a remote one is fetched."""
    if spec.items is None or not is_remote(spec.items.path):
        return spec
    path = fetch(spec.items.path, f"reading the items of dataset {spec.name!r} ({spec.file})")
    return spec.model_copy(update={"items": spec.items.model_copy(update={"path": str(path)})})


def find_holdout_source(spec: DatasetSpec) -> Source:
    """Find the log that a dataset with ``split = "file"`` holds out: as its source, under `test_path`."""
    assert spec.window.test_path is not None
    return find_source(spec.model_copy(update={"source": spec.source.at(spec.window.test_path)}))


@step("read and check {source.path.name}", contracts=("events",))
def ingest(out: Path, source: Source) -> store.Facts:
    """Write events, quarantine and item descriptions; a log that breaks its contract ends the run."""
    try:
        with named_by_url():
            facts = ingest_log(source.spec, source.path, out, scratch=store.scratch())
    except (ShelftalkerError, OSError) as error:
        # A log that is cut while it is read looks broken, and is not.
        if _changed(source):
            raise _change_of(source) from error
        raise
    if _changed(source):
        raise _change_of(source)
    return facts


def ingest_at_rest(
    source: Source, again: Callable[[], Source], read: Callable[[Source], store.ArtifactRef] | None = None
) -> tuple[Source, store.ArtifactRef]:
    """Ingest a log; one that changes meanwhile is found and read anew, a few times.

    Parameters
    ----------
    source
        The log as it was found.
    again
        Finds it anew.
    read
        Ingests it, in the place of :func:`ingest`.

    Returns
    -------
    The log as it was read, and what ingestion left.

    Raises
    ------
    SourceChangedError
        If it does not come to rest.

    """
    read = read or ingest
    for attempt in range(RETRIES):
        try:
            return source, read(source)
        except SourceChangedError:
            time.sleep(BACKOFF_SECONDS * 2**attempt)
            source = again()
    return source, read(source)


def _changed(source: Source) -> bool:
    """Whether a log is another one than when it was found: by its files' stamps, and by its content."""
    try:
        if stamps(source.spec, source.path) != source.stamps:
            return True
        return source_hash(source.spec, source.path) != source.sha256
    except (ShelftalkerError, OSError):  # a file that is gone
        return True


def _change_of(source: Source) -> SourceChangedError:
    return SourceChangedError(
        f"{url_for_copy(str(source.path))} changed while it was read, so nothing was made of it; run again when it is written, and "
        "write it under another name that is renamed at the end"
    )
