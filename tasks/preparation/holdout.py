"""Map what is held out by the vocabularies from before it: users, baskets, events in order, ratings."""

from pathlib import Path

import duckdb
import numpy as np

from data_contracts.column_sections import ColumnsSection
from data_contracts.columns import BASKET_ID, EVENT_TIME, ITEM_ID, USER_ID, VALUE
from data_contracts.errors import ContractError
from data_contracts.feedback_section import FeedbackSection
from data_contracts.holdout import HeldOutEvents, HeldOutRatings, Holdout
from data_contracts.selection import Selection
from tasks.numeric.slices import sample_users
from tasks.preparation.event_types import is_target
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.refusals import nothing_held_out
from tasks.preparation.seen import FORMER_USERS
from tasks.preparation.select_events import load_codes, select_events
from tasks.runtime import duckdb_engine, store
from tasks.runtime.duckdb_engine import arrays, path_literal
from tasks.runtime.step import step

ARRAYS = (
    "user_codes",
    "indptr",
    "items",
    "n_relevant",
    "basket_rows",
    "basket_indptr",
    "basket_items",
    "past_rows",
)
EVENTS = ("rows", "items", "baskets", "guessed")
RATINGS = ("user_codes", "items", "values", "owners", "past_rows")

CONTEXT = "context_events"
"""View of everything in a hold-out, of which the view ``events`` holds what is asked for."""

MOST_GUESSED = 20_000
"""Held-out events that ``next_item_accuracy`` asks for, at most: a model may have to look at each anew."""


def map_holdout(
    events: Path,
    vocabulary: Path,
    selection: Selection,
    *,
    baskets: bool,
    scratch: Path,
    ratings: bool = False,
    past: Path | None = None,
) -> Holdout:
    """Map the held-out events by the training vocabularies.

    Parameters
    ----------
    events, vocabulary
        events.parquet and the folder of the vocabularies.
    selection
        What is held out.
    baskets, ratings
        Whether the log has them.
    scratch
        Where DuckDB may spill.
    past
        Folder of what users had before (:mod:`tasks.preparation.seen`), where the matrix does not say it.

    Raises
    ------
    ContractError
        If no event with a known item is held out; the message says what would help.

    """
    with duckdb_engine.connect(scratch) as connection:
        if selection.only_targets:  # what else its users did tells what they were about to take
            select_events(connection, events, selection.model_copy(update={"only_targets": False}))
            connection.execute(f"ALTER VIEW events RENAME TO {CONTEXT}")
        select_events(connection, events, selection)
        n_users, n_items = load_codes(connection, vocabulary)
        _load_pasts(connection, n_users, past)
        users, pasts, indptr, items, n_relevant = _user_rows(connection)
        if not len(items):
            n_held = duckdb_engine.number(connection, "SELECT count(*) FROM events")
            raise ContractError(nothing_held_out(connection, events, selection, n_held))
        basket_rows, basket_indptr, basket_items = _basket_rows(connection) if baskets else _no_baskets()
        in_order = _events(connection, selection, baskets=baskets)
        given = _ratings(connection, events, selection) if ratings else None
    return Holdout(
        user_codes=users,
        indptr=indptr,
        items=items,
        n_relevant=n_relevant,
        basket_rows=basket_rows,
        basket_indptr=basket_indptr,
        basket_items=basket_items,
        n_items=n_items,
        past_rows=pasts,
        events=in_order,
        ratings=given,
    )


def _load_pasts(connection: duckdb.DuckDBPyConnection, n_users: int, past: Path | None) -> None:
    """Create the table ``pasts`` (id, past): users whom the vocabulary lacks but who had something before."""
    rows = f"SELECT NULL::VARCHAR AS {USER_ID}, 0 AS past LIMIT 0"
    if past is not None:
        rows = (
            f"SELECT {USER_ID}, file_row_number::INT + {n_users} AS past FROM "
            f"read_parquet({path_literal(past / FORMER_USERS)}, file_row_number = true)"
        )
    connection.execute(f"CREATE TABLE pasts AS {rows}")


