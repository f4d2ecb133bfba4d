"""What workers made, as the files that one machine leaves: every later step is indifferent to who made them.

Codes of users are in the order of their ids there, and blocks divide users by a hash: rows move to their places here,
one block after the other, through memory-mapped files.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from data_contracts.columns import USER_ID
from data_contracts.feedback_section import FeedbackSection
from data_contracts.identifiers import CATALOGUE_FILE, Vocabulary
from data_contracts.matrix_parts import MatrixParts
from data_contracts.selection import Selection
from tasks.cluster.blocks import BlockFolder, read_rows, read_users
from tasks.cluster.grouping import HISTORIES, HISTORY
from tasks.cluster.ingesting import PARTS, REJECTED
from tasks.cluster.whole import TIMELINE, whole_users
from tasks.ingestion.pipeline import EVENTS, ITEMS, PROFILE, QUARANTINE
from tasks.numeric.csr import ranges
from tasks.preparation.caps import count_capped
from tasks.preparation.grouping import checked_facts, write_by_item
from tasks.preparation.item_features import write_item_features
from tasks.preparation.mapping import keep_vocabularies
from tasks.preparation.matrix_files import create_array, open_array, open_csr
from tasks.preparation.not_positive import count_not_positive
from tasks.preparation.ratings import write_ratings
from tasks.preparation.select_events import USERS_FILE
from tasks.runtime import store
from tasks.runtime.step import step

Array = npt.NDArray[Any]


@step("gather the events")
def gather_events(out: Path, events: store.ArtifactRef) -> store.Facts:
    """Write what :func:`tasks.cluster.task.ingest_on_cluster` left in parts as the files of an ingestion."""
    names = [each["name"] for each in events.facts["parts"]]
    for folder, file in ((PARTS, EVENTS), (REJECTED, QUARANTINE)):
        _one_after_the_other([events.folder / folder / name for name in names], out / file)
    for file in (ITEMS, PROFILE, CATALOGUE_FILE):
        if (events.folder / file).exists():
            shutil.copyfile(events.folder / file, out / file)
    return {name: value for name, value in events.facts.items() if name != "parts"}


def _one_after_the_other(paths: list[Path], out: Path) -> None:
    schema = pq.read_schema(paths[0])
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for path in paths:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches():
                    writer.write_batch(batch)


@step("gather the ids", contracts=("vocabulary",))
def gather_vocabularies(out: Path, grouped: store.ArtifactRef) -> store.Facts:
    """Write the vocabularies of grouped blocks as those of one machine: users in the order of their ids."""
    users = Vocabulary.from_ids(USER_ID, whole_users(grouped.folder))
    return keep_vocabularies(out, users, BlockFolder.open(grouped.folder).items)


@step("gather the interactions", contracts=("interactions", "grouped_matrix"))
def gather_matrix(
    out: Path,
    grouped: store.ArtifactRef,
    vocabularies: store.ArtifactRef,
    events: store.ArtifactRef,
    selection: Selection,
    feedback: FeedbackSection,
    parts: MatrixParts,
) -> store.Facts:
    """Write both views of grouped blocks, the timeline, the histories, and the parts that models ask for."""
    folder = BlockFolder.open(grouped.folder)
    users = Vocabulary.load(vocabularies.folder / USERS_FILE)
    _write_by_user(folder, users, out)
    write_by_item(open_csr(out, "by_user", folder.manifest.n_items), out)
    for part in TIMELINE:
        if (grouped.folder / f"timeline_{part}.npy").exists():
            shutil.copyfile(grouped.folder / f"timeline_{part}.npy", out / f"timeline_{part}.npy")
    log = events.folder / EVENTS
    if parts.ratings:
        write_ratings(log, vocabularies.folder, out, selection=selection, scratch=store.scratch())
    if parts.item_features is not None:
        write_item_features(events.folder / ITEMS, folder.items, parts.item_features, out)
    facts = {
        **{name: grouped.facts[name] for name in ("n_users", "n_items", "nnz", "events", "anonymous_events")},
        **count_not_positive(log, selection, store.scratch()),
        **count_capped(log, selection, store.scratch()),
    }
    return checked_facts(out, facts, vocabularies.facts, feedback)


def _write_by_user(folder: BlockFolder, users: Vocabulary, out: Path) -> None:
    """Rows of all blocks, in the order of the users' ids."""
    manifest = folder.manifest
    codes = [users.codes(read_users(folder.folder, block)) for block in folder.blocks]
    found = []
    for block in folder.blocks:
        mine = read_rows(folder.folder, block, manifest.n_items)
        found.append((mine.indptr, {"indices": mine.indices, "values": mine.values}))
    _write_rows(found, codes, out, "by_user")
    for kind in HISTORIES:
        if all((folder.folder / block.name / f"{kind}_indptr.npy").exists() for block in folder.blocks):
            _write_rows(
                [_history(folder.folder / block.name, kind) for block in folder.blocks], codes, out, kind
            )


Rows = tuple[Array, dict[str, Array]]
"""Where each row of a block begins, int64 (n_users + 1,), and the arrays that are cut into rows by that."""


def _history(block: Path, kind: str) -> Rows:
    parts = {part: block / f"{kind}_{part}.npy" for part in HISTORY}
    arrays = {part: open_array(path) for part, path in parts.items() if path.exists()}
    return arrays.pop("indptr"), arrays


def _write_rows(blocks: list[Rows], codes: list[Array], out: Path, name: str) -> None:
    """Write NAME_*.npy: the rows of all blocks, each at the place that its user's code says."""
    lengths = np.zeros(sum(map(len, codes)), np.int64)
    for (starts, _), mine in zip(blocks, codes, strict=True):
        lengths[mine] = np.diff(starts)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    np.save(out / f"{name}_indptr.npy", indptr)
    for part, first in blocks[0][1].items():
        whole = create_array(out / f"{name}_{part}.npy", first.dtype.type, int(indptr[-1]))
        for (starts, arrays), mine in zip(blocks, codes, strict=True):
            whole[ranges(indptr[mine], np.diff(starts))] = arrays[part]
