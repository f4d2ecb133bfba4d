"""The values of the log as given: what a model that predicts ratings learns from."""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from data_contracts.columns import EVENT_TIME, VALUE
from data_contracts.selection import Selection
from tasks.preparation.aggregation import write_last_values
from tasks.preparation.encoding import AGES, DAYS, ITEMS, SHARES, USERS, age_of, encode_columns
from tasks.preparation.select_events import select_events
from tasks.runtime import duckdb_engine

NAME = "ratings"


def write_ratings(events: Path, vocabulary: Path, out: Path, *, selection: Selection, scratch: Path) -> None:
    """Write ``ratings_*.npy``: the value of each pair's last event, before threshold or clipping.

    Of one moment the highest is last.

    Pairs of the vocabularies' users and items only: somebody without an event above the threshold has no
    code.

    Parameters
    ----------
    events, vocabulary
        events.parquet and the folder of the vocabularies.
    out
        An existing folder.
    selection
        Training side; what its values decide counts only for what is held out.
    scratch
        Where DuckDB may spill.

    """
    with TemporaryDirectory(prefix="ratings-", dir=scratch) as folder:
        with duckdb_engine.connect(scratch) as connection:
            select_rated(connection, events, selection)
            age = age_of(selection)
            wanted = {
                USERS: "coalesce(users.code + 1, 0)",
                ITEMS: "items.code",
                DAYS: f"floor({age})::INT",
                AGES: age,
                SHARES: f"{VALUE}::DOUBLE",
            }
            encoded = encode_columns(connection, vocabulary, Path(folder), wanted)
        write_last_values(encoded, out, NAME)


def select_rated(connection: duckdb.DuckDBPyConnection, events: Path, selection: Selection) -> None:
    """Create the view ``events``: rows of a training side whatever their value, none that is held out.

    The cut lies where the events above the threshold put it, so that no rating here is one of the hold-out's
    (:mod:`tasks.preparation.holdout`).
    """
    select_events(connection, events, selection, everything=selection.judges_values)
    if selection.judges_values and selection.start is not None:
        connection.execute("ALTER VIEW events RENAME TO every_event")
        start = f"TIMESTAMPTZ '{selection.start.isoformat()}'"
        connection.execute(f"CREATE VIEW events AS FROM every_event WHERE {EVENT_TIME} >= {start}")
