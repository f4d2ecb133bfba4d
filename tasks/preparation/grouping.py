"""Group the interactions both ways: items for a user and users for an item, as .npy files to be mapped."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from data_contracts.dataset_sections import FeedbackSection, GroupingSection
from data_contracts.interactions import Csr, GroupedMatrix, History, ItemTimeline
from data_contracts.selection import Selection
from tasks.numeric.transpose import transpose
from tasks.preparation.aggregation import write_rows
from tasks.preparation.encoding import encode_events
from tasks.preparation.select_events import select_events
from tasks.runtime import duckdb_engine, store
from tasks.runtime.step import step
from tasks.validation.suites import check_facts
from tasks.validation.table_facts import matrix_facts


def group(
    events: Path,
    vocabulary: Path,
    out: Path,
    *,
    selection: Selection,
    feedback: FeedbackSection,
    grouping: GroupingSection,
    scratch: Path,
) -> dict[str, int]:
    """Write the grouped matrix of the selected events into the folder `out`.

    Memory stays at the engine's limit plus one batch; the arrays are written through the page cache.

    Parameters
    ----------
    events, vocabulary
        events.parquet and the folder of the vocabularies.
    out
        An existing folder.
    selection, feedback, grouping
        Which events, what their values mean, how a pair's events become one weight.
    scratch
        Where DuckDB may spill.

    Returns
    -------
    Facts: n_users, n_items, nnz, events, anonymous_events.

    """
    with TemporaryDirectory(prefix="grouping-", dir=scratch) as folder:
        with duckdb_engine.connect(scratch) as connection:
            select_events(connection, events, selection)
            coded = encode_events(
                connection,
                vocabulary,
                Path(folder),
                selection=selection,
                feedback=feedback,
                grouping=grouping,
            )
        anonymous = write_rows(coded, out, grouping)
    by_user = open_csr(out, "by_user", coded.n_items)
    _write_by_item(by_user, out)
    return {
        "n_users": coded.n_users,
        "n_items": coded.n_items,
        "nnz": by_user.nnz,
        "events": coded.n_events,
        "anonymous_events": anonymous,
    }


def _write_by_item(by_user: Csr, out: Path) -> None:
    indices = _create(out / "by_item_indices.npy", np.int32, by_user.nnz)
    values = _create(out / "by_item_values.npy", np.float32, by_user.nnz)
    indptr = transpose(by_user, indices, values)
    np.save(out / "by_item_indptr.npy", indptr)


def _create(path: Path, dtype: type[np.generic], length: int) -> npt.NDArray[np.generic]:
    if not length:  # an empty file cannot be memory-mapped
        np.save(path, np.empty(0, dtype))
        return np.empty(0, dtype)
    mapped: npt.NDArray[np.generic] = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(length,))
    return mapped


@step("group interactions", contracts=("interactions", "grouped_matrix"))
def grouping(
    out: Path,
    events: store.ArtifactRef,
    vocabulary: store.ArtifactRef,
    selection: Selection,
    feedback: FeedbackSection,
    merging: GroupingSection,
) -> store.Facts:
    """Write both views, the items' timeline and the users' histories."""
    facts = group(
        events.folder / "events.parquet",
        vocabulary.folder,
        out,
        selection=selection,
        feedback=feedback,
        grouping=merging,
        scratch=store.scratch(),
    )
    sizes = (vocabulary.facts["n_users"], vocabulary.facts["n_items"])
    known_events = facts["events"] - facts["anonymous_events"]
    pairs, grouped = matrix_facts(open_grouped(out, facts), known_events, sizes)
    check_facts("interactions", pairs)
    check_facts("grouped_matrix", grouped)
    return {**facts, **{name: vocabulary.facts[name] for name in ("users_sha256", "items_sha256")}}


def open_csr(folder: Path, name: str, n_cols: int) -> Csr:
    """Open one view memory-mapped: ``NAME_indptr.npy``, ``NAME_indices.npy``, ``NAME_values.npy``."""
    parts = [_open(folder / f"{name}_{part}.npy") for part in ("indptr", "indices", "values")]
    return Csr(parts[0], parts[1], parts[2], n_cols)


def _open(path: Path) -> np.ndarray:
    try:
        return np.asarray(np.load(path, mmap_mode="r"))
    except ValueError:  # a file of no entries cannot be memory-mapped
        return np.asarray(np.load(path))


def open_grouped(folder: Path, facts: store.Facts) -> GroupedMatrix:
    """Open a grouped matrix memory-mapped, read-only."""
    timeline = history = None
    if (folder / "timeline_indptr.npy").exists():
        timeline = ItemTimeline(
            *(_open(folder / f"timeline_{part}.npy") for part in ("indptr", "ages", "counts"))
        )
    if (folder / "history_indptr.npy").exists():
        history = History(
            *(_open(folder / f"history_{part}.npy") for part in ("indptr", "items", "ages", "values"))
        )
    return GroupedMatrix(
        open_csr(folder, "by_user", facts["n_items"]),
        open_csr(folder, "by_item", facts["n_users"]),
        timeline,
        history,
    )


def load_grouped(artifact: store.ArtifactRef) -> GroupedMatrix:
    """Open what :func:`grouping` wrote."""
    return open_grouped(artifact.folder, artifact.facts)
