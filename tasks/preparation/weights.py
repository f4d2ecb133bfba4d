"""What an event weighs and how a pair's events become one weight, as SQL over the engine's tables."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Scales:
    """What weights are measured by: taken over all selected events whose value is above 0."""

    clip: float | None = None
    """Values above it are cut down to it."""
    median: float | None = None


def scales_of(connection: duckdb.DuckDBPyConnection, feedback: FeedbackSection) -> Scales:
    """Scales of the rows of the view ``events``, so of the selection only; 1 where no value is above 0."""
    if is_one(feedback):
        return Scales()
    clip = median = None
    if feedback.clip_quantile is not None:
        clip = _statistic(connection, f"quantile_disc({VALUE}, {feedback.clip_quantile!r})")
    if feedback.kind == "duration":
        median = _statistic(connection, f"median({VALUE})")
    return Scales(clip, median)


def event_weight(feedback: FeedbackSection, scales: Scales) -> str:
    """SQL for the weight of one row of the view `events`, given the dataset's rule and what it is measured by."""
    if is_one(feedback):
        return "1.0::DOUBLE"
    weight = f"{VALUE}::DOUBLE"
    if scales.clip is not None:
        weight = f"least({weight}, {scales.clip!r})"
    if scales.median is not None:
        weight = f"least({weight} * {DURATION_SCALE / scales.median if scales.median > 0 else 1.0!r}, 1.0)"
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
