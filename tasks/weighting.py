"""What an event weighs and how a pair's events become one weight, as SQL over the engine's tables."""

import duckdb

from data_contracts.columns import VALUE, WEIGHT
from data_contracts.dataset_sections import FeedbackSection, GroupingSection

DURATION_SCALE = 0.3
"""A visit of median length weighs this much; one of 3.3 medians or more weighs 1."""

UNITS = 2**20
"""Weights are added up as whole multiples of 1 / UNITS: integer sums do not depend on the threads' order."""


def event_weight(connection: duckdb.DuckDBPyConnection, feedback: FeedbackSection) -> str:
    """SQL for the weight of one row of the view `events`.

    Parameters
    ----------
    connection
        Has the view ``events``; medians and quantiles are taken from it, so from the selection only.
    feedback
        The dataset's rule.

    """
    if feedback.kind == "count" or (feedback.kind == "rating" and not feedback.as_weight):
        return "1.0::DOUBLE"
    weight = f"{VALUE}::DOUBLE"
    if feedback.clip_quantile is not None:
        limit = _statistic(connection, f"quantile_disc({VALUE}, {feedback.clip_quantile!r})")
        weight = f"least({weight}, {limit!r})"
    if feedback.kind == "duration":
        median = _statistic(connection, f"median({VALUE})")
        weight = f"least({weight} * {DURATION_SCALE / median if median > 0 else 1.0!r}, 1.0)"
    return weight


def merged_weight(grouping: GroupingSection) -> str:
    """SQL aggregate for the weight of one (user, item) pair of the table `mapped`."""
    value = WEIGHT
    if grouping.half_life_days is not None:
        value = f"{WEIGHT} * pow(2, -age / {grouping.half_life_days!r})"
    if grouping.merge == "last":
        return f"arg_min({value}, (age, -event_row))"
    if grouping.merge == "max":
        return f"max({value})"
    return f"sum(greatest(1, round({value} * {UNITS}))::HUGEINT)::DOUBLE / {UNITS}"


def _statistic(connection: duckdb.DuckDBPyConnection, aggregate: str) -> float:
    found = connection.execute(f"SELECT {aggregate}::DOUBLE FROM events WHERE {VALUE} > 0").fetchall()[0][0]
    return 1.0 if found is None else float(found)
