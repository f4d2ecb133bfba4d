"""What every section of a dataset file is, and the sections that say what columns mean."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_contracts import columns
from data_contracts.limits import SkippedRows

Share = float
"""A part of a whole, 0 to 1."""


class Section(BaseModel):
    """Base of all sections: frozen, a misspelt key is an error, and no error repeats the file's content."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True
    )


class ItemAttributes(Section):
    """Columns that describe items, by what they hold; part of ``[columns]`` and of ``[items]``."""

    attributes: tuple[str, ...] = ()
    """Columns with one label, such as a category."""
    labels: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    """Columns with any number of labels, each with what separates them: ``{ genres = "|" }``."""
    numbers: tuple[str, ...] = ()
    """Columns with a number, such as a price."""
    dates: tuple[str, ...] = ()
    """Columns with a date or a time, such as a release."""
    date_format: str = "auto"
    """How `dates` are written, as ``time_format`` of ``[source]``."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        """Refuse a column that is to hold two kinds of things, or is called as a column of ours."""
        named = self.kinds()
        every = [*self.attributes, *self.labels, *self.numbers, *self.dates]
        repeated = sorted(name for name in named if every.count(name) > 1)
        if repeated:
            raise ValueError(
                f"{', '.join(repeated)} must stand once under attributes, labels, numbers and dates"
            )
        ours = sorted({columns.ITEM_ID, columns.TITLE} & set(named))
        if ours:
            raise ValueError(
                f"{ours[0]!r} cannot be an attribute: published tables have a column of that name"
            )
        return self

    def kinds(self) -> dict[str, str]:
        """What each column holds: ``"label"``, ``"labels SEPARATOR"``, ``"number"`` or ``"date"``."""
        found = dict.fromkeys(self.attributes, "label")
        found |= {name: f"labels {separator}" for name, separator in self.labels.items()}
        return found | dict.fromkeys(self.numbers, "number") | dict.fromkeys(self.dates, "date")

    def separators(self) -> dict[str, str | None]:
        """Columns of labels, and what separates the labels; None where a column holds one label."""
        return {**dict.fromkeys(self.attributes), **self.labels}

    def joined(self, other: "ItemAttributes") -> "ItemAttributes":
        """Attributes of two tables together.

        Raises
        ------
        ValueError
            If a column of that name holds different things in the two.

        """
        mine, theirs = self.kinds(), other.kinds()
        torn = sorted(name for name in mine.keys() & theirs.keys() if mine[name] != theirs[name])
        if torn:
            raise ValueError(
                f"attribute {torn[0]!r} is {mine[torn[0]]!r} under [columns] and {theirs[torn[0]]!r} under "
                "[items]; write the same for both"
            )
        return ItemAttributes(
            attributes=tuple(dict.fromkeys(self.attributes + other.attributes)),
            labels={**self.labels, **other.labels},
            numbers=tuple(dict.fromkeys(self.numbers + other.numbers)),
            dates=tuple(dict.fromkeys(self.dates + other.dates)),
        )


class ColumnsSection(ItemAttributes):
    """``[columns]``: which column of the log plays which role."""

    user: str
    """Who did it."""
    item: str
    """What was taken."""
    time: str | None = None
    """When; a log without times is split per user at random."""
    value: str | None = None
    """How much: quantity, rating, seconds or a label, see ``[feedback]``."""
    event: str | None = None
    """What kind of event, such as view, addtocart or transaction: see ``kind = "event_type"`` of ``[feedback]``."""
    basket: str | None = None
    """Invoice, order or session: what is scored by basket precision."""
    title: str | None = None
    """What a person calls the item."""

    def by_role(self) -> dict[str, str]:
        """Source column of each role that has one, attributes left out."""
        described = set(ItemAttributes.model_fields)
        return {role: name for role, name in self.model_dump(exclude=described).items() if name}


class ItemsSection(ItemAttributes):
    """``[items]``: a separate table that describes items."""

    path: str
    """File; relative to the folder of the .toml, then to the folder of the log."""
    id: str
    """Its column that holds the item id."""
    title: str | None = None
    """Its column that holds the title."""
    catalogue: bool = False
    """Items of this table without any event can be recommended too, by models that score them."""
    encoding: str | None = None
    """Its encoding; the log's if absent. So are the other keys here, which are those of ``[source]``, but
    for `delimiter`, which is found out if absent."""
    delimiter: str | None = Field(default=None, min_length=1)
    """Of CSV."""
    quote: str | None = Field(default=None, max_length=1)
    """Of CSV."""
    header: bool = True
    """Whether its first line names the columns."""
    names: tuple[str, ...] = ()
    """Names of all its columns, in place of the header's."""
    skip_rows: SkippedRows = 0
    """Lines before the header."""
    sheet: str | None = None
    """Of Excel; the first if absent."""
    member: str | None = None
    """Of a .zip that holds several files."""


IdFormat = Literal["text", "integer", "uuid"]
"""``text``: as it stands. ``integer``: 5863.0 is 5863. ``uuid``: 16 bytes are written as a UUID."""