def _user_rows(connection: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, ...]:
    # Cold users (code -1) come last, among themselves in the order of their ids.
    connection.execute(
        f"""CREATE TABLE rows AS
        SELECT row_number() OVER (ORDER BY coalesce(code, {2**31 - 1}), {USER_ID}) - 1 AS row, *
        FROM (SELECT {USER_ID}, count(DISTINCT {ITEM_ID})::INT AS relevant FROM events
              WHERE {USER_ID} IS NOT NULL GROUP BY {USER_ID})
        LEFT JOIN users USING ({USER_ID}) LEFT JOIN pasts USING ({USER_ID})"""
    )
    codes, pasts, relevant = arrays(
        connection,
        "SELECT coalesce(code, -1)::INT, coalesce(code, past, -1)::INT, relevant FROM rows ORDER BY row",
    )
    rows, items = arrays(
        connection,
        f"""SELECT row, items.code::INT
        FROM (SELECT DISTINCT {USER_ID}, {ITEM_ID} FROM events) JOIN rows USING ({USER_ID})
        JOIN items USING ({ITEM_ID}) ORDER BY ALL""",
    )
    return codes, pasts, _indptr(rows, len(codes)), items, relevant


def _basket_rows(connection: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, ...]:
    # A basket belongs to the user that any of its rows names.
    connection.execute(
        f"""CREATE TABLE baskets AS
        SELECT row_number() OVER (ORDER BY {BASKET_ID}) - 1 AS basket, {BASKET_ID}, coalesce(row, -1) AS row
        FROM (SELECT {BASKET_ID}, min({USER_ID}) AS {USER_ID} FROM events
              WHERE {BASKET_ID} IS NOT NULL GROUP BY {BASKET_ID})
        LEFT JOIN rows USING ({USER_ID})"""
    )
    (rows,) = arrays(connection, "SELECT row::INT FROM baskets ORDER BY basket")
    baskets, items = arrays(
        connection,
        f"""SELECT basket, items.code::INT FROM events
        JOIN baskets USING ({BASKET_ID}) JOIN items USING ({ITEM_ID}) ORDER BY ALL""",
    )
    return rows, _indptr(baskets, len(rows)), items


def _no_baskets() -> tuple[np.ndarray, ...]:
    return np.empty(0, np.int32), np.zeros(1, np.int64), np.empty(0, np.int32)


def _events(
    connection: duckdb.DuckDBPyConnection, selection: Selection, *, baskets: bool
) -> HeldOutEvents | None:
    """The users' held-out events in order; None where the log or the split has no order."""
    timeless = duckdb_engine.number(connection, f"SELECT count(*) FROM events WHERE {EVENT_TIME} IS NULL")
    if timeless or selection.split == "random":
        return None
    basket, joined = (
        ("coalesce(basket, -1)", f"LEFT JOIN baskets USING ({BASKET_ID})") if baskets else ("-1", "")
    )
    listed = "SELECT *, 1 AS asked FROM events"
    if selection.only_targets:
        listed += f" UNION ALL SELECT *, 0 FROM {CONTEXT} WHERE NOT {is_target(selection)}"
    # Events of one time have no honest order: one is drawn that the order of the log's rows does not change, and that
    # tells nothing of the next item. What is asked for comes last: a view of the same second says nothing less of it.
    drawn = f"md5(concat_ws(':', {USER_ID}, epoch_us({EVENT_TIME}), {ITEM_ID}))"
    rows, items, of_basket, asked = arrays(
        connection,
        f"""SELECT r.row::INT, coalesce(i.code, -1)::INT, ({basket})::INT, asked
        FROM ({listed}) e JOIN rows r USING ({USER_ID}) LEFT JOIN items i USING ({ITEM_ID}) {joined}
        ORDER BY r.row, {EVENT_TIME}, asked, {drawn}, {ITEM_ID}""",
    )
    return HeldOutEvents(rows, items, of_basket, _guessed(np.flatnonzero(asked), selection.seed))


def _guessed(asked: np.ndarray, seed: int) -> np.ndarray:
    n_events = len(asked)
    if n_events <= MOST_GUESSED:
        return asked.astype(np.int64)
    chosen = np.random.default_rng([seed, n_events]).choice(n_events, MOST_GUESSED, replace=False)
    return asked[np.sort(chosen)].astype(np.int64)


def _ratings(connection: duckdb.DuckDBPyConnection, events: Path, selection: Selection) -> HeldOutRatings:
    """The last rating of each held-out pair, those below the threshold, too."""
    connection.execute("DROP VIEW events")
    select_events(connection, events, selection, everything=True)
    since = ""
    if selection.start is not None:  # what lies before a hold-out by time is no part of it
        since = f"AND {EVENT_TIME} >= TIMESTAMPTZ '{selection.start.isoformat()}'"
    found = arrays(
        connection,
        f"""SELECT coalesce(u.code, -1)::INT, i.code::INT, rating::FLOAT,
            (dense_rank() OVER (ORDER BY coalesce(u.code, {2**31 - 1}), {USER_ID}) - 1)::INT AS owner,
            coalesce(u.code, past, -1)::INT
        FROM (SELECT {USER_ID}, {ITEM_ID}, last({VALUE} ORDER BY {EVENT_TIME}, {VALUE}) AS rating
              FROM events WHERE {USER_ID} IS NOT NULL AND isfinite({VALUE}) {since}
              GROUP BY {USER_ID}, {ITEM_ID})
        JOIN items i USING ({ITEM_ID}) LEFT JOIN users u USING ({USER_ID}) LEFT JOIN pasts USING ({USER_ID})
        ORDER BY owner, i.code""",
    )
    return HeldOutRatings(*found)


