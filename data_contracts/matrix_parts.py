"""Which parts of the training data are made beside the grouped matrix: those that a model of the run asks for."""

from typing import Final

from data_contracts.column_sections import ItemAttributes, Section


class MatrixParts(Section):
    """Parts of a :class:`data_contracts.interactions.GroupedMatrix` that cost time and only some models use."""

    baskets: bool = False
    """``history.baskets``, with the events of each basket side by side."""
    ratings: bool = False
    """``ratings``."""
    item_features: ItemAttributes | None = None
    """``item_features`` of these attributes; None makes none."""


NO_PARTS: Final = MatrixParts()
"""Nothing beside the grouped matrix, its timeline and its histories."""
