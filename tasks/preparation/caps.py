"""Count the events that a limit per user and day leaves out of the training."""

from pathlib import Path

from data_contracts.columns import USER_ID
from data_contracts.selection import Selection
from tasks.preparation.select_events import content_order, numbered_by_day, select_events
from tasks.runtime import duckdb_engine

EVENTS, USERS, LIMIT = "capped_events", "capped_users", "events_per_user_and_day"


def count_capped(events: Path, selection: Selection, scratch: Path) -> dict[str, int]:
    """Count what the limits on a user's events of a day leave out of a selection.

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
    By name: events left out, their users, and the limit. Empty where the dataset sets none.

    """
    if not selection.is_capped:
        return {}
    with duckdb_engine.connect(scratch) as connection:
        select_events(connection, events, selection.uncapped)
        numbered = numbered_by_day("FROM events", selection, content_order(events))
        over = f"nth > most AND {USER_ID} IS NOT NULL"
        counts = duckdb_engine.arrays(
            connection,
            f"SELECT count(*) FILTER ({over}), count(DISTINCT {USER_ID}) FILTER ({over}), "
            f"coalesce(max(most), 0)::BIGINT FROM ({numbered})",
        )
    return dict(zip((EVENTS, USERS, LIMIT), (int(count[0]) for count in counts), strict=True))


def cap_warnings(facts: dict[str, int]) -> list[str]:
    """What people should know of the counts of :func:`count_capped`; empty where nothing is left out."""
    if not facts.get(EVENTS):
        return []
    said = (
        f"{facts[EVENTS]:,} accepted events of {facts[USERS]:,} users are not trained on: a user counts with at most "
        f"{facts[LIMIT]:,} events a day (max_events_per_user, max_events_quantile under [cleaning])"
    )
    return [said]
