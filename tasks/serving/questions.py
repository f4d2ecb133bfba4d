"""What callers may ask: bounds of parameters and bodies, all of which stand in the OpenAPI page."""

from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from tasks.lookup.answers import SessionItem

MAX_BODY: Final = 1_000_000
"""Bytes of a body."""
MAX_ID: Final = 16_384
"""Characters of an id."""
MAX_N: Final = 1000
MAX_OFFSET: Final = 10_000
MAX_EXCLUDED: Final = 1000
MAX_USERS: Final = 1000
"""Users of one question."""
MAX_ITEMS: Final = 1000
"""Items of one session."""


def _is_text(value: str) -> str:
    """Refuse half a character (a surrogate): it can stand in JSON, but in no log and no answer."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{value[error.start]!a} is not a character") from None
    return value


Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID), AfterValidator(_is_text)]

UserId = Annotated[Id, Path(description="A user, as the log writes it; percent-encoded.")]
ItemId = Annotated[Id, Path(description="An item, as the log writes it; percent-encoded.")]
N = Annotated[int, Query(ge=1, le=MAX_N, description="How many are wanted.")]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="Places of the list to pass over.")]
Exclude = Annotated[
    list[Id],
    Query(max_length=MAX_EXCLUDED, description="Items that must not be shown; may be repeated."),
]
Category = Annotated[
    Id | None, Query(description="Only items with this label: `Toys`, or `brand:Acme` of one attribute.")
]
Explain = Annotated[bool, Query(description="Say which past items speak for each item.")]
Dataset = Annotated[str | None, Query(max_length=200, description="Which dataset; the first one if absent.")]


class Question(BaseModel):
    """Base of all bodies: a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    n: int = Field(default=10, ge=1, le=MAX_N)
    """How many items are wanted."""
    exclude: list[Id] = Field(default=[], max_length=MAX_EXCLUDED)
    """Items that must not be shown."""
    category: Id | None = None
    """Only items with this label."""


class ManyUsers(Question):
    """Lists of many users at once."""

    user_ids: list[Id] = Field(min_length=1, max_length=MAX_USERS)
    """Whose lists are wanted."""


class GivenItem(SessionItem):
    """One item of a visit, with how much it counts and when it was."""

    item_id: Id


class Session(Question):
    """A visit of somebody who need not be known."""

    items: list[Id | GivenItem] = Field(min_length=1, max_length=MAX_ITEMS)
    """What they looked at or had, the newest last."""
    user_id: Id | None = None
    """Who it is, where that is known: for the A/B test, and for what is blocked for them."""

    def as_items(self) -> list[SessionItem]:
        """All items in the same form."""
        return [SessionItem(item_id=each) if isinstance(each, str) else each for each in self.items]


class ManyRecommendations(BaseModel):
    """Lists of many users, in the order of the question."""

    answers: list[dict[str, object]]


class Problem(BaseModel):
    """Why a question was not answered."""

    error: str
    """In words: what is wrong, and what to do."""
