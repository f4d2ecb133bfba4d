"""Masks of items that may be listed, put together and applied to columns."""

import numpy as np

from data_contracts.interactions import Csr
from data_contracts.scoring import Mask


def both(one: Mask | None, other: Mask | None) -> Mask | None:
    """Items that both masks allow; None allows all."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def columns_of(matrix: Csr, allow: Mask | None) -> Csr:
    """The entries of some columns; None takes all."""
    if allow is None:
        return matrix
    keep = allow[matrix.indices]
    before = np.concatenate([[0], np.cumsum(keep)])
    return Csr(
        before[matrix.indptr].astype(np.int64), matrix.indices[keep], matrix.values[keep], matrix.n_cols
    )
