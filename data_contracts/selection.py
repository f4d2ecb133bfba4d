"""Which events a step may see: the one place where time is cut."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Selection(BaseModel):
    """A part of the events, decided by time, by position in each user's history, or at random.

    A row is in the selection when ``start <= time < end`` and it belongs to `part` of `split`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    start: datetime | None = None
    """Inclusive lower bound, UTC; None = from the first event."""
    end: datetime | None = None
    """Exclusive upper bound, UTC; None = to the last event. Ages are counted back from here."""
    split: Literal["none", "leave_last", "leave_last_basket", "random"] = "none"
    """How the rows between the bounds are divided; ``none`` where the bounds alone decide."""
    part: Literal["train", "holdout"] = "train"
    """Which side of `split`; rows without a user are always on the training side."""
    within: int = 0
    """So many times the training side is divided again before: where tuning finds its inner windows."""
    leave_last_n: int = 1
    """Of ``leave_last``: so many last events of each user are held out."""
    random_share: float = 0.2
    """Of ``random``: share of each user's events that is held out, rounded up to one event."""
    seed: int = 0
    """Of ``random``."""
    threshold: float | None = None
    """Only events with at least this value are feedback; None = all are."""
    values: Literal["all", "rated", "positive", "net", "typed"] = "all"
    """What an event that is no more than 0 means; ``all``: as much as any. ``rated``: a dislike, which is no
    feedback, but its user had the item. ``positive``: no observation. ``net``: below 0 a return, which is taken
    off the newest things that the pair's events brought; 0 is no observation. ``typed``: the weight of the event's
    type; below 0 it is taken off what the pair's events brought, the heaviest that it can undo first; 0 is a type that
    says nothing. Missing values are no feedback unless `values` is ``all`` and there is no `threshold`."""
    targets: tuple[str, ...] = ()
    """Of a log of event types: those that are held out, and that say that a user had an item; empty = all events."""
    only_targets: bool = False
    """Whether events of other types are left out, but for those of `undoes` and `excludes` until pairs were judged."""
    undoes: tuple[str, ...] = ()
    """Event types that take off as much as a target weighs, or more: what takes off less undoes no target."""
    excludes: tuple[str, ...] = ()
    """Event types that end a pair: where the selection has such an event, it has no other one of the pair, and the
    user counts as having had the item."""
    last_word: bool = False
    """Of a pair's events in the selection only the last one is asked whether it is feedback: where it is not,
    none of the pair's events are. Events without a user are asked one by one."""

    max_events_per_user: int | None = None
    """Of each user's events of a day so many are kept, the earliest; None = all. A day is 24 hours, counted back from
    `end`. Events without a user are kept."""
    max_events_quantile: float | None = None
    """As `max_events_per_user`, with this quantile of the events per user and day of the selection as the limit."""

    @property
    def is_capped(self) -> bool:
        """Whether events are left out because their user has too many."""
        return self.max_events_per_user is not None or self.max_events_quantile is not None

    @property
    def uncapped(self) -> "Selection":
        """The same without a limit on the events of a user."""
        return self.model_copy(update={"max_events_per_user": None, "max_events_quantile": None})

    @property
    def held_out(self) -> "Selection":
        """The same as a hold-out asks for it: targets alone, and without a limit on the events of a user."""
        return self.uncapped.model_copy(update={"only_targets": bool(self.targets)})

    @property
    def judges_values(self) -> bool:
        """Whether the value of an event decides if it is feedback."""
        return self.threshold is not None or self.values != "all"

    @property
    def judges_pairs(self) -> bool:
        """Whether the events of a pair decide together."""
        return self.values in {"net", "typed"} or (self.last_word and self.judges_values)
