"""The export tables: names, columns and how lists of codes become rows of ids."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.columns import ITEM_ID, MODEL, RANK, SCORE, USER_ID
from data_contracts.identifiers import Vocabulary
from data_contracts.published_files import (
    PER_CATEGORY,
    PREDICTIONS,
    SIMILAR_ID,
    SIMILAR_ITEMS,
    STRANGERS,
    TABLES,
    USERS_PER_ITEM,
)

# The names of the files and the tables belong to the export, too.
__all__ = ["PER_CATEGORY", "PREDICTIONS", "SIMILAR_ITEMS", "STRANGERS", "TABLES", "USERS_PER_ITEM"]

Lists = tuple[npt.NDArray[np.int32], npt.NDArray[np.floating]]

_RANKED = [(RANK, pa.int32()), (SCORE, pa.float32()), (MODEL, pa.string())]

PREDICTIONS_SCHEMA: Final = pa.schema(
    [(USER_ID, pa.large_string()), _RANKED[0], (ITEM_ID, pa.large_string()), *_RANKED[1:]]
)
"""Items for users, sorted by user_id and rank; rank starts at 1."""

USERS_PER_ITEM_SCHEMA: Final = pa.schema(
    [(ITEM_ID, pa.large_string()), _RANKED[0], (USER_ID, pa.large_string()), *_RANKED[1:]]
)
"""Users for items, sorted by item_id and rank."""

STRANGERS_SCHEMA: Final = pa.schema([_RANKED[0], (ITEM_ID, pa.large_string()), *_RANKED[1:]])
"""The one list for everybody unknown to the model."""

SIMILAR_SCHEMA: Final = pa.schema(
    [(ITEM_ID, pa.large_string()), _RANKED[0], (SIMILAR_ID, pa.large_string()), _RANKED[1]]
)
"""Items that go with an item, sorted by item_id and rank; the score is a cosine."""

CATEGORY: Final = "category"
"""Column of a table by category: the value of the attribute."""

PER_CATEGORY_SCHEMA: Final = pa.schema(
    [
        (USER_ID, pa.large_string()),
        (CATEGORY, pa.large_string()),
        _RANKED[0],
        (ITEM_ID, pa.large_string()),
        _RANKED[1],
    ]
)
"""Items for users by category, sorted by user_id, category and rank."""


def ranked_rows(
    schema: pa.Schema,
    owners: pa.Array | None,
    others: Vocabulary,
    lists: Lists,
    model: npt.NDArray[np.str_] | None,
) -> pa.Table:
    """Turn lists of codes into rows of ids.

    Parameters
    ----------
    schema
        One of the four of this file: owner id, rank, other id, score and model, as far as it has them.
    owners
        Ids of the lists' owners, (n,), or None where the schema has none.
    others
        Vocabulary of what stands in the lists.
    lists
        Codes, int32 (n, k), short lists padded with -1 at the end, and scores of the same layout.
    model
        Name of the model behind each list, (n,), or None where the schema has no such column.

    """
    codes, scores = lists
    there = codes >= 0
    lines, ranks = np.nonzero(there)
    columns = [] if owners is None else [owners.take(pa.array(lines))]
    columns += [
        pa.array(ranks.astype(np.int32) + 1),
        others.take(codes[there]),
        pa.array(scores[there].astype(np.float32)),
    ]
    if model is not None:
        columns.append(pa.array(model[lines].astype(object), type=pa.string()))
    return pa.Table.from_arrays(columns, schema=schema)
