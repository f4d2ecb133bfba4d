"""What the files of a publication are called: all that a look-up has to know of the export."""

from typing import Final

PREDICTIONS: Final = "predictions.parquet"
USERS_PER_ITEM: Final = "users_per_item.parquet"
STRANGERS: Final = "strangers.parquet"
SIMILAR_ITEMS: Final = "similar_items.parquet"
TITLES: Final = "titles.parquet"
"""Titles of items by their id, where the log has some."""

TABLES: Final = {
    "predictions": PREDICTIONS,
    "users_per_item": USERS_PER_ITEM,
    "strangers": STRANGERS,
    "similar_items": SIMILAR_ITEMS,
}
"""Files by the name of their table."""

USERS_FILE: Final = "users.parquet"
ITEMS_FILE: Final = "items.parquet"
"""The vocabularies that the model was trained with."""

SIMILAR_ID: Final = "similar_item_id"
"""Column of :data:`SIMILAR_ITEMS` that holds the item that goes with another."""

N_REASONS: Final = 3
"""Past items that an explained look-up names behind each item."""

CATALOGUE_KEY: Final = "catalogue"
"""Key in the metadata of ITEMS_FILE: how many of its last ids have no event; absent where there are none."""
