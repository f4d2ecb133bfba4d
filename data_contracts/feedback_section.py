"""The ``[feedback]`` section of a dataset file: what a value or an event's type means, and so what an event weighs."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from data_contracts.column_sections import Section
from data_contracts.limits import EventWeight, Number

EventType = Annotated[str, Field(min_length=1, max_length=200)]
"""A type of event as the log has it, whatever its capitals."""

OF_EVENT_TYPES = ("weights", "targets", "negative", "ignore")
"""Keys of ``event_type`` alone."""


class FeedbackSection(Section):
    """``[feedback]``: what a value means, and so how much an event weighs.

    Values that are not above 0, by kind: a ``count`` does not look at them. ``quantity``: below 0 is a return,
    which is taken off what the same user took of the same item (the newest first), a pair that comes to 0 or
    less is left out, and a row of 0 is no observation. ``rating`` with `as_weight`: 0 and less are dislikes;
    nothing is learned from them, but the user had the item. ``rating`` with `threshold`: the threshold alone
    decides, wherever it lies in the scale. ``duration``: they are no observations. ``ordinal``: places begin
    at 1. A missing value is no feedback, except for ``count``. What is left out is counted, and warned of.

    ``event_type``: `weights` says what one event of each type weighs. Types are
    compared without spaces around them and without regard to capitals. All events of positive types are
    learned from and make up the histories; what is held out, and what users count as having had, are events of
    `targets` alone. An event of a type that stands nowhere here is left out, counted, and warned of.
    """

    kind: Literal["count", "quantity", "rating", "duration", "ordinal", "event_type"] = "count"
    """``count``: every row is 1. ``quantity``: the value, clipped. ``rating``: values from `threshold` on
    count, or the value is the weight. ``duration``: value / median, scaled and clipped to 1. ``ordinal``:
    the label's place in `labels`, from 1. ``event_type``: the weight of the event's type in `weights`."""
    clip_quantile: float | None = Field(default=None, gt=0, le=1)
    """Values above this quantile are cut down to it."""
    threshold: Number | None = None
    """Of ``rating``: values from here on are 1, lower ones are left out. Of ``event_type`` with a value column: an
    event whose value is lower, such as a bad rating, is one that excludes; events without a value are not asked."""
    as_weight: bool = False
    """Of ``rating``: use the value itself as the weight. Of ``event_type`` with a value column: the value, such as a
    quantity, multiplies the weight of the type; a missing one is 1, and one below 0 lowers."""
    labels: tuple[str, ...] = ()
    """Of ``ordinal``: from the weakest to the strongest."""
    weights: dict[EventType, EventWeight] = Field(default_factory=dict)
    """Of ``event_type``: what one event of each type weighs, such as ``{ view = 1, addtocart = 3, transaction = 10 }``."""
    targets: tuple[EventType, ...] = ()
    """Of ``event_type``: types that lists are to lead to, such as ``["transaction"]``; those of the highest weight
    if absent."""
    negative: dict[EventType, Literal["lower", "exclude"]] = Field(default_factory=dict)
    """Of ``event_type``: types that speak against the item. ``lower``, such as a return: the weight of the type is
    taken off that of the pair; a pair at 0 or less is left out. ``exclude``, such as a dislike: nothing is learned
    of the pair, and the user counts as having had the item; it needs no weight."""
    ignore: tuple[EventType, ...] = ()
    """Of ``event_type``: types that are left out without a warning, such as impressions."""

    @property
    def positive(self) -> dict[str, float]:
        """Of ``event_type``: the types that speak for an item, with their weights."""
        return {name: weight for name, weight in self.weights.items() if name not in self.negative}

    @property
    def target_types(self) -> tuple[str, ...]:
        """Of ``event_type``: `targets`, or the types of the highest weight."""
        best = max(self.positive.values(), default=0.0)
        return self.targets or tuple(name for name, weight in self.positive.items() if weight == best)

    @property
    def excluding(self) -> tuple[str, ...]:
        """Of ``event_type``: the types that exclude, and what events of a value below the threshold are called."""
        named = [name for name, how in self.negative.items() if how == "exclude"]
        return (*named, *(self.called_below(name) for name in self.positive if self.threshold is not None))

    def called_below(self, name: str) -> str:
        """What an event of a type is called where its value is below the threshold."""
        return f"{name} below {self.threshold:g}"

    @property
    def event_types(self) -> tuple[str, ...]:
        """Every type that stands here, each once."""
        return tuple(dict.fromkeys((*self.weights, *self.negative, *self.ignore)))

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "rating" and (self.threshold is None) != self.as_weight:
            raise ValueError("a rating needs either threshold or as_weight = true")
        if self.kind not in {"rating", "event_type"} and (self.threshold is not None or self.as_weight):
            raise ValueError('threshold and as_weight belong to kind = "rating" or "event_type"')
        if (self.kind == "ordinal") != bool(self.labels):
            raise ValueError('labels belong to kind = "ordinal", which needs them')
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels must differ; got {list(self.labels)}")
        return self

    @model_validator(mode="after")
    def _types_fit_together(self) -> Self:
        """Refuse types that are said twice, that weigh nothing, or that nothing can be judged by."""
        given = [name for name in OF_EVENT_TYPES if getattr(self, name)]
        if self.kind != "event_type":
            if given:
                raise ValueError(f'{", ".join(given)} belong to kind = "event_type"')
            return self
        if self.clip_quantile is not None:
            raise ValueError(
                "clip_quantile would cut the weights of rare types: leave it out, and write lower weights"
            )
        if self.threshold is not None and self.as_weight:
            raise ValueError("threshold and as_weight cannot both say what a value means: write one of them")
        _refuse_spellings(
            [*self.weights, *(name for name in self.negative if name not in self.weights), *self.ignore]
        )
        _refuse_spellings(list(self.targets))
        _refuse_negatives(self.weights, self.negative)
        if not self.positive:
            raise ValueError(
                "weights needs a type that speaks for an item, such as { view = 1, transaction = 10 }; got "
                f"{list(self.weights)}"
            )
        wrong = [name for name in self.targets if name not in self.positive]
        if wrong:
            raise ValueError(
                f"targets {wrong} have no weight, or are negative: name some of {list(self.positive)}"
            )
        return self


def _refuse_spellings(names: list[str]) -> None:
    """Types are compared without capitals and spaces around them: two that differ in nothing else are one."""
    known: dict[str, str] = {}
    for name in names:
        if name != name.strip():
            raise ValueError(
                f"event type {name!r} has spaces around it: types are compared without them, so cut them"
            )
        if (other := known.setdefault(name.lower(), name)) != name or names.count(name) > 1:
            raise ValueError(
                f"event types {other!r} and {name!r} are one, for capitals do not count: write it once"
            )


def _refuse_negatives(weights: dict[str, float], negative: dict[str, Literal["lower", "exclude"]]) -> None:
    for name, how in negative.items():
        if how == "lower" and name not in weights:
            raise ValueError(
                f"negative type {name!r} lowers, but has no weight: write what one such event takes off under weights"
            )
        if how == "exclude" and name in weights:
            raise ValueError(f"negative type {name!r} excludes whatever it weighs: take it out of weights")
