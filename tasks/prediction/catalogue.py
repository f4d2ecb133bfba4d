"""Lists by item where the catalogue has items without any event."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.identifiers import Vocabulary
from data_contracts.scoring import Lists, Mask


def by_id(items: Vocabulary, lists: Lists) -> tuple[pa.Array, Lists]:
    """Ids of all items in order, and the items' lists in that order: codes come in two sorted parts."""
    if not items.catalogue:
        return items.ids, lists
    order = pc.array_sort_indices(items.ids)
    rows = order.to_numpy()
    return items.ids.take(order), (lists[0][rows], lists[1][rows])


def emptied(lists: Lists, allow: Mask | None) -> Lists:
    """Empty the lists of items that may not be listed: what stands there says nothing.

    Parameters
    ----------
    lists
        Codes and scores, (n_items, k) each, in the order of the items.
    allow
        bool (n_items,): items that may be listed; None allows all.

    """
    if allow is None:
        return lists
    codes, scores = lists
    return np.where(allow[:, None], codes, np.int32(-1)), np.where(
        allow[:, None], scores, np.float32(-np.inf)
    )


def without(lists: Lists, allow: Mask | None) -> Lists:
    """Take items that may not be listed off lists of items, and close the gaps; as :func:`emptied`."""
    if allow is None:
        return lists
    codes, scores = lists
    there = (codes >= 0) & allow[codes]
    order = np.argsort(~there, axis=1, kind="stable")
    codes = np.where(there, codes, np.int32(-1))
    scores = np.where(there, scores, np.float32(-np.inf))
    return np.take_along_axis(codes, order, axis=1), np.take_along_axis(scores, order, axis=1)
