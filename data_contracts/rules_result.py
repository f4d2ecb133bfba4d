"""What the shop's own rules did in a run: part of its summary."""

from typing import ClassVar

from data_contracts.summary_part import SummaryPart


class RuleEffect(SummaryPart):
    """What one rule of the shop does."""

    LEFT_OUT_IF_NONE: ClassVar[frozenset[str]] = frozenset({"items", "places"})

    rule: str
    """Key of ``[rules]``, with its attribute."""
    items: int | None = None
    """Items that it forbids by itself; absent of a rule about lists or pairs."""
    places: int | None = None
    """Places of lists made without rules that it takes by itself; absent where no lists were made."""


class RulesResult(SummaryPart):
    """What the shop's rules do to items and lists."""

    LEFT_OUT_IF_NONE: ClassVar[frozenset[str]] = frozenset(
        {
            "withdrawn_ids",
            "unknown_withdrawn",
            "blocked_pairs",
            "unknown_blocked_pairs",
            "compared_users",
            "compared_places",
            "lists",
            "unfilled_lists",
        }
    )

    rules: tuple[RuleEffect, ...]
    """Each rule."""
    items: int
    """Items of the run."""
    allowed_items: int
    """Of them, items that no rule forbids."""
    withdrawn_ids: int | None = None
    """Ids in the file of withdrawn items; absent without one."""
    unknown_withdrawn: int | None = None
    """Of them, ids of no item of the run."""
    blocked_pairs: int | None = None
    """Pairs in the file of blocked pairs; absent without one."""
    unknown_blocked_pairs: int | None = None
    """Of them, pairs of no item of the run."""
    compared_users: int | None = None
    """Users whose lists were made without rules, too; absent where no lists were made."""
    compared_places: int | None = None
    """Places of these lists."""
    lists: int | None = None
    """Lists of users."""
    unfilled_lists: int | None = None
    """Of them, lists that could not be filled."""
