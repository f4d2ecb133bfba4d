"""The types of events in a log: how many of each there are, and what is wrong with them."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ContractError
from data_contracts.feedback_section import FeedbackSection
from tasks.runtime.duckdb_engine import literal

_KEPT, _SHOWN = 1_000, 10
"""Types that are counted beside those that the dataset names, and that a message names."""


def type_and_weight(event: str, number: str | None, feedback: FeedbackSection) -> tuple[str, str]:
    """SQL of an event's type as the dataset spells it, and of what it adds to its pair.

    A type that the dataset does not name stays as it is and adds nothing, and so do those that exclude.

    Parameters
    ----------
    event
        SQL of the type, trimmed; null where there is none.
    number
        SQL of the number beside it, or None.
    feedback
        Of kind ``event_type``.

    """
    types = {name: literal(name) for name in feedback.event_types}
    weights = {}
    for name, weight in feedback.weights.items():
        lowers, adds = name in feedback.negative, f"{weight!r}::DOUBLE"
        if number is not None and feedback.as_weight:
            # A return is written as 2 by one till and as -2 by the other.
            times = f"coalesce({number}, 1)"
            adds = f"{adds} * {f'abs({times})' if lowers else times}"
        weights[name] = f"-({adds})" if lowers else adds
        if number is not None and feedback.threshold is not None and not lowers:
            below = f"({number}) < {feedback.threshold!r}"
            types[name] = (
                f"CASE WHEN {below} THEN {literal(feedback.called_below(name))} ELSE {types[name]} END"
            )
            weights[name] = f"CASE WHEN {below} THEN 0 ELSE {adds} END"
    return _cases(event, types, event), _cases(event, weights, "0.0::DOUBLE")


def _cases(sql: str, results: Mapping[str, str], otherwise: str) -> str:
    """SQL of a result for each label, whatever the capitals of the text `sql`."""
    cases = " ".join(f"WHEN lower({literal(label)}) THEN {result}" for label, result in results.items())
    return f"CASE lower({sql}) {cases} ELSE {otherwise} END" if cases else otherwise


class TypeCounts:
    """Counts accepted rows by type, batch by batch.

    Parameters
    ----------
    spec
        The dataset.

    """

    def __init__(self, spec: DatasetSpec) -> None:
        self.spec = spec
        self._counts: Counter[str] = Counter(dict.fromkeys(spec.feedback.event_types, 0))

    def add(self, types: pa.ChunkedArray) -> None:
        """Count the types of a batch."""
        for entry in pc.value_counts(types):
            if (name := entry["values"].as_py()) is not None:
                self._counts[name] += entry["counts"].as_py()
        self._forget()

    def merge(self, other: "TypeCounts") -> None:
        """Add the counts of another part of the same log."""
        self._counts.update(other.table())
        self._forget()

    def _forget(self) -> None:
        if len(self._counts) > 10 * _KEPT:  # a column of ids rather than types must not fill the memory
            kept = (*self._named, *self.spec.feedback.excluding, *self._unnamed()[:_KEPT])
            self._counts = Counter({name: self._counts[name] for name in kept})

    def table(self) -> dict[str, int]:
        """Rows of each type, those that the dataset names first, the others by their number."""
        disliked = [
            name for name in self.spec.feedback.excluding if name not in self._named and self._counts[name]
        ]
        return {name: self._counts[name] for name in (*self._named, *disliked, *self._unnamed())}

    def judge(self) -> None:
        """Refuse a log without any event that could be held out.

        Raises
        ------
        ContractError
            Naming the targets and the types of the log.

        """
        targets = self.spec.feedback.target_types
        if self._named and not any(self._counts[name] for name in targets):
            raise ContractError(
                f"no accepted row of {self.spec.name} has a type of targets = {list(targets)}; its types are "
                f"{said(self._present())}: correct weights and targets under [feedback], or event under [columns]"
            )

    def warnings(self) -> list[str]:
        """What people should know: types that the dataset does not name, and those that no row has."""
        found = []
        if others := self._unnamed():
            rows = sum(self._counts[name] for name in others)
            found.append(
                f"{rows:,} accepted rows have an event type that [feedback] does not name, and are left out: "
                f"{said({name: self._counts[name] for name in others})}; write it under weights, negative or ignore"
            )
        if lacking := [name for name in self._named if not self._counts[name]]:
            found.append(
                f"no row has the event type {', '.join(map(repr, lacking))} that [feedback] names; the log's types are "
                f"{said(self._present())}"
            )
        return found

    @property
    def _named(self) -> tuple[str, ...]:
        return self.spec.feedback.event_types

    def _unnamed(self) -> list[str]:
        others = set(self._counts) - {*self._named, *self.spec.feedback.excluding}
        return sorted(others, key=lambda name: (-self._counts[name], name))

    def _present(self) -> dict[str, int]:
        return {name: count for name, count in self.table().items() if count}


def said(counts: Mapping[str, int]) -> str:
    """Types and their rows for people, the first few."""
    shown = [f"{name!r} ({rows:,})" for name, rows in list(counts.items())[:_SHOWN]]
    more = f" and {len(counts) - _SHOWN:,} more" if len(counts) > _SHOWN else ""
    return f"{', '.join(shown) or 'none'}{more}"
