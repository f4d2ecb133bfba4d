"""Draft how events of several types weigh: what their words say, and which other columns go with them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import duckdb

from tasks.onboarding.event_words import TAKEN, Meaning, meaning
from tasks.runtime.duckdb_engine import literal
from tasks.sources.open_file import OpenFile

_FEW_BASKETS = 0.01
"""Share of the rows that are no targets up to which having a basket there is a mistake."""


class EventTypes(NamedTuple):
    """Types of events in a log."""

    column: str
    """Where they stand."""
    counts: Mapping[str, int]
    """Rows of each, the most frequent first, in the spelling of most rows."""

    @property
    def meanings(self) -> dict[str, Meaning]:
        """What each known type says."""
        return {name: found for name in self.counts if (found := meaning(name)) is not None}

    def of(self, how: str) -> dict[str, int]:
        """Types that do something, with the weights of their words, the lightest first."""
        weights = {name: one.weight for name, one in self.meanings.items() if one.how == how}
        return dict(sorted(weights.items(), key=lambda each: each[1]))

    @property
    def targets(self) -> list[str]:
        """Types of the highest weight."""
        positive = self.of("positive")
        return [name for name, weight in positive.items() if weight == max(positive.values())]

    @property
    def unknown(self) -> dict[str, int]:
        """Types of unknown words, with their rows."""
        return {name: rows for name, rows in self.counts.items() if meaning(name) is None}

    @property
    def is_of_sales(self) -> bool:
        """Whether all known types are sales and what undoes them, so that a quantity belongs to each."""
        return all(one.weight == TAKEN for one in self.meanings.values() if one.how != "ignore")


def count_types(connection: duckdb.DuckDBPyConnection, table: OpenFile, column: str) -> EventTypes:
    """Count the types of all rows of a log; spellings that differ in capitals are one type."""
    text = f"nullif(trim({table.column(column)[0]}::VARCHAR, E' \\t\\r\\n'), '')"
    rows = connection.execute(
        f"SELECT mode(t), count(*) FROM (SELECT {text} AS t FROM {table.relation}) WHERE t IS NOT NULL "
        "GROUP BY lower(t) ORDER BY 2 DESC, 1 LIMIT 1000"
    ).fetchall()
    return EventTypes(column, dict(rows))


def feedback_of(types: EventTypes) -> dict[str, Any]:
    """Keys of ``[feedback]``."""
    positive, lower = types.of("positive"), types.of("lower")
    weights = positive | lower
    if len(set(weights.values())) == 1:
        weights = dict.fromkeys(weights, 1)
    negative = dict.fromkeys(lower, "lower") | dict.fromkeys(types.of("exclude"), "exclude")
    ignored = list(types.of("ignore"))
    return {
        "kind": "event_type",
        "weights": weights,
        "targets": types.targets,
        **({"negative": negative} if negative else {}),
        **({"ignore": ignored} if ignored else {}),
    }


def value_keys(types: EventTypes, guessed: Mapping[str, Any], low: float) -> dict[str, Any]:
    """Keys of ``[feedback]`` for a value column beside the types; empty where it is better left out.

    Parameters
    ----------
    types
        The types.
    guessed
        What ``[feedback]`` would be if the column stood alone.
    low
        The lowest of its numbers.

    """
    if guessed["kind"] == "rating" and low > 0:  # a 0 may stand for "not rated"
        return {"threshold": guessed["threshold"]}
    return {"as_weight": True} if guessed["kind"] == "quantity" and types.is_of_sales else {}


def is_of_targets_alone(
    connection: duckdb.DuckDBPyConnection, table: OpenFile, types: EventTypes, basket: str
) -> bool:
    """Whether a basket column is empty but for targets: views belong to no order."""
    text = f"nullif(trim({table.column(basket)[0]}::VARCHAR), '')"
    kind = f"lower(trim({table.column(types.column)[0]}::VARCHAR, E' \\t\\r\\n'))"
    targets = ", ".join(f"lower({literal(name)})" for name in types.targets)
    row: Any = connection.execute(
        f"SELECT count(*), count(*) FILTER ({text} IS NOT NULL) FROM {table.relation} WHERE {kind} NOT IN ({targets})"
    ).fetchone()
    return bool(row[0]) and bool(row[1] <= _FEW_BASKETS * row[0])


def remarks(types: EventTypes, feedback: Mapping[str, Any]) -> list[str]:
    """What was guessed of the types, and which of them nobody knows."""
    weights = ", ".join(
        f"{name!r} ({types.counts[name]:,} rows) {weight}" for name, weight in feedback["weights"].items()
    )
    targets = " or ".join(map(repr, feedback["targets"]))
    said = (
        f"events of {types.column!r} weigh by their type: {weights}; held out and counted as had is {targets}"
    )
    notes = [f"{said}: see weights and targets under [feedback]"]
    if "threshold" in feedback:
        notes.append(
            f"events with a value below {feedback['threshold']:g} count as dislikes, whatever their type"
        )
    if "as_weight" in feedback:
        notes.append("the value multiplies the weight of the type")
    for name, how in feedback.get("negative", {}).items():
        does = (
            "takes its weight off the pair" if how == "lower" else "ends the pair: nothing is learned of it"
        )
        notes.append(f"{name!r} ({types.counts[name]:,} rows) speaks against an item and {does}")
    if "ignore" in feedback:
        listed = ", ".join(f"{name!r} ({types.counts[name]:,} rows)" for name in feedback["ignore"])
        notes.append(f"these types are no interest in an item, and are left out: {listed}")
    if types.unknown:
        listed = ", ".join(f"{name!r} ({rows:,} rows)" for name, rows in list(types.unknown.items())[:10])
        notes.append(
            f"WARNING: what these types of {types.column!r} mean is not known, so they are left out until they stand "
            f"under weights, negative or ignore: {listed}"
        )
    return notes
