"""Group the interactions both ways: items for a user and users for an item, as .npy files to be mapped."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.columns import EVENT_TIME, ITEM_CODE, ITEM_ID, USER_CODE, USER_ID, WEIGHT
from data_contracts.dataset_sections import FeedbackSection, GroupingSection
from data_contracts.interactions import Csr, GroupedMatrix, History, ItemTimeline
from data_contracts.selection import Selection
from tasks import engine, store
from tasks.contracts import check_facts
from tasks.counting import matrix_facts
from tasks.numeric.transpose import transpose
from tasks.selecting import ROW, load_codes, select_events
from tasks.step import step
from tasks.weighting import event_weight, merged_weight

AGE = "age"
COUNT = "n"


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
    with engine.connect(scratch) as connection:
        select_events(connection, events, selection)
        n_users, n_items = _map_events(connection, vocabulary, selection, feedback)
        nnz = _write_by_user(connection, out, n_users, grouping)
        timed = bool(engine.number(connection, f"SELECT count({AGE}) = count(*) FROM mapped"))
        if timed:
            _write_timeline(connection, out, n_items)
        if timed and grouping.history:
            _write_history(connection, out, n_users)
        n_events = engine.number(connection, "SELECT count(*) FROM mapped")
        known = engine.number(connection, f"SELECT count({USER_CODE}) FROM mapped")
    _write_by_item(open_csr(out, "by_user", n_items), out)
    return {
        "n_users": n_users,
        "n_items": n_items,
        "nnz": nnz,
        "events": n_events,
        "anonymous_events": n_events - known,
    }


def _map_events(
    connection: duckdb.DuckDBPyConnection, vocabulary: Path, selection: Selection, feedback: FeedbackSection
) -> tuple[int, int]:
    """Make the table `mapped`: codes, weight and age in days of each event (user_code null = anonymous)."""
    sizes = load_codes(connection, vocabulary)
    weight = event_weight(connection, feedback)
    end = f"(SELECT max({EVENT_TIME}) + INTERVAL 1 MICROSECOND FROM events)"
    if selection.end:
        end = f"TIMESTAMPTZ '{selection.end.isoformat()}'"
    connection.execute(
        f"""CREATE TABLE mapped AS
        SELECT users.code AS {USER_CODE}, items.code AS {ITEM_CODE}, {weight} AS {WEIGHT},
               (epoch_us({end}) - epoch_us({EVENT_TIME})) / 86400e6 AS {AGE}, {ROW}
        FROM events JOIN items USING ({ITEM_ID}) LEFT JOIN users USING ({USER_ID})"""
    )
    return sizes


def _write_by_user(
    connection: duckdb.DuckDBPyConnection, out: Path, n_users: int, grouping: GroupingSection
) -> int:
    connection.execute(
        f"""CREATE TABLE pairs AS
        SELECT {USER_CODE}, {ITEM_CODE}, {merged_weight(grouping)}::FLOAT AS {WEIGHT}
        FROM mapped WHERE {USER_CODE} IS NOT NULL GROUP BY {USER_CODE}, {ITEM_CODE}"""
    )
    nnz = engine.number(connection, "SELECT count(*) FROM pairs")
    query = f"SELECT {USER_CODE}, {ITEM_CODE}, {WEIGHT} FROM pairs ORDER BY {USER_CODE}, {ITEM_CODE}"
    _write_rows(
        out,
        "by_user",
        n_users,
        nnz,
        engine.batches(connection, query),
        {"indices": np.int32, "values": np.float32},
    )
    connection.execute("DROP TABLE pairs")
    return nnz


def _write_timeline(connection: duckdb.DuckDBPyConnection, out: Path, n_items: int) -> None:
    connection.execute(
        f"""CREATE TABLE days AS SELECT {ITEM_CODE}, floor({AGE})::INT AS {AGE}, count(*)::FLOAT AS {COUNT}
        FROM mapped GROUP BY ALL"""
    )
    query = f"SELECT {ITEM_CODE}, {AGE}, {COUNT} FROM days ORDER BY ALL"
    _write_rows(
        out,
        "timeline",
        n_items,
        engine.number(connection, "SELECT count(*) FROM days"),
        engine.batches(connection, query),
        {"ages": np.int32, "counts": np.float32},
    )


def _write_history(connection: duckdb.DuckDBPyConnection, out: Path, n_users: int) -> None:
    known = f"FROM mapped WHERE {USER_CODE} IS NOT NULL"
    n_known = engine.number(connection, f"SELECT count(*) {known}")
    query = (
        f"SELECT {USER_CODE}, {ITEM_CODE}, {AGE}::FLOAT, {WEIGHT}::FLOAT {known} "
        f"ORDER BY {USER_CODE}, {AGE} DESC, {ITEM_CODE}, {ROW}"
    )
    _write_rows(
        out,
        "history",
        n_users,
        n_known,
        engine.batches(connection, query),
        {"items": np.int32, "ages": np.float32, "values": np.float32},
    )


def _write_rows(
    out: Path,
    name: str,
    n_rows: int,
    n_entries: int,
    batches: Iterator[pa.RecordBatch],
    arrays: dict[str, type[np.generic]],
) -> None:
    """Write batches of (row, array, array, ...), sorted by row, as NAME_indptr.npy and one file an array."""
    lengths = np.zeros(n_rows, np.int64)
    files = {each: _create(out / f"{name}_{each}.npy", dtype, n_entries) for each, dtype in arrays.items()}
    at = 0
    for batch in batches:
        rows, found = np.unique(batch.column(0).to_numpy(), return_counts=True)
        lengths[rows] += found
        for position, file in enumerate(files.values(), start=1):
            file[at : at + len(batch)] = batch.column(position).to_numpy()
        at += len(batch)
    np.save(out / f"{name}_indptr.npy", np.concatenate(([0], np.cumsum(lengths))).astype(np.int64))


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


@step("group interactions")
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
