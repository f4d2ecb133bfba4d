"""What users had before the cut-off, whatever the window, threshold or merge left of it in the matrix."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.columns import ITEM_ID, USER_ID
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr
from data_contracts.selection import Selection
from tasks.preparation.event_types import excludes
from tasks.preparation.select_events import is_observed, load_codes, select_events
from tasks.runtime import duckdb_engine, store
from tasks.runtime.step import step

FORMER_USERS = "former_users.parquet"
SEEN, BLOCKED = "seen", "blocked"
PARTS = ("indptr", "indices")


@dataclass(frozen=True, eq=False)
class Seen:
    """Who had what before the cut-off.

    Parameters
    ----------
    by_row
        Csr (n_users + n_former, n_items): the users of the vocabulary by their codes, then those of `former`.
    former
        Users with a past whom the vocabulary lacks, because all their events are older than the window or
        no feedback by their value.
    blocked
        Of `by_row`, what an event of a type that excludes has ended: it is in no list at all. None where no type
        excludes.

    """

    by_row: Csr
    former: Vocabulary
    blocked: Csr | None = None

    @property
    def n_users(self) -> int:
        """Users of the vocabulary."""
        return self.by_row.shape[0] - len(self.former)

    @property
    def by_user(self) -> Csr:
        """Csr (n_users, n_items): the users of the vocabulary alone."""
        return first_rows(self.by_row, self.n_users)

    @property
    def barred(self) -> "Seen | None":
        """What is in no list even where anything may be recommended that a user had; None for nothing."""
        return None if self.blocked is None else Seen(self.blocked, self.former)

    def rows(self, ids: pa.Array, codes: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Rows of users by their ids and user codes (-1 = not in the vocabulary), int32 (n_ids,), -1 = no past."""
        former = self.former.codes(ids, missing="negative")
        rows = np.where(codes >= 0, codes, np.where(former >= 0, former + self.n_users, -1))
        return rows.astype(np.int32)


def first_rows(matrix: Csr, n_rows: int) -> Csr:
    """The first rows of a matrix, without a copy."""
    if matrix.shape[0] == n_rows:
        return matrix
    end = int(matrix.indptr[n_rows])
    return Csr(matrix.indptr[: n_rows + 1], matrix.indices[:end], matrix.values[:end], matrix.n_cols)


def is_needed(selection: Selection) -> bool:
    """Whether the matrix of this selection lacks part of the users' past; else it is the past itself."""
    return selection.judges_values or selection.start is not None or selection.is_capped


def remember(
    events: Path, vocabulary: Path, out: Path, selection: Selection, scratch: Path
) -> dict[str, int]:
    """Write who had what on the training side of the cut into the folder `out`.

    Parameters
    ----------
    events, vocabulary
        events.parquet and the folder of the vocabularies.
    out
        An existing folder.
    selection
        What is trained on; its start and what it asks of values are passed over. Events that are no
        observation (a quantity or a time of 0) are left out.
    scratch
        Where DuckDB may spill.

    Returns
    -------
    Facts: n_users, n_former_users, n_items, pairs.

    """
    with duckdb_engine.connect(scratch) as connection:
        select_events(connection, events, selection, everything=True)
        connection.execute("ALTER VIEW events RENAME TO every_event")
        connection.execute(f"CREATE VIEW events AS FROM every_event WHERE {is_observed(selection)}")
        n_users, n_items = load_codes(connection, vocabulary)
        former = Vocabulary(
            USER_ID,
            duckdb_engine.table(
                connection,
                f"SELECT DISTINCT {USER_ID} FROM events ANTI JOIN users USING ({USER_ID}) "
                f"WHERE {USER_ID} IS NOT NULL ORDER BY {USER_ID}",
            ).column(0),
        )
        former.save(out / FORMER_USERS)
        connection.execute(
            f"CREATE VIEW rows AS SELECT {USER_ID}, code AS row FROM users UNION ALL "
            f"SELECT {USER_ID}, file_row_number::INT + {n_users} FROM read_parquet("
            f"{duckdb_engine.path_literal(out / FORMER_USERS)}, file_row_number = true)"
        )
        rows, items = duckdb_engine.arrays(
            connection,
            f"SELECT DISTINCT row, items.code::INT AS item FROM events JOIN rows USING ({USER_ID}) "
            f"JOIN items USING ({ITEM_ID}) ORDER BY row, item",
        )
        barred = duckdb_engine.arrays(
            connection,
            f"SELECT DISTINCT row, items.code::INT AS item FROM events JOIN rows USING ({USER_ID}) "
            f"JOIN items USING ({ITEM_ID}) WHERE {excludes(selection)} ORDER BY row, item",
        )
    n_rows = n_users + len(former)
    _save(out, SEEN, (rows, items), n_rows)
    if selection.excludes:
        _save(out, BLOCKED, (barred[0], barred[1]), n_rows)
    return {
        "n_users": n_users,
        "n_former_users": len(former),
        "n_items": n_items,
        "pairs": len(items),
    }


def _save(out: Path, name: str, pairs: tuple[np.ndarray, np.ndarray], n_rows: int) -> None:
    counts = np.bincount(pairs[0].astype(np.int64), minlength=n_rows)
    np.save(out / f"{name}_indptr.npy", np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    np.save(out / f"{name}_indices.npy", pairs[1].astype(np.int32))


@step("remember what users had")
def seen(
    out: Path, events: store.ArtifactRef, vocabulary: store.ArtifactRef, selection: Selection
) -> store.Facts:
    """Write the users' past as ``seen_*.npy``, and the ids of users whom the vocabulary lacks."""
    facts = remember(events.folder / "events.parquet", vocabulary.folder, out, selection, store.scratch())
    return {**facts, **{name: vocabulary.facts[name] for name in ("users_sha256", "items_sha256")}}


def seen_before(
    events: store.ArtifactRef, vocabulary: store.ArtifactRef, selection: Selection
) -> store.ArtifactRef | None:
    """The users' past, or None where the matrix of the selection holds all of it."""
    return seen(events, vocabulary, selection) if is_needed(selection) else None


def load_seen(artifact: store.ArtifactRef | None, by_user: Csr) -> Seen:
    """Open what :func:`seen_before` found; `by_user` is the matrix that holds the past where it found None."""
    if artifact is None:
        return Seen(by_user, Vocabulary.from_ids(USER_ID, []))
    by_row = _load(artifact, SEEN)
    blocked = _load(artifact, BLOCKED) if (artifact.folder / f"{BLOCKED}_indptr.npy").exists() else None
    return Seen(by_row, Vocabulary.load(artifact.folder / FORMER_USERS), blocked)


def _load(artifact: store.ArtifactRef, name: str) -> Csr:
    indptr, indices = (np.load(artifact.folder / f"{name}_{part}.npy") for part in PARTS)
    return Csr(indptr, indices, np.ones(len(indices), np.float32), artifact.facts["n_items"])
