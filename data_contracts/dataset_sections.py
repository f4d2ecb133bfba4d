"""The sections of a dataset file, one frozen class each; `data_contracts.dataset` puts them together."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from data_contracts.column_sections import IdFormat, Section, Share
from data_contracts.database_url import VARIABLE, has_password
from data_contracts.limits import (
    MAX_COUNT,
    Allowance,
    AudienceLength,
    BoundedDay,
    Days,
    HalfLife,
    ListLength,
    Most,
    Number,
    Resamples,
)
from data_contracts.metrics import parse_metric
from data_contracts.remote_url import is_remote


class CleaningSection(Section):
    """``[cleaning]``: what is put in order before the contract looks at a row."""

    anonymous: Literal["keep", "reject"] = "keep"
    """Rows without a user count for popularity, or are rejected."""
    strip_ids: bool = True
    """Cut spaces around user, item and basket ids, and count how often."""
    id_format: IdFormat | dict[Literal["user", "item", "basket"], IdFormat] = "text"
    """What ids look like, of all roles or of each: ``text`` (as they stand; whole numbers of a column of
    floats without their ``.0``), ``integer`` (texts such as ``5863.0`` are 5863) or ``uuid`` (16 bytes)."""
    upper_case_items: bool = False
    """Write item ids in capitals, and count how often, where a shop types the same code both ways."""
    drop_exact_duplicates: bool = False
    """Quarantine every copy of a row but the first; all columns must be equal."""
    max_events_per_user: Most | None = None
    """Training uses at most so many events of a user and day, the earliest; all if absent. The others stay accepted, and
    their items count as had; the run says how many there are. A day is 24 hours, counted back from ``as_of``."""
    max_events_quantile: float | None = Field(default=None, gt=0, lt=1)
    """The same, with this quantile of the events per user and day as the limit, such as 0.999; with both, the
    lower limit holds."""

    @property
    def caps_events(self) -> bool:
        """Whether training leaves out events of users who have too many."""
        return self.max_events_per_user is not None or self.max_events_quantile is not None

    def cache_identity(self) -> dict[str, Any]:
        """What ingestion does: the limits on a user's events are applied later, when events are selected."""
        return self.model_dump(mode="json", exclude={"max_events_per_user", "max_events_quantile"})

    def id_format_of(self, role: Literal["user", "item", "basket"]) -> IdFormat:
        """Format of the ids of one role."""
        return self.id_format.get(role, "text") if isinstance(self.id_format, dict) else self.id_format


class CancellationSection(Section):
    """``[cancellation]``: what a row that takes something back looks like."""

    column: str
    """Source column that tells."""
    starts_with: str | None = None
    """Its text starts with this."""
    below: Number | None = None
    """Or its number is below this."""

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if (self.starts_with is None) == (self.below is None):
            raise ValueError("write exactly one of starts_with and below")
        return self


class ContractSection(Section):
    """``[contract]``: which suite judges the rows, and how many may fail."""

    suite: str = "raw_events"
    """Name in data_contracts/expectations, or a path of a .json relative to the folder of the .toml."""
    max_reject_rate: Share = Field(default=0.10, ge=0, le=1)
    """Share of all rows that may be quarantined, whatever the reasons."""


class WindowSection(Section):
    """``[window]``: what is trained on and what is held out."""

    split: Literal["time", "leave_last", "leave_last_basket", "random", "file"] = "time"
    """``time``: the last `holdout_days` before ``as_of``. ``leave_last_basket``: each user's last basket, whole,
    of users who have another one. The others match published tables."""
    lookback_days: Days | None = None
    """How far back training looks from ``as_of``; everything if absent."""
    holdout_days: Days = 28
    """Of ``time``."""
    leave_last_n: ListLength = 1
    """Of ``leave_last``: the last n events of each user are held out."""
    test_path: str | None = None
    """Of ``file``: a log of the same layout that is held out, found as the source is; whole, unless the run
    is given a day (``--as-of`` or `default_as_of`) that bounds it, too."""
    random_share: float = Field(default=0.2, gt=0, lt=1)
    """Of ``random``: share of each user's events that is held out."""
    default_as_of: BoundedDay | None = None
    """``as_of`` of a run that names none; if absent, the day after the last event."""

    @model_validator(mode="after")
    def _has_its_file(self) -> Self:
        if (self.split == "file") != (self.test_path is not None):
            raise ValueError('test_path belongs to split = "file", which needs it')
        return self


class GroupingSection(Section):
    """``[grouping]``: how a pair's events become one weight."""

    merge: Literal["sum", "last", "max"] = "sum"
    """Of the events' values. ``last`` of ratings is the last word: a pair whose last event in the window is
    below `threshold` is no feedback, whatever came before; the hold-out is judged by its own last event."""
    half_life_days: HalfLife | None = None
    """An event loses half its value in this many days; never if absent."""
    history: bool = True
    """Keep each user's events in order for the models that use time."""


