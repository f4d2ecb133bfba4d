"""Group the interactions both ways: items for a user and users for an item, as .npy files to be mapped."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from data_contracts.dataset_sections import GroupingSection
from data_contracts.feedback_section import FeedbackSection
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr, GroupedMatrix, History, ItemFeatures, ItemTimeline
from data_contracts.matrix_parts import NO_PARTS, MatrixParts
from data_contracts.selection import Selection
from tasks.models import Need
from tasks.numeric.transpose import transpose
from tasks.preparation.aggregation import write_rows
from tasks.preparation.caps import cap_warnings, count_capped
from tasks.preparation.encoding import encode_events
from tasks.preparation.item_features import has_item_features, open_item_features, write_item_features
from tasks.preparation.matrix_files import create_array, open_array, open_csr
from tasks.preparation.not_positive import count_not_positive, warnings_of
from tasks.preparation.ratings import NAME as RATINGS
from tasks.preparation.ratings import write_ratings
from tasks.preparation.select_events import ITEMS_FILE, select_events
from tasks.runtime import duckdb_engine, store
from tasks.runtime.step import step
from tasks.validation.suites import check_facts
from tasks.validation.table_facts import matrix_facts

COPIED = ("catalogue_items", "users_sha256", "items_sha256")
"""Facts of the vocabularies that the matrix repeats."""


def group(
    events: Path,
    vocabulary: Path,
    out: Path,
    *,
    selection: Selection,
    feedback: FeedbackSection,
    grouping: GroupingSection,
    scratch: Path,
    parts: MatrixParts = NO_PARTS,
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
    parts
        Which of ratings and baskets to write as well.

    Returns
    -------
    Facts: n_users, n_items, nnz, events, anonymous_events, and where values of 0 and less are judged, what of
    them is left out (:func:`tasks.preparation.not_positive.count_not_positive`); where a user's events of a day
    are limited, what that leaves out (:func:`tasks.preparation.caps.count_capped`).

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
                baskets=parts.baskets,
            )
        anonymous = write_rows(coded, out, grouping)
    if parts.ratings:
        write_ratings(events, vocabulary, out, selection=selection, scratch=scratch)
    by_user = open_csr(out, "by_user", coded.n_items)
    write_by_item(by_user, out)
    return {
        "n_users": coded.n_users,
        "n_items": coded.n_items,
        "nnz": by_user.nnz,
        "events": coded.n_events,
        "anonymous_events": anonymous,
        **count_not_positive(events, selection, scratch),
        **count_capped(events, selection, scratch),
    }


def write_by_item(by_user: Csr, out: Path) -> None:
    """Write by_item_*.npy, the same entries seen from the items."""
    indices = create_array(out / "by_item_indices.npy", np.int32, by_user.nnz)
    values = create_array(out / "by_item_values.npy", np.float32, by_user.nnz)
    indptr = transpose(by_user, indices, values)
    np.save(out / "by_item_indptr.npy", indptr)


@step("group interactions", contracts=("interactions", "grouped_matrix"))
def grouping(
    out: Path,
    events: store.ArtifactRef,
    vocabulary: store.ArtifactRef,
    selection: Selection,
    feedback: FeedbackSection,
    merging: GroupingSection,
    parts: MatrixParts = NO_PARTS,
) -> store.Facts:
    """Write both views, the items' timeline, the users' histories, and the parts that models ask for."""
    facts = group(
        events.folder / "events.parquet",
        vocabulary.folder,
        out,
        selection=selection,
        feedback=feedback,
        grouping=merging,
        scratch=store.scratch(),
        parts=parts,
    )
    if parts.item_features is not None:
        items = Vocabulary.load(vocabulary.folder / ITEMS_FILE)
        write_item_features(events.folder / ITEMS_FILE, items, parts.item_features, out)
    return checked_facts(out, facts, vocabulary.facts, feedback)


def checked_facts(
    out: Path, facts: store.Facts, vocabulary: store.Facts, feedback: FeedbackSection
) -> store.Facts:
    """Hold a matrix against its contracts, whoever wrote it, and complete what the manifest says of it.

    `facts` are those of :func:`group`, `vocabulary` those of the ids.
    """
    sizes = (vocabulary["n_users"], vocabulary["n_items"])
    known_events = facts["events"] - facts["anonymous_events"]
    pairs, grouped = matrix_facts(open_grouped(out, facts), known_events, sizes)
    check_facts("interactions", pairs)
    check_facts("grouped_matrix", grouped)
    copied = {name: vocabulary[name] for name in COPIED}
    warnings = [*warnings_of(facts, feedback), *cap_warnings(facts)]
    return {**facts, **copied, **({"warnings": warnings} if warnings else {})}


def open_grouped(
    folder: Path, facts: store.Facts, needs: Collection[Need] = frozenset(Need)
) -> GroupedMatrix:
    """Open a grouped matrix memory-mapped, read-only.

    Parameters
    ----------
    folder, facts
        What :func:`group` wrote and returned.
    needs
        Parts to open beside both views, each only where it was written. With ``baskets`` the history is
        ordered basket by basket.

    """
    return GroupedMatrix(
        open_csr(folder, "by_user", facts["n_items"]),
        open_csr(folder, "by_item", facts["n_users"]),
        _open_timeline(folder) if Need.TIMES in needs else None,
        _open_history(folder, needs),
        _open_ratings(folder, facts["n_items"]) if Need.RATINGS in needs else None,
        _open_item_features(folder) if Need.ITEM_FEATURES in needs else None,
        # Matrices that earlier versions made do not say it.
        facts.get("catalogue_items", 0),
    )


def _open_timeline(folder: Path) -> ItemTimeline | None:
    if not (folder / "timeline_indptr.npy").exists():
        return None
    return ItemTimeline(
        *(open_array(folder / f"timeline_{part}.npy") for part in ("indptr", "ages", "counts"))
    )


def _open_history(folder: Path, needs: Collection[Need]) -> History | None:
    parts = ["indptr", "items", "ages", "values"]
    if Need.BASKETS in needs and (folder / "basket_history_indptr.npy").exists():
        found = History(*(open_array(folder / f"basket_history_{part}.npy") for part in [*parts, "baskets"]))
        return _with_targets(found, folder / "basket_history_targets.npy")
    if Need.HISTORY not in needs or not (folder / "history_indptr.npy").exists():
        return None
    found = History(*(open_array(folder / f"history_{part}.npy") for part in parts))
    return _with_targets(found, folder / "history_targets.npy")


def _with_targets(history: History, path: Path) -> History:
    return replace(history, targets=open_array(path)) if path.exists() else history


def _open_ratings(folder: Path, n_items: int) -> Csr | None:
    return open_csr(folder, RATINGS, n_items) if (folder / f"{RATINGS}_indptr.npy").exists() else None


def _open_item_features(folder: Path) -> ItemFeatures | None:
    return open_item_features(folder) if has_item_features(folder) else None


def load_grouped(artifact: store.ArtifactRef, needs: Collection[Need]) -> GroupedMatrix:
    """Open what :func:`grouping` wrote: both views, and the parts in `needs` that it wrote."""
    return open_grouped(artifact.folder, artifact.facts, needs)
