"""Items that go with an item, by the users who have both: for models without an opinion of their own."""

from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import GroupedMatrix

BLOCK_ITEMS = 2_000


def similar_by_users(matrix: GroupedMatrix, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """The k items most like each item by the cosine of the sets of users who have them.

    Parameters
    ----------
    matrix
        (n_users, n_items).
    k
        At most so many; lists are padded with -1.

    Returns
    -------
    int32 codes and float32 cosines, each (n_items, k); ties go to the lower code. The item itself is not on
    its list; an item without any similar one has an empty list.

    """
    by_item: Any = matrix.by_item.to_scipy().astype(np.float32)
    by_item.data = np.ones_like(by_item.data)
    lengths = np.maximum(np.sqrt(matrix.by_item.lengths()), 1.0).astype(np.float32)
    codes = np.full((matrix.n_items, k + 1), -1, np.int32)
    scores = np.full((matrix.n_items, k + 1), -np.inf, np.float32)
    for start in range(0, matrix.n_items, BLOCK_ITEMS):
        block = slice(start, min(start + BLOCK_ITEMS, matrix.n_items))
        common = (by_item[block] @ by_item.T).toarray()
        cosine = common / lengths[block, None] / lengths[None, :]
        order = np.argsort(-cosine, axis=1, kind="stable")[:, : k + 1].astype(np.int32)
        best = np.take_along_axis(cosine, order, axis=1)
        there = best > 0
        codes[block, : order.shape[1]] = np.where(there, order, -1)
        scores[block, : order.shape[1]] = np.where(there, best, -np.inf)
    return _without_self(codes, scores, k)


def _without_self(
    codes: npt.NDArray[np.int32], scores: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Drop each row's own code (or, where it is not there, the last place) and keep the order."""
    is_self = codes == np.arange(len(codes), dtype=np.int32)[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    width = codes.shape[1] - 1
    lists = codes[~is_self].reshape(len(codes), width)
    values = scores[~is_self].reshape(len(codes), width)
    short = k - width
    if short > 0:
        lists = np.pad(lists, ((0, 0), (0, short)), constant_values=-1)
        values = np.pad(values, ((0, 0), (0, short)), constant_values=-np.inf)
    return lists, values