class EvaluationSection(Section):
    """``[evaluation]``: what decides."""

    decides: Literal["repeat", "discovery"] = "repeat"
    """``repeat``: anything may be recommended; ``discovery``: only what the user never had."""
    metric: str = "precision@5"
    """Such as ``precision@5``, ``ndcg@10``, ``basket_precision@5`` where the log has baskets, or ``rmse`` where
    it has ratings; :mod:`data_contracts.metrics` has them all."""
    ks: tuple[ListLength, ...] = Field(default=(5, 10), min_length=1, max_length=20)
    """List lengths that every metric is computed at."""
    cold_start: str = "recent_popularity"
    """Model whose list users get unknown to the model."""
    bootstrap_samples: Resamples = 2000
    """Resamples of users behind every interval."""
    max_users: int = Field(default=200_000, gt=0, le=MAX_COUNT)
    """A larger hold-out is sampled by seed: with so many users, intervals are within about a hundredth of their value."""

    @property
    def list_k(self) -> int:
        """List length of the deciding metric; the longest of `ks` where it takes none."""
        k = parse_metric(self.metric).k
        return max(self.ks) if k is None else k

    @model_validator(mode="after")
    def _can_decide(self) -> Self:
        metric, k = parse_metric(self.metric)
        if not metric.per_unit:
            raise ValueError(
                f"metric {self.metric!r} has no values per user that could be compared; choose another one, "
                "and demand this one by a [[gate.rules]] with at_least"
            )
        if k is not None and k not in self.ks:
            raise ValueError(f"metric {self.metric!r} needs {k} in ks; got {list(self.ks)}")
        return self


class LimitsSection(Section):
    """``[limits]``: what the training of one model may take; one that would take more is left out before it begins.

    Estimates are rough (docs/limits.md), and are made for two cores.
    """

    minutes: Allowance | None = None
    """Of one training; no limit if absent."""
    memory_gb: Allowance | None = None
    """Held by one training; nine tenths of the machine's memory if absent."""


class ModelSection(Section):
    """``[models.NAME]``: one model of the run; keys other than these two are its parameters."""

    kind: str
    """File in tasks/models; the section's name if absent."""
    baseline: bool = False
    """A baseline is what candidates must beat; it is published only if none does."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Checked by that model's own ``Config``; the text ``none`` stands for None, which TOML lacks."""


class ExportSection(Section):
    """``[export]``: how long the published lists are, and where they go besides the publication."""

    k: ListLength = 10
    """Items for a user."""
    reserve: int = Field(default=20, ge=0, le=10_000)
    """So many more items are ranked for each user, to fill up what rules and look-ups take off."""
    users_per_item_k: AudienceLength = 10
    """Users for an item."""
    max_items_per_user: Most | None = None
    """Of the users for an item: a user stands on at most so many items' lists, the best matches first; no limit if
    absent. Lists are filled with the next best users, which costs more where few users are left to go round."""
    max_short_lists: Share = Field(default=0.05, ge=0, le=1)
    """Share of users whose list may be shorter than it could be; who has had nearly everything counts only for
    what is left."""
    formats: tuple[Literal["csv", "jsonl", "parquet"], ...] = ()
    """Files that every run which becomes live writes below ``exports`` in SHELFTALKER_HOME, or below `to`."""
    to: str | None = None
    """URL of a folder in an object store that these files go to, such as ``s3://shop/lists``."""
    sink_env: str | None = Field(default=None, pattern=VARIABLE)
    """Environment variable that holds the URL of the database which such a run loads its tables into: SQLite, PostgreSQL
    or Redis."""
    sink_schema: str | None = None
    """PostgreSQL: schema of those tables; the database's own default if absent. Redis: what all keys begin with;
    ``shelftalker`` if absent."""

    @model_validator(mode="after")
    def _to_takes_files(self) -> Self:
        """Refuse a place without files for it, one that is no URL, and a password in the file."""
        if self.to is not None and not is_remote(self.to):
            raise ValueError(
                "to is the URL of a folder, such as s3://shop/lists; leave it out to write below exports"
            )
        if self.to is not None and has_password(self.to):
            raise ValueError("to holds a password; credentials of an object store come from the environment")
        if self.to is not None and not self.formats:
            raise ValueError('to needs formats: write formats = ["csv"], or "jsonl" or "parquet"')
        return self

    def cache_identity(self) -> dict[str, Any]:
        """Lengths and their limit: where the lists go does not change them."""
        return self.model_dump(
            include={"k", "reserve", "users_per_item_k", "max_items_per_user", "max_short_lists"}
        )