def _indptr(rows: np.ndarray, n_rows: int) -> np.ndarray:
    return np.concatenate(([0], np.cumsum(np.bincount(rows.astype(np.int64), minlength=n_rows)))).astype(
        np.int64
    )


@step("hold out the newest events")
def split(
    out: Path,
    events: store.ArtifactRef,
    data: PreparedEvents,
    selection: Selection,
    columns: ColumnsSection,
    feedback: FeedbackSection,
    max_users: int,
    seed: int,
) -> store.Facts:
    """Write the mapped hold-out, or of a large one a sample, as one .npy file per array.

    `data` is what is trained on.
    """
    vocabulary = data.vocabularies
    whole = map_holdout(
        events.folder / "events.parquet",
        vocabulary.folder,
        selection,
        baskets=columns.basket is not None,
        ratings=feedback.kind == "rating",
        past=data.past.folder if data.past else None,
        scratch=store.scratch(),
    )
    holdout = sample_users(whole, max_users, seed)
    return {
        **save_holdout(out, holdout),
        "n_users_in_all": whole.n_rows,
        **({"targets": list(selection.targets)} if selection.only_targets else {}),
        "age_days": _age_days(events.folder / "events.parquet", selection),
        "users_sha256": vocabulary.facts["users_sha256"],
        "items_sha256": vocabulary.facts["items_sha256"],
    }


def save_holdout(out: Path, holdout: Holdout) -> dict[str, int]:
    """Write a hold-out into an existing folder; returns its sizes."""
    _save(out, "", ARRAYS, holdout)
    _save(out, "event_", EVENTS, holdout.events)
    _save(out, "rating_", RATINGS, holdout.ratings)
    known = int((holdout.user_codes >= 0).sum())
    of_known = (holdout.basket_rows >= 0) & (holdout.basket_rows < known)
    counted = {} if holdout.events is None else _counts(holdout.events)
    rated = {} if holdout.ratings is None else {"n_ratings": len(holdout.ratings.values)}
    return {
        "n_users": len(holdout.user_codes),
        "n_known_users": known,
        "n_baskets": len(holdout.basket_rows),
        "n_known_baskets": int(of_known.sum()),
        "n_items": holdout.n_items,
        **counted,
        **rated,
    }


def _counts(events: HeldOutEvents) -> dict[str, int]:
    return {"n_events": len(events.rows), "n_guessed_events": len(events.guessed)}


def _age_days(events: Path, selection: Selection) -> float | None:
    """Days from the newest event that the run sees to its day; None where the day or the times are missing."""
    if selection.end is None:
        return None
    with duckdb_engine.connect(store.scratch()) as connection:
        select_events(connection, events, Selection(end=selection.end))
        row = connection.execute(f"SELECT max(epoch({EVENT_TIME})) FROM events").fetchone()
    newest = row[0] if row else None
    return None if newest is None else round((selection.end.timestamp() - newest) / 86_400, 2)


def _save(out: Path, prefix: str, names: tuple[str, ...], parts: object) -> None:
    if parts is not None:
        for name in names:
            np.save(out / f"{prefix}{name}.npy", getattr(parts, name))


def load_holdout(artifact: store.ArtifactRef) -> Holdout:
    """Read what :func:`split` wrote."""
    events = _load(artifact.folder, "event_", EVENTS)
    ratings = _load(artifact.folder, "rating_", RATINGS)
    return Holdout(
        **_load(artifact.folder, "", ARRAYS),
        n_items=artifact.facts["n_items"],
        events=HeldOutEvents(**events) if events else None,
        ratings=HeldOutRatings(**ratings) if ratings else None,
    )


def _load(folder: Path, prefix: str, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Arrays of one kind; empty where there are none."""
    if not (folder / f"{prefix}{names[0]}.npy").exists():
        return {}
    return {name: np.load(folder / f"{prefix}{name}.npy") for name in names}
