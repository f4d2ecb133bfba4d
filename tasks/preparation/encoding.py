"""The selected events as codes: read once from Parquet, kept as one plain file a column."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import numpy as np

from data_contracts.columns import BASKET_ID, EVENT_TIME, ITEM_ID, USER_ID
from data_contracts.dataset_sections import GroupingSection
from data_contracts.feedback_section import FeedbackSection
from data_contracts.selection import Selection
from tasks.preparation.event_types import is_target
from tasks.preparation.select_events import load_codes
from tasks.preparation.weights import Scales, event_weight, is_one, scales_of, share_of_pair
from tasks.runtime import duckdb_engine

USERS, ITEMS, DAYS, AGES, WEIGHTS, SHARES = "users", "items", "days", "ages", "weights", "shares"
BASKETS = "baskets"
COUNTED = "counted"
TARGETS = "targets"
TYPES: dict[str, type[np.generic]] = {
    USERS: np.int32,
    ITEMS: np.int32,
    DAYS: np.int32,
    AGES: np.float64,
    WEIGHTS: np.float32,
    SHARES: np.float64,
    BASKETS: np.int32,
    COUNTED: np.float64,
    TARGETS: np.uint8,
}


class EncodedEvents:
    """Columns of the selected events, memory-mapped and in no particular order.

    ``users`` (int32) holds code + 1, and 0 for an event of nobody; ``items`` (int32) the code; ``days``
    (int32) the whole days before the cut-off. Others are there only if somebody needs them: ``ages`` (float64, days), ``weights`` (float32), ``shares`` (float64, what counts for the pair),
    ``counted`` (float64, what counts for the item's day; missing where every event counts 1),
    ``targets`` (uint8, 1 = of a type that is held out) and ``baskets`` (int32, -1 = none).

    Parameters
    ----------
    folder
        Where the columns are.
    names
        The columns.
    n_events
        Their length.
    n_users, n_items
        Sizes of the vocabularies.
    timed
        Whether every event has a time.

    """

    def __init__(
        self, folder: Path, names: tuple[str, ...], n_events: int, n_users: int, n_items: int, *, timed: bool
    ) -> None:
        self.folder, self.names, self.n_events = folder, names, n_events
        self.n_users, self.n_items, self.timed = n_users, n_items, timed

    def column(self, name: str) -> np.ndarray:
        """One column; empty if it was not asked for."""
        if name not in self.names or not self.n_events:
            return np.empty(0, TYPES[name])
        return np.memmap(self.folder / name, TYPES[name], mode="r")


def encode_events(
    connection: duckdb.DuckDBPyConnection,
    vocabulary: Path,
    folder: Path,
    *,
    selection: Selection,
    feedback: FeedbackSection,
    grouping: GroupingSection,
    baskets: bool = False,
    scales: Scales | None = None,
) -> EncodedEvents:
    """Read the view ``events``, replace ids by codes, and write the columns that a grouping needs.

    Parameters
    ----------
    connection
        Has the view ``events``.
    vocabulary
        Folder of the vocabularies.
    folder
        Where the columns go.
    selection, feedback, grouping
        Which events, what their values mean, how a pair's events become one weight.
    baskets
        Whether the events' baskets are wanted.
    scales
        What weights are measured by, where the view holds a part of the selection; its own if None.

    """
    scales = scales_of(connection, feedback) if scales is None else scales
    wanted = _columns(selection, feedback, grouping, scales)
    if not baskets:
        return encode_columns(connection, vocabulary, folder, wanted)
    connection.execute(
        f"""CREATE TABLE baskets AS SELECT {BASKET_ID}, row_number() OVER (ORDER BY {BASKET_ID}) - 1 AS code
        FROM (SELECT DISTINCT {BASKET_ID} FROM events WHERE {BASKET_ID} IS NOT NULL)"""
    )
    wanted |= {BASKETS: "coalesce(baskets.code, -1)::INT"}
    return encode_columns(connection, vocabulary, folder, wanted, f"LEFT JOIN baskets USING ({BASKET_ID})")


def encode_columns(
    connection: duckdb.DuckDBPyConnection,
    vocabulary: Path,
    folder: Path,
    wanted: dict[str, str],
    more: str = "",
) -> EncodedEvents:
    """Write some columns of the view ``events``, one plain file each.

    Events of items that the vocabulary lacks are left out; users that it lacks are nobody.

    Parameters
    ----------
    connection
        Has the view.
    vocabulary
        Folder of the vocabularies, which become the tables ``users`` and ``items``.
    folder
        Where the columns go.
    wanted
        SQL by name of column, ``days`` among them.
    more
        Further joins.

    """
    n_users, n_items = load_codes(connection, vocabulary)
    query = (
        f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in wanted.items())} "
        f"FROM events JOIN items USING ({ITEM_ID}) LEFT JOIN users USING ({USER_ID}) {more}"
    )
    # The order of the file would cost a fifth of the time, and means nothing.
    connection.execute("SET preserve_insertion_order = false")
    n_events = n_times = 0
    for batch in _written(connection, query, folder, tuple(wanted)):
        n_events += batch[0]
        n_times += batch[1]
    return EncodedEvents(folder, tuple(wanted), n_events, n_users, n_items, timed=n_times == n_events)


def age_of(selection: Selection) -> str:
    """SQL for the days from an event to the selection's end, or to the last event."""
    end = f"(SELECT max({EVENT_TIME}) + INTERVAL 1 MICROSECOND FROM events)"
    if selection.end:
        end = f"TIMESTAMPTZ '{selection.end.isoformat()}'"
    return f"((epoch_us({end}) - epoch_us({EVENT_TIME})) / 86400e6)"


def _columns(
    selection: Selection, feedback: FeedbackSection, grouping: GroupingSection, scales: Scales
) -> dict[str, str]:
    """SQL of the columns that this grouping needs."""
    age = age_of(selection)
    weight = event_weight(feedback, scales)
    wanted = {USERS: "coalesce(users.code + 1, 0)", ITEMS: "items.code", DAYS: f"floor({age})::INT"}
    if grouping.history or grouping.merge == "last":
        wanted |= {AGES: age}
    if grouping.history and not is_one(feedback):
        wanted |= {WEIGHTS: f"({weight})::FLOAT"}
    if grouping.history and selection.targets:
        wanted |= {TARGETS: f"({is_target(selection)})::UTINYINT"}
    if not is_one(feedback):
        wanted |= {COUNTED: share_of_pair(weight, age, GroupingSection())}  # undecayed, and summed exactly
    if not is_one(feedback) or grouping.half_life_days is not None or grouping.merge != "sum":
        wanted |= {SHARES: share_of_pair(weight, age, grouping)}
    return wanted


def _written(
    connection: duckdb.DuckDBPyConnection, query: str, folder: Path, names: tuple[str, ...]
) -> Iterator[tuple[int, int]]:
    """Append batch after batch; yields (events, events with a time) of each."""
    with ExitStack() as stack:
        files = [stack.enter_context((folder / name).open("wb")) for name in names]
        for batch in duckdb_engine.batches(connection, query):
            for name, file, column in zip(names, files, batch.columns, strict=True):
                file.write(column.fill_null(0).to_numpy().astype(TYPES[name], copy=False).data)
            yield len(batch), len(batch) - batch.column(names.index(DAYS)).null_count
