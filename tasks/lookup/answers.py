"""What look-ups answer."""

import secrets
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Source = Literal["model", "fold_in", "cold_start", "popular"]
"""``model``: the model's own list. ``fold_in``: made now, from the items that were named. ``cold_start``: the list of
somebody with a past whom the model does not know. ``popular``: nobody is known by that id."""


class Answer(BaseModel):
    """Base of all answers: immutable, and documented field by field."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Past(Answer):
    """One past item behind a recommended one."""

    item_id: str
    title: str | None
    share: float
    """Its part of all reasons, 0 to 1."""


class ShownItem(Answer):
    """One place of a list."""

    rank: int
    """From 1; with an offset it goes on counting."""
    item_id: str
    title: str | None
    score: float
    """Higher is better; only scores of one list can be compared."""
    because: tuple[Past, ...] = ()
    """Past items behind it, strongest first; only on request."""
    why: str = ""
    """What the shares are shares of, or why there are none; only on request."""


class ShownUser(Answer):
    """One place of an audience."""

    rank: int
    user_id: str
    score: float


class Origin(Answer):
    """Where an answer comes from."""

    dataset: str
    publication: str
    """Name of the published run."""
    as_of: date | None
    """The model saw events before this day; null for a log without times."""
    model: str
    """What made the list."""
    source: Source
    recommendation_id: str = Field(default_factory=lambda: secrets.token_hex(16))
    """Of this answer alone: log it with what the shopper does next, and both can be joined."""
    variant: str | None = None
    """Arm of the A/B test that the answer belongs to; null without one."""


class Recommendations(Origin):
    """Items for somebody, best first."""

    user_id: str | None
    """Null where nobody was named."""
    items: tuple[ShownItem, ...]
    short: bool
    """Whether there are fewer than was asked for, because nothing more may be shown."""
    filled: int = 0
    """How many of the items, the last ones, are popular ones that fill the list."""
    how: str | None = None
    """How a list was made that is not published: in words."""
    unknown_items: tuple[str, ...] = ()
    """Named items that the catalogue does not have."""


class SimilarItems(Origin):
    """Items that go with an item, best first; the score is a cosine."""

    item_id: str
    items: tuple[ShownItem, ...]
    short: bool


class Audience(Origin):
    """Users to show an item to, best first."""

    item_id: str
    users: tuple[ShownUser, ...]
    short: bool


class FactorVector(Origin):
    """What the model learned of one user or item: a score is the product of two vectors, and the item's bias."""

    user_id: str | None = None
    item_id: str | None = None
    factors: tuple[float, ...]
    bias: float = 0.0
    """Of items; 0 where the model has none."""


class SessionItem(Answer):
    """One item of a visit."""

    item_id: str
    weight: float = Field(default=1.0, gt=0, le=1e6, allow_inf_nan=False)
    """How much it counts: 2 is as if it were named twice."""
    time: float | None = Field(default=None, allow_inf_nan=False)
    """When, in any unit: items are put in this order; without it they count in the order given."""
