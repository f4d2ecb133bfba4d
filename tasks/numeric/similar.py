"""Items that go with an item: the cosine of their factors, or of the sets of users who have them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import GroupedMatrix
from data_contracts.scoring import Factors, Scorer
from tasks.numeric.topk import top_k

BLOCK_ITEMS = 2_000


def similar_items(
    scorer: Scorer, matrix: GroupedMatrix, k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """The k items most like each item, without the item itself.

    Parameters
    ----------
    scorer
        Factors speak for themselves; for any other model the interactions do.
    matrix
        (n_users, n_items).
    k
        At most so many; lists are padded with -1.

    Returns
    -------
    int32 codes and float32 cosines, each (n_items, k); ties go to the lower code. An item without any
    similar one has an empty list.

    """
    if isinstance(scorer, Factors):
        return _by_factors(scorer.item_factors, k)
    return _by_users(matrix, k)


def _by_factors(
    factors: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    norms = np.linalg.norm(factors, axis=1, keepdims=True)
    unit = np.ascontiguousarray(factors / np.maximum(norms, np.finfo(np.float32).tiny), dtype=np.float32)
    # One more than asked for: every item is most like itself and is dropped from its own list.
    codes, scores = top_k(unit, unit, min(k + 1, len(unit)))
    return _without_self(codes, scores, k)


def _by_users(matrix: GroupedMatrix, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
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
