"""Conditions on the type of an event, as SQL."""

from data_contracts.columns import EVENT_TYPE, VALUE
from data_contracts.selection import Selection
from tasks.runtime import duckdb_engine


def is_target(selection: Selection) -> str:
    """Whether an event is of a type that is held out; all are where events have no types."""
    return _is_one_of(selection.targets) if selection.targets else "true"


def judges_targets(selection: Selection) -> str:
    """Whether an event is a target, or may say that another event is none."""
    return _is_one_of(selection.targets + selection.undoes + selection.excludes)


def excludes(selection: Selection) -> str:
    """Whether an event ends its pair."""
    return _is_one_of(selection.excludes)


def says_had(selection: Selection) -> str:
    """Whether an event says that its user had the item: a target, or one that ends the pair, so that it is not shown."""
    return _is_one_of(selection.targets + selection.excludes)


def is_named(selection: Selection) -> str:
    """Whether an event is of a type that means anything."""
    return f"({VALUE} <> 0 OR {excludes(selection)})"


def _is_one_of(types: tuple[str, ...]) -> str:
    if not types:
        return "false"
    return f"{EVENT_TYPE} IN ({', '.join(map(duckdb_engine.literal, types))})"
