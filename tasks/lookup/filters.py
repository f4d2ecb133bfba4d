"""Which items a look-up may show: not those excluded, of one category alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data_contracts.errors import NotOfferedError
from tasks.lookup.mapped import LabelColumn

Pair = tuple[int, float]
"""An item code and its score."""


@dataclass(frozen=True)
class Category:
    """Items with one label of one attribute."""

    column: LabelColumn
    label: int
    """Code of the label; -1 where no item has it, and so none is shown."""

    def holds(self, item_code: int) -> bool:
        """Whether an item has the label."""
        return self.label in self.column.of_item(item_code)


def category_of(labels: dict[str, LabelColumn], text: str) -> Category:
    """Understand ``LABEL`` or ``ATTRIBUTE:LABEL``; without an attribute it is the first one that has the label.

    Raises
    ------
    NotOfferedError
        If the publication knows no attributes of items.

    """
    if not labels:
        raise NotOfferedError(
            f"category {text!r}: this publication knows no labels of items; name their columns under attributes or "
            "labels of [columns] or [items] in the dataset file, and run again"
        )
    attribute, _, label = text.partition(":")
    if label and attribute in labels:
        return Category(labels[attribute], labels[attribute].find(label.strip()))
    found = [Category(column, column.find(text.strip())) for column in labels.values()]
    return next((each for each in found if each.label >= 0), found[0])


@dataclass(frozen=True)
class ItemFilter:
    """All that a look-up asks of the items of one list."""

    excluded: frozenset[int] = frozenset()
    """Codes of items that were named in the question, or that are blocked for the user."""
    forbidden: frozenset[int] = frozenset()
    """Codes of items that nobody may be shown now."""
    category: Category | None = None
    limits: tuple[tuple[LabelColumn, int], ...] = ()
    """Attributes of which a list may hold only so many items of one label."""

    @property
    def passes_all(self) -> bool:
        """Whether nothing is asked: what was published keeps the limits."""
        return not self.excluded and not self.forbidden and self.category is None

    def passes(self, item_code: int) -> bool:
        """Whether an item may be shown at all."""
        if item_code in self.excluded or item_code in self.forbidden:
            return False
        return self.category is None or self.category.holds(item_code)

    def take(self, pairs: Iterable[Pair], wanted: int, before: Sequence[Pair] = ()) -> list[Pair]:
        """The first of some items and scores that may stand on a list together with those `before`."""
        found: list[Pair] = []
        there = {code for code, _ in before}
        counts = Counter[tuple[int, int]]()
        for code in there:
            counts.update(self._labels(code))
        for pair in pairs:
            if len(found) >= wanted:
                break
            if pair[0] in there or not self.passes(pair[0]):
                continue
            labels = self._labels(pair[0])
            if any(counts[label] >= self.limits[label[0]][1] for label in labels):
                continue
            counts.update(labels)
            found.append(pair)
        return found

    def _labels(self, item_code: int) -> list[tuple[int, int]]:
        """Limited labels of an item: which limit, and which label."""
        return [
            (at, label) for at, (column, _) in enumerate(self.limits) for label in column.of_item(item_code)
        ]
