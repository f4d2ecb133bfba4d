"""What an event weighs and how a pair's events become one weight, as SQL over the engine's tables."""

import duckdb

from data_contracts.columns import VALUE
from data_contracts.dataset_sections import GroupingSection
from data_contracts.feedback_section import FeedbackSection
from tasks.numeric.counting_sort import LARGEST, LAST, SUM

DURATION_SCALE = 0.3
"""A visit of median length weighs this much; one of 3.3 medians or more weighs 1."""

UNITS = 2**20
"""Weights are added up as multiples of 1 / UNITS: their sums are exact, whatever the events' order."""

MERGES = {"sum": SUM, "max": LARGEST, "last": LAST}
"""How :func:`tasks.numeric.counting_sort.merge_runs` is told what ``[grouping] merge`` asks for."""


def event_weight(connection: duckdb.DuckDBPyConnection, feedback: FeedbackSection) -> str:
    """SQL for the weight of one row of the view `events`.

    Parameters
    ----------
    connection
        Has the view ``events``; medians and quantiles are taken from it, so from the selection only.
    feedback
        The dataset's rule.

    """
    if is_one(feedback):
        return "1.0::DOUBLE"
    weight = f"{VALUE}::DOUBLE"
    if feedback.clip_quantile is not None:
        limit = _statistic(connection, f"quantile_disc({VALUE}, {feedback.clip_quantile!r})")
        weight = f"least({weight}, {limit!r})"
    if feedback.kind == "duration":
        median = _statistic(connection, f"median({VALUE})")
        weight = f"least({weight} * {DURATION_SCALE / median if median > 0 else 1.0!r}, 1.0)"
    return weight


def is_one(feedback: FeedbackSection) -> bool:
    """Whether every event weighs 1."""
    return feedback.kind == "count" or (feedback.kind == "rating" and not feedback.as_weight)


def share_of_pair(weight: str, age: str, grouping: GroupingSection) -> str:
    """SQL for what an event brings to its pair, before :data:`MERGES` puts the events together.

    Sums are of whole multiples of 1 / UNITS: they are exact, and so the same in any order of the events.
    """
    value = weight
    if grouping.half_life_days is not None:
        value = f"({weight}) * pow(2, -({age}) / {grouping.half_life_days!r})"
    return f"greatest(1, round({value} * {UNITS}))::DOUBLE / {UNITS}" if grouping.merge == "sum" else value


def _statistic(connection: duckdb.DuckDBPyConnection, aggregate: str) -> float:
    found = connection.execute(f"SELECT {aggregate}::DOUBLE FROM events WHERE {VALUE} > 0").fetchall()[0][0]
    return 1.0 if found is None else float(found)
