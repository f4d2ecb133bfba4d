"""What a pass over a log, or over a part of it, has found: counts that can be added up, judged and told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ContractError
from tasks.ingestion.event_types import TypeCounts
from tasks.ingestion.event_writer import EventCounts
from tasks.validation.row_rules import Rule, Tally
from tasks.validation.suites import check_facts


@dataclass
class PassOutcome:
    """Counts of a pass.

    Parameters
    ----------
    spec
        The dataset.
    tally
        Rows, and rows by reason.
    rules
        Rule of each reason.
    types
        Accepted rows by type.
    changes
        Rows whose ids were put in order, by how.
    written
        The accepted rows.
    files
        Files of the log.

    """

    spec: DatasetSpec
    tally: Tally
    rules: dict[str, Rule]
    types: TypeCounts
    changes: dict[str, int]
    written: EventCounts = field(default_factory=EventCounts)
    files: int = 0

    def judge(self, place: Callable[[int, int], str], source: str) -> None:
        """Stop if the log, or what was made of it, breaks its contract; `place` says where a row stands."""
        if not self.tally.rows:
            raise ContractError(f"{source} holds no row below its header")
        self.tally.judge(self.rules, self.spec.contract.max_reject_rate, place)
        self.types.judge()
        check_facts("events", self.written.facts(self.tally.rows - self.tally.rejected))

    def profile(self) -> dict[str, Any]:
        """Counts for the manifest and for people."""
        of_action = {
            action: {
                reason: count
                for reason, count in self.tally.counts.items()
                if self.rules[reason].action == action
            }
            for action in ("quarantine", "count")
        }
        return {
            "rows_read": self.tally.rows,
            "rows_accepted": self.written.rows,
            "rows_rejected": self.tally.rejected,
            "anonymous": self.written.anonymous,
            "rejected": of_action["quarantine"],
            "counted": of_action["count"],
            "normalised": self.changes,
            "first_event_time": _iso(self.written.first),
            "last_event_time": _iso(self.written.last),
            "files": self.files,
            **({"event_types": self.types.table()} if self.spec.columns.event else {}),
        }

    def add(self, other: "PassOutcome") -> None:
        """Add what was found in another part of the same log; examples of rows keep their numbers."""
        self.tally.rows += other.tally.rows
        self.tally.rejected += other.tally.rejected
        self.rules |= other.rules
        for reason, count in other.tally.counts.items():
            self.tally.add(reason, count, other.tally.examples.get(reason, ()))
        for name, count in other.changes.items():
            self.changes[name] = self.changes.get(name, 0) + count
        self.types.merge(other.types)
        self.written.add(other.written)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.isoformat()}Z"
