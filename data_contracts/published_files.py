"""What the files of a publication are called: all that a look-up has to know of the export."""

from typing import Final

PREDICTIONS: Final = "predictions.parquet"
USERS_PER_ITEM: Final = "users_per_item.parquet"
STRANGERS: Final = "strangers.parquet"
SIMILAR_ITEMS: Final = "similar_items.parquet"

RESERVED: Final = "predictions_with_reserve.parquet"
"""As PREDICTIONS with longer lists, for look-ups that take places away; not published but in the index of look-ups."""

SIMILAR_RESERVED: Final = "similar_items_with_reserve.parquet"
"""As SIMILAR_ITEMS with longer lists, for the same."""

POPULAR: Final = "popular.parquet"
"""As STRANGERS with a much longer list, for the same."""

BLOCKS: Final = "blocks.parquet"
"""Pairs of a user and an item that must not meet, for the same."""

PER_CATEGORY: Final = "predictions_per_category.parquet"
"""Lists by user and category; only of a dataset whose ``[rules]`` ask for them, and in no other place."""

TABLES: Final = {
    "predictions": PREDICTIONS,
    "users_per_item": USERS_PER_ITEM,
    "strangers": STRANGERS,
    "similar_items": SIMILAR_ITEMS,
}
"""Files by the name of their table."""

TITLES: Final = "titles.parquet"
"""What is known of the items: title and attributes."""

LOOKUP: Final = "lookup"
"""Folder of the look-up index (:mod:`tasks.lookup.index`)."""

RULES_FILE: Final = "rules.json"
"""The shop's own rules; absent where it has none."""

HISTORY: Final = "history"
"""Folder of what the users have had."""
HISTORY_FILES: Final = tuple(f"by_user_{part}.npy" for part in ("indptr", "indices", "values"))

MAY_BE_THERE: Final = {"predictions_per_category": PER_CATEGORY}
"""Tables that some publications have."""

USERS_FILE: Final = "users.parquet"
ITEMS_FILE: Final = "items.parquet"
"""The vocabularies that the model was trained with."""

SIMILAR_ID: Final = "similar_item_id"
"""Column of :data:`SIMILAR_ITEMS` that holds the item that goes with another."""

N_REASONS: Final = 3
"""Past items that an explained look-up names behind each item."""

CATALOGUE_KEY: Final = "catalogue"
"""Key in the metadata of ITEMS_FILE: how many of its last ids have no event; absent where there are none."""
