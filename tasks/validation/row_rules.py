"""Judge a log row by row: who fails which rule, and whether too many do."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.errors import ConfigurationError, ContractError
from tasks.validation.screening import screen, suspicious
from tasks.validation.suites import Suite

Bits = npt.NDArray[np.uint64]
"""One bit a reason for each row; 0 = nothing to object."""

Action = Literal["quarantine", "count"]

SHOWN = 3
"""Offending rows that a message names for each reason."""


@dataclass(frozen=True)
class Rule:
    """What becomes of rows that fail for one reason.

    Parameters
    ----------
    reason
        Short name that a rejected row carries; several expectations may share one.
    tolerance
        Share of all rows that may fail, 0 to 1.
    action
        ``"quarantine"`` takes the row out, ``"count"`` only counts it.
    words
        The rule for people.

    """

    reason: str
    tolerance: float
    action: Action
    words: str


class RowContract:
    """The row rules of a suite.

    Each expectation of the suite says in its ``meta``: ``reason``, ``tolerance`` (0 if absent), ``action``
    ("quarantine" if absent) and ``rule``, the rule in words. The suite's own ``meta`` may hold ``columns``:
    source columns that the rules look at, each ``"text"`` or ``"number"``; and ``unreadable_tolerance``: the
    share of lines that may be unreadable (0 if absent).

    Parameters
    ----------
    suite
        The suite, without expectations on columns that are not there.
    keep
        Reasons that the dataset wants counted, whatever the suite's action.

    Raises
    ------
    ConfigurationError
        If an expectation has no reason, or expectations of one reason disagree.

    """

    def __init__(self, suite: Suite, *, keep: Collection[str] = ()) -> None:
        self.suite = suite
        self.columns: Mapping[str, str] = suite.meta.get("columns", {})
        self.rules: dict[str, Rule] = {}
        self._parts: dict[tuple[int, ...], Suite] = {}
        for expectation in suite.expectations:
            rule = self._rule(expectation.get("meta", {}), str(expectation.get("type")), keep)
            if self.rules.setdefault(rule.reason, rule) != rule:
                raise ConfigurationError(
                    f"suite {suite.path}: expectations of reason {rule.reason!r} differ in tolerance, action "
                    "or rule"
                )
        if len(self.rules) > 63:
            raise ConfigurationError(
                f"suite {suite.path} has {len(self.rules)} reasons; at most 63 are possible"
            )

    def _rule(self, meta: Mapping[str, object], kind: str, keep: Collection[str]) -> Rule:
        reason, tolerance, action = (
            meta.get("reason"),
            meta.get("tolerance", 0.0),
            meta.get("action", "quarantine"),
        )
        if not isinstance(reason, str):
            raise ConfigurationError(
                f"{self.suite.path}: {kind} has no meta.reason, so no row could be told why"
            )
        if not isinstance(tolerance, int | float) or not 0 <= tolerance <= 1:
            raise ConfigurationError(
                f"{self.suite.path}: tolerance of {reason!r} is {tolerance!r}; it must be a share, 0 to 1"
            )
        if action not in {"quarantine", "count"}:
            raise ConfigurationError(
                f"{self.suite.path}: action of {reason!r} is {action!r}; write quarantine or count"
            )
        chosen: Action = "count" if action == "count" or reason in keep else "quarantine"
        return Rule(reason, float(tolerance), chosen, str(meta.get("rule", kind)))

    @cached_property
    def reasons(self) -> list[str]:
        """Reasons in the order of the suite; position = bit."""
        return list(self.rules)

    @cached_property
    def rejecting(self) -> np.uint64:
        """The bits that take a row out."""
        bits = sum(1 << at for at, rule in enumerate(self.rules.values()) if rule.action == "quarantine")
        return np.uint64(bits)

    def check(self, table: pa.Table) -> Bits:
        """Judge the rows of a table: by all rules those that a screen has caught, the others by what has no screen."""
        self.suite.compiled  # noqa: B018 - whatever is wrong with the suite is said before anything else
        plain, looks, rest = [], [], []
        for each in self.suite.expectations:
            look = screen(each, table.schema)
            if look is None:
                rest.append(each)
            else:
                plain.append(each)
                looks.append((str(each["kwargs"]["column"]), look))
        bits = self._judge(rest, table)
        rows = suspicious(table, looks)
        bits[rows] |= self._judge(plain, table.take(pa.array(rows)))
        return bits

    def _part(self, expectations: list[dict[str, Any]]) -> Suite:
        """The suite with some of its expectations, compiled once."""
        key = tuple(id(each) for each in expectations)
        if key not in self._parts:
            self._parts[key] = self.suite.only(expectations)
        return self._parts[key]

    def _judge(self, expectations: list[dict[str, Any]], table: pa.Table) -> Bits:
        """The bits of each row, by some of the suite's expectations."""
        bits = np.zeros(table.num_rows, dtype=np.uint64)
        if not expectations or not table.num_rows:
            return bits
        for result in self._part(expectations).validate(table.to_pandas()):
            failing = result.result.get("unexpected_index_list") or []
            if result.success and not failing:
                continue
            meta = result.expectation_config.meta
            if not failing:
                raise ConfigurationError(
                    f"{result.expectation_config.type} of suite {self.suite.path} names no rows; "
                    "use an expectation on column values"
                )
            bits[np.asarray(failing, dtype=np.int64)] |= np.uint64(1 << self.reasons.index(meta["reason"]))
        return bits

    def names(self, bits: int) -> list[str]:
        """Reasons that stand in the bits of one row."""
        return [reason for at, reason in enumerate(self.reasons) if bits >> at & 1]


Example = tuple[int, int, str]
"""(number of the file, row among its readable rows or minus the row of an unreadable line, its text)."""


@dataclass
class Tally:
    """Counts over a whole log that is read in pieces.

    Parameters
    ----------
    table
        Name of the log in messages.

    """

    table: str
    rows: int = 0
    rejected: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    def add(self, reason: str, count: int, examples: Sequence[Example] = ()) -> None:
        """Count rows that failed for a reason, and remember the first few."""
        self.counts[reason] += count
        kept = self.examples.setdefault(reason, [])
        kept.extend(examples[: SHOWN - len(kept)])

    def judge(
        self, rules: Mapping[str, Rule], max_reject_rate: float, place: Callable[[int, int], str]
    ) -> None:
        """Stop the run if any reason, or all rejected rows together, are over their limit.

        Parameters
        ----------
        rules
            Rule of each reason that was counted.
        max_reject_rate
            Limit of the rejected share of all rows.
        place
            Says where the row of an example stands.

        Raises
        ------
        ContractError
            Naming table, rule, count, share, limit and the first rows.

        """
        broken = []
        for reason, count in self.counts.items():
            rule = rules[reason]
            if count > rule.tolerance * self.rows:
                broken.append(self._line(f"{reason} ({rule.words})", count, rule.tolerance))
                for file, row, text in self.examples.get(reason, ()):
                    broken.append(f"    {place(file, row)}: {text}")
        if self.rejected > max_reject_rate * self.rows:
            broken.append(
                self._line("all reasons together (max_reject_rate)", self.rejected, max_reject_rate)
            )
        if broken:
            lines = "\n".join(broken)
            raise ContractError(
                f"{self.table} breaks its contract:\n{lines}\n"
                "  correct the source, or the limits in the dataset's suite and .toml if they are too tight"
            )

    def _line(self, what: str, count: int, limit: float) -> str:
        return f"  {what}: {count:,} of {self.rows:,} rows = {count / self.rows:.2%}, limit {limit:.2%}"
