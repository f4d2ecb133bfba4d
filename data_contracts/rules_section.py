"""The ``[rules]`` section of a dataset file: which items may be shown now, and to whom."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from data_contracts import columns
from data_contracts.column_sections import ItemAttributes, Section
from data_contracts.limits import ListLength, Most

Text = Annotated[str, Field(min_length=1)]
Values = Annotated[tuple[Text, ...], Field(min_length=1)]

FLAG_COLUMN: Final = "available"
DATE_COLUMNS: Final = ("available_from", "available_until")
"""Keys that name a column which ingestion reads beside the attributes of items."""


class PerCategory(Section):
    """``per_category`` of ``[rules]``: a list for each user and each value of an attribute."""

    attribute: Text
    """Attribute whose values get lists of their own."""
    k: ListLength = 5
    """Items on each."""
    values: tuple[Text, ...] = ()
    """Only these values; all, the largest first where there are very many, if absent. Each costs one ranking of all
    users."""


class RulesSection(Section):
    """``[rules]``: what a shop says of its items; what it forbids is on no list and in no hold-out.

    Columns are those of the item table where there is one, else of the log (the most frequent value of an item).
    """

    available: Text | None = None
    """Column that says yes or no, or how many are in stock (above 0 is yes). Items without a value may be shown; a text
    that says neither forbids the item, and is counted."""
    available_from: Text | None = None
    """Column of a date or time: from then on an item may be shown; always where it has none."""
    available_until: Text | None = None
    """Column of a date or time: an item may be shown before that time; a date, or a midnight, counts to the end of its
    day."""
    withdrawn: Text | None = None
    """File with one item id a line; found as the item table is, read by each run and again at look-ups."""
    exclude_items: tuple[Text, ...] = ()
    """Ids of items that are never shown; cleaned as those of the log."""
    only: dict[Text, Values] = Field(default_factory=dict)
    """By attribute: only items with one of these values; an item without a value is none of them."""
    never: dict[Text, Values] = Field(default_factory=dict)
    """By attribute: no item with one of these values."""
    at_most: dict[Text, Most] = Field(default_factory=dict)
    """By attribute: so many items of one value on a list; an item with several values counts for each, items without one
    are unlimited. What leaves a list is filled up by what comes next."""
    per_category: PerCategory | None = None
    """More lists, published as a table of their own."""
    blocks: Text | None = None
    """CSV with the columns user_id and item_id: that item is never shown to that user; found as `withdrawn` is."""
    min_support: Most | None = None
    """Only items that so many users had in the window that is trained on; an item of the catalogue without any event has
    none of them, so this leaves it out."""

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        """Refuse rules that forbid what they ask for."""
        for attribute in self.only.keys() & self.never.keys():
            both = sorted(set(self.only[attribute]) & set(self.never[attribute]))
            if both:
                raise ValueError(
                    f"{attribute} = {both[0]!r} stands under only and under never; remove it from one of them"
                )
        named = [name for name in (self.available, *self.dates) if name is not None]
        repeated = sorted(name for name in set(named) if named.count(name) > 1)
        if repeated:
            raise ValueError(
                f"column {repeated[0]!r} stands under two of available, available_from and available_until; each "
                "needs a column of its own"
            )
        ours = sorted({columns.ITEM_ID, columns.TITLE} & set(named))
        if ours:
            raise ValueError(
                f"{ours[0]!r} cannot say what is available: published tables have a column of that name"
            )
        return self

    @property
    def dates(self) -> tuple[str | None, str | None]:
        """Columns of dates, first and last."""
        return self.available_from, self.available_until

    @property
    def attributes(self) -> dict[str, str]:
        """Attributes of labels that rules ask for, each with the first key that does."""
        asked = dict.fromkeys(self.at_most, "at_most")
        asked |= dict.fromkeys(self.never, "never") | dict.fromkeys(self.only, "only")
        return asked | ({self.per_category.attribute: "per_category"} if self.per_category else {})

    def more_columns(self, known: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Columns of text and columns of dates that ingestion has to read besides the `known` attributes."""
        text = (self.available,) if self.available is not None and self.available not in known else ()
        dates = tuple(name for name in self.dates if name is not None and name not in known)
        return text, dates

    def check_columns(self, attributes: ItemAttributes) -> None:
        """Refuse a rule about an attribute that the dataset lacks or has in another kind.

        Raises
        ------
        ValueError
            Naming the key, the attribute and what to do.

        """
        kinds = attributes.kinds()
        for name, key in self.attributes.items():
            kind = kinds.get(name)
            if kind is None:
                raise ValueError(
                    f"rules.{key}: {name!r} is none of the attributes ({', '.join(kinds) or 'there are none'}); write "
                    f"attributes = [{name!r}], or labels, under [items] or [columns]"
                )
            if kind in {"number", "date"}:
                raise ValueError(
                    f"rules.{key}: {name!r} holds a {kind}, not labels; write it under attributes or labels"
                )
        wanted = {FLAG_COLUMN: ("label", "number"), **dict.fromkeys(DATE_COLUMNS, ("date",))}
        for key, fitting in wanted.items():
            column = getattr(self, key)
            if column in kinds and kinds[column] not in fitting:
                raise ValueError(
                    f"rules.{key}: attribute {column!r} is a {kinds[column]}; write it under "
                    f"{' or '.join(_SECTION_KEYS[each] for each in fitting)}, or nowhere but here"
                )


_SECTION_KEYS = {"label": "attributes", "number": "numbers", "date": "dates"}
