"""The steps of a run on a cluster up to the hold-out: each opens its own connection, and leaves files."""

import time
from pathlib import Path

from data_contracts.cluster_section import ClusterSection
from data_contracts.dataset_sections import GroupingSection
from data_contracts.errors import ShelftalkerError, SourceChangedError
from data_contracts.feedback_section import FeedbackSection
from data_contracts.grouped_blocks import BLOCKS_FILE
from data_contracts.identifiers import CATALOGUE_FILE
from data_contracts.selection import Selection
from tasks.cluster.by_user import blocks_for, divide_rows
from tasks.cluster.client import workers
from tasks.cluster.grouping import Rules, group_rows
from tasks.cluster.holdout import hold_out_rows
from tasks.cluster.ingesting import PARTS, ingest_parts
from tasks.ingestion.task import Source
from tasks.runtime import store
from tasks.runtime.files import sha256_of
from tasks.runtime.step import step
from tasks.sources.files import stamps


@step("read and check {source.path.name} on workers", contracts=("events",))
def ingest_on_cluster(out: Path, source: Source, cluster: ClusterSection) -> store.Facts:
    """Write accepted rows, rejected rows and item descriptions, part by part; the log is judged on the whole."""
    label, began = ingest_on_cluster.title.format(source=source), time.perf_counter()
    try:
        with workers(cluster, out, store.scratch()) as found:
            facts = ingest_parts(source.spec, source.path, out, found, scratch=store.scratch(), label=label)
    except (ShelftalkerError, OSError) as error:
        if stamps(source.spec, source.path) != source.stamps:
            raise _changed(source) from error
        raise
    if stamps(source.spec, source.path) != source.stamps:
        raise _changed(source)
    return {**facts, "seconds": round(time.perf_counter() - began, 3)}


def _changed(source: Source) -> SourceChangedError:
    return SourceChangedError(
        f"{source.path} changed while it was read, so nothing was made of it; run again when it is written"
    )


@step("divide events by user")
def divide_by_user(out: Path, events: store.ArtifactRef, cluster: ClusterSection) -> store.Facts:
    """Write the accepted rows once more, a file for each block of users."""
    parts = [(events.folder / PARTS / each["name"], each["rows"]) for each in events.facts["parts"]]
    n_blocks = cluster.blocks or blocks_for(events.facts["rows_accepted"])
    with workers(cluster, out, store.scratch()) as found:
        blocks = divide_rows(parts, n_blocks, out, found, divide_by_user.title)
    return {
        "n_blocks": n_blocks,
        "rows": sum(block.rows for block in blocks),
        "blocks": [block._asdict() for block in blocks],
    }


@step("group interactions by blocks of users", contracts=("vocabulary",))
def group_by_block(
    out: Path,
    events: store.ArtifactRef,
    divided: store.ArtifactRef,
    selection: Selection,
    feedback: FeedbackSection,
    merging: GroupingSection,
    cluster: ClusterSection,
    *,
    held_out: Selection | None = None,
    catalogue: bool = False,
    history: bool = False,
    baskets: bool = False,
) -> store.Facts:
    """Write vocabularies and weights of all blocks, and the list that makes them one matrix.

    `events` is what ingestion left, `divided` the same rows by user; `held_out` is written beside the weights, and so
    is each user's `history`, with `baskets` also basket by basket.
    """
    n_blocks = divided.facts["n_blocks"]
    with workers(cluster, out, store.scratch()) as found:
        blocks, items, counts = group_rows(
            divided.folder,
            n_blocks,
            out,
            found,
            rules=Rules(selection, feedback, merging, history=history, baskets=baskets),
            catalogue=events.folder / CATALOGUE_FILE if catalogue else None,
            label=group_by_block.title,
        )
        held = {}
        if held_out is not None:
            pairs, cold = hold_out_rows(divided.folder, n_blocks, out, found, held_out, group_by_block.title)
            held = {"holdout_pairs": pairs, "holdout_cold_users": cold}
    return {
        "n_users": blocks.n_users,
        "n_items": blocks.n_items,
        "catalogue_items": items.catalogue,
        "nnz": blocks.nnz,
        "weight_sum": blocks.weight_sum,
        "items_sha256": items.sha256,
        "blocks_sha256": sha256_of(out / BLOCKS_FILE),
        **counts,
        **held,
    }
