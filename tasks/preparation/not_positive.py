"""Count the events whose values are no more than 0, and the pairs that are no feedback because of them."""

from pathlib import Path

from data_contracts.columns import ITEM_ID, USER_ID, VALUE
from data_contracts.feedback_section import FeedbackSection
from data_contracts.selection import Selection
from tasks.preparation.event_types import excludes, is_named
from tasks.preparation.ratings import select_rated
from tasks.preparation.select_events import select_events
from tasks.runtime import duckdb_engine

ZERO, NEGATIVE, MISSING = "zero_events", "negative_events", "missing_value_events"
DROPPED_PAIRS = "dropped_pairs"

PAIRS = f"SELECT count(*) FROM (SELECT DISTINCT {USER_ID}, {ITEM_ID} FROM events WHERE {USER_ID} IS NOT NULL)"

SAID = {
    "quantity": "those below 0 are returns, taken off what the same user took of the item; 0 is no observation",
    "duration": "none of them is an observation",
    "event_type": "the weight of those that lower is taken off what the same user did with the item; those that exclude "
    "end it, and the user counts as having had the item",
    "rating": "they are dislikes: the user had the item, and nothing is learned from it",
}
"""What the rule of each kind makes of them."""


def count_not_positive(events: Path, selection: Selection, scratch: Path) -> dict[str, int]:
    """Count what a selection leaves out because of values that are not above 0.

    Parameters
    ----------
    events
        events.parquet of the ingestion.
    selection
        A training side.
    scratch
        Where DuckDB may spill.

    Returns
    -------
    By name: events of value 0 (of event types: those that end a pair), below 0 and without a value, and pairs of a user and an item that have events
    but are no feedback. Empty where the dataset does not ask for values above 0.

    """
    if selection.values == "all":
        return {}
    with duckdb_engine.connect(scratch) as connection:
        select_rated(connection, events, selection)
        zero = f"{VALUE} = 0"
        if selection.values == "typed":
            zero = excludes(selection)
            connection.execute("ALTER VIEW events RENAME TO typed_events")
            connection.execute(f"CREATE VIEW events AS FROM typed_events WHERE {is_named(selection)}")
        counts = duckdb_engine.arrays(
            connection,
            f"SELECT count(*) FILTER ({zero}), count(*) FILTER ({VALUE} < 0 AND isfinite({VALUE})), "
            f"count(*) FILTER (NOT coalesce(isfinite({VALUE}), false)) FROM events",
        )
        found = dict(zip((ZERO, NEGATIVE, MISSING), (int(count[0]) for count in counts), strict=True))
        dropped = 0
        if any(found.values()):
            dropped = duckdb_engine.number(connection, PAIRS)
            for view in ("events", "typed_events", "every_event"):
                connection.execute(f"DROP VIEW IF EXISTS {view}")
            select_events(connection, events, selection.uncapped)
            dropped -= duckdb_engine.number(connection, PAIRS)
    return {**found, DROPPED_PAIRS: dropped}


def warnings_of(facts: dict[str, int], feedback: FeedbackSection) -> list[str]:
    """What people should know of the counts of :func:`count_not_positive`; empty where there is nothing."""
    typed = feedback.kind == "event_type"
    kinds = {
        ZERO: "of types that exclude" if typed else "of value 0",
        NEGATIVE: "of types that lower" if typed else "below 0",
        MISSING: "without a value",
    }
    there = [f"{facts[name]:,} {said}" for name, said in kinds.items() if facts.get(name)]
    if not there:
        return []
    said = (
        f"events {', '.join(there)}: {SAID[feedback.kind]}; {facts[DROPPED_PAIRS]:,} pairs of a user and an item "
        f'are left out (kind = "{feedback.kind}" under [feedback])'
    )
    return [said]
