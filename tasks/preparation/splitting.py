"""Cut the events into what is trained on and what is held out, and map the hold-out."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from data_contracts.columns import BASKET_ID, ITEM_ID, USER_ID
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.evaluation import Holdout
from data_contracts.selection import Selection
from tasks.preparation.advice import nothing_to_score
from tasks.preparation.select_events import load_codes, select_events
from tasks.runtime import duckdb_engine, store
from tasks.runtime.step import step

ARRAYS = ("user_codes", "indptr", "items", "n_relevant", "basket_rows", "basket_indptr", "basket_items")


class Windows(NamedTuple):
    """The three parts of the log that a run looks at."""

    train: Selection
    """What the compared models learn from."""
    holdout: Selection
    """What they are compared on."""
    full: Selection
    """What the winner is refitted on."""


def windows(spec: DatasetSpec, as_of: date | None, seed: int) -> Windows:
    """Selections of a run.

    Parameters
    ----------
    spec
        The dataset; days begin at midnight in its time zone.
    as_of
        Exclusive upper bound of everything; None only for a log without times.
    seed
        Decides a random split.

    """
    window = spec.window
    if as_of is None:
        full = Selection(threshold=spec.feedback.threshold)
    else:
        start = as_of - timedelta(days=window.lookback_days) if window.lookback_days else None
        full = Selection(
            start=_midnight(spec, start) if start else None,
            end=_midnight(spec, as_of),
            threshold=spec.feedback.threshold,
        )
    if window.split == "file":
        return Windows(full, full, full)
    if window.split == "time":
        if as_of is None:
            raise ConfigurationError(f"dataset {spec.name!r} is split by time: give an --as-of date")
        cut = _midnight(spec, as_of - timedelta(days=window.holdout_days))
        return Windows(full.model_copy(update={"end": cut}), full.model_copy(update={"start": cut}), full)
    divided = full.model_copy(
        update={
            "split": window.split,
            "leave_last_n": window.leave_last_n,
            "random_share": window.random_share,
            "seed": seed,
        }
    )
    return Windows(divided, divided.model_copy(update={"part": "holdout"}), full)


def inner_windows(spec: DatasetSpec, as_of: date | None, seed: int, n: int) -> tuple[Windows, ...]:
    """Windows inside the training side of a run as of that day, the newest first: all that tuning may see.

    They are cut as the run itself is cut, `n` times, each one hold-out earlier. None of them holds an
    event of the run's own hold-out.

    Raises
    ------
    ConfigurationError
        If the log has no times and its split needs some.

    """
    if spec.window.split in {"leave_last", "random"}:
        outer = windows(spec, as_of, seed)
        deeper = [{"within": depth} for depth in range(1, n + 1)]
        return tuple(Windows(*(part.model_copy(update=each) for part in outer)) for each in deeper)
    if as_of is None:
        raise ConfigurationError(f"dataset {spec.name!r} cannot be tuned: its log has no times to cut at")
    days = timedelta(days=spec.window.holdout_days)
    # A hold-out in a file of its own lies after the log: the newest window may then end with the log.
    first = as_of if spec.window.split == "file" else as_of - days
    by_time = spec.model_copy(update={"window": spec.window.model_copy(update={"split": "time"})})
    return tuple(windows(by_time, first - each * days, seed) for each in range(n))


def _midnight(spec: DatasetSpec, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(spec.source.timezone)).astimezone(UTC)


def map_holdout(
    events: Path, vocabulary: Path, selection: Selection, *, baskets: bool, scratch: Path
) -> Holdout:
    """Map the held-out events by the training vocabularies.

    Raises
    ------
    ContractError
        If no event with a known item is held out.

    """
    with duckdb_engine.connect(scratch) as connection:
        select_events(connection, events, selection)
        _, n_items = load_codes(connection, vocabulary)
        users, indptr, items, n_relevant = _user_rows(connection)
        if not len(items):
            window = f"{selection.start or 'the first event'} to {selection.end or 'the last event'}"
            raise ContractError(
                f"the hold-out from {window} has no event with an item known before it; "
                f"{nothing_to_score(selection)}"
            )
        basket_rows, basket_indptr, basket_items = _basket_rows(connection) if baskets else _no_baskets()
    return Holdout(users, indptr, items, n_relevant, basket_rows, basket_indptr, basket_items, n_items)


def _user_rows(connection: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, ...]:
    # Cold users (code -1) come last, among themselves in the order of their ids.
    connection.execute(
        f"""CREATE TABLE rows AS
        SELECT row_number() OVER (ORDER BY coalesce(code, {2**31 - 1}), {USER_ID}) - 1 AS row, *
        FROM (SELECT {USER_ID}, count(DISTINCT {ITEM_ID})::INT AS relevant FROM events
              WHERE {USER_ID} IS NOT NULL GROUP BY {USER_ID})
        LEFT JOIN users USING ({USER_ID})"""
    )
    codes, relevant = duckdb_engine.arrays(
        connection, "SELECT coalesce(code, -1)::INT, relevant FROM rows ORDER BY row"
    )
    rows, items = duckdb_engine.arrays(
        connection,
        f"""SELECT row, items.code::INT
        FROM (SELECT DISTINCT {USER_ID}, {ITEM_ID} FROM events) JOIN rows USING ({USER_ID})
        JOIN items USING ({ITEM_ID}) ORDER BY ALL""",
    )
    return codes, _indptr(rows, len(codes)), items, relevant


def _basket_rows(connection: duckdb.DuckDBPyConnection) -> tuple[np.ndarray, ...]:
    # A basket belongs to the user that any of its rows names.
    connection.execute(
        f"""CREATE TABLE baskets AS
        SELECT row_number() OVER (ORDER BY {BASKET_ID}) - 1 AS basket, {BASKET_ID}, coalesce(row, -1) AS row
        FROM (SELECT {BASKET_ID}, min({USER_ID}) AS {USER_ID} FROM events
              WHERE {BASKET_ID} IS NOT NULL GROUP BY {BASKET_ID})
        LEFT JOIN rows USING ({USER_ID})"""
    )
    (rows,) = duckdb_engine.arrays(connection, "SELECT row::INT FROM baskets ORDER BY basket")
    baskets, items = duckdb_engine.arrays(
        connection,
        f"""SELECT basket, items.code::INT FROM events
        JOIN baskets USING ({BASKET_ID}) JOIN items USING ({ITEM_ID}) ORDER BY ALL""",
    )
    return rows, _indptr(baskets, len(rows)), items


def _no_baskets() -> tuple[np.ndarray, ...]:
    return np.empty(0, np.int32), np.zeros(1, np.int64), np.empty(0, np.int32)


def _indptr(rows: np.ndarray, n_rows: int) -> np.ndarray:
    return np.concatenate(([0], np.cumsum(np.bincount(rows.astype(np.int64), minlength=n_rows)))).astype(
        np.int64
    )


@step("hold out the newest events")
def split(
    out: Path,
    events: store.ArtifactRef,
    vocabulary: store.ArtifactRef,
    selection: Selection,
    *,
    baskets: bool,
) -> store.Facts:
    """Write the mapped hold-out as one .npy file an array."""
    holdout = map_holdout(
        events.folder / "events.parquet",
        vocabulary.folder,
        selection,
        baskets=baskets,
        scratch=store.scratch(),
    )
    for name in ARRAYS:
        np.save(out / f"{name}.npy", getattr(holdout, name))
    known = int((holdout.user_codes >= 0).sum())
    return {
        "n_users": len(holdout.user_codes),
        "n_known_users": known,
        "n_baskets": len(holdout.basket_rows),
        "n_known_baskets": int(((holdout.basket_rows >= 0) & (holdout.basket_rows < known)).sum()),
        "n_items": holdout.n_items,
        "users_sha256": vocabulary.facts["users_sha256"],
        "items_sha256": vocabulary.facts["items_sha256"],
    }


def load_holdout(artifact: store.ArtifactRef) -> Holdout:
    """Read what :func:`split` wrote."""
    arrays = {name: np.load(artifact.folder / f"{name}.npy") for name in ARRAYS}
    return Holdout(**arrays, n_items=artifact.facts["n_items"])
