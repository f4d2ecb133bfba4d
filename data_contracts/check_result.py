"""What `shelftalker check` found out about a log: its names are those of `--json`."""

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class MappedColumn(_Part):
    """What one column of the log is read as."""

    role: str
    """Role under ``[columns]``, or ``label``, ``number`` or ``date`` of an attribute of items."""
    column: str
    """Its name in the log, or in the item table."""
    table: str
    """``log`` or ``items``."""


class RuleFound(_Part):
    """What one rule of the contract found."""

    reason: str
    rule: str
    """In words."""
    action: str
    """``quarantine`` takes the rows out, ``count`` only counts them."""
    rows: int | None
    """Rows that it found; None where reading ended before all were counted."""
    limit: float
    """Share of all rows that it may find."""


class WindowCounts(_Part):
    """Events of a window that are feedback, and who they belong to."""

    events: int
    users: int
    """Those with an id."""
    items: int
    baskets: int | None
    """None where the log has none."""
    first: str | None
    """Time of the first event, in ISO 8601."""
    last: str | None


class HoldoutCounts(WindowCounts):
    """The same of the hold-out."""

    known_users: int
    """Users who had something before."""
    known_baskets: int | None
    """Their baskets: what the gate judges by."""
    scored_users: int
    """Users that a run scores: all, or a sample of `max_users`."""


class SplitFound(_Part):
    """How a run would divide the log."""

    how: str
    """Of ``[window]``, in words."""
    train: WindowCounts
    holdout: HoldoutCounts


class ModelExpected(_Part):
    """What training a model is expected to take; docs/limits.md says how well that is known."""

    name: str
    kind: str
    baseline: bool
    minutes: float | None
    """Of one training; None where it hardly takes anything."""
    memory_gb: float | None
    problem: str | None
    """Why it would be left out: what it takes is over a limit."""


class CheckResult(_Part):
    """Everything that can be said of a log before anything is trained."""

    dataset: str
    file: str
    """The dataset file."""
    source: str | None = None
    """The log that was read."""
    as_of: date | None = None
    """The day that a run of today would have."""
    mapping: tuple[MappedColumn, ...] = ()
    feedback: str = ""
    """What an event weighs, in words."""
    contract: tuple[RuleFound, ...] = ()
    problem: str | None = None
    """Why a run would end; what would come after it is missing below."""
    rows_read: int | None = None
    rows_accepted: int | None = None
    rows_rejected: int | None = None
    anonymous: int | None = None
    rejected: dict[str, int] = {}
    """Rows in quarantine, by reason."""
    quarantined: tuple[dict[str, Any], ...] = ()
    """A few of them: source_file, row_number, reasons, and the columns that have a role."""
    warnings: tuple[str, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()
    """The first events, as they were read."""
    split: SplitFound | None = None
    models: tuple[ModelExpected, ...] = ()
    left_out: dict[str, str] = {}
    """Models that were asked for and that this log cannot feed, each with the reason."""
    seconds_to_read: float | None = None
    """What reading took, now or when it was read first."""
    minutes_to_train: float | None = None
    """All trainings of a run, and that of the dearest model again on everything."""
    memory_gb: float | None = None
    """Of the model that takes most."""
    memory_limit_gb: float | None = None
    """What a model may take on this machine."""
