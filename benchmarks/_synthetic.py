"""A synthetic matrix of any size: log-normal user activity, Zipf items, duplicates merged, binary."""

import numpy as np
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix

ACTIVITY_SIGMA = 1.2
"""Spread of the logarithm of user activity: the busiest tenth of users makes about half of the events."""

ZIPF_EXPONENT = 1.0
"""The item of rank r is drawn in proportion to ``(r + ZIPF_SHIFT) ** -ZIPF_EXPONENT``."""

ZIPF_SHIFT = 5.0
"""Flattens the top ranks, so that no item is had by nearly all users."""


def synthetic_matrix(n_users: int, n_items: int, n_events: int, rng: np.random.Generator) -> GroupedMatrix:
    """Draw events and group them.

    Parameters
    ----------
    n_users, n_items
        Shape of the matrix; users and items without events keep their rows.
    n_events
        Events drawn; repeated pairs are merged, so that fewer entries remain.
    rng
        Source of all draws.

    Returns
    -------
    Grouped matrix whose values are all 1.

    """
    activity = rng.lognormal(sigma=ACTIVITY_SIGMA, size=n_users)
    popularity = (rng.permutation(n_items) + ZIPF_SHIFT) ** -ZIPF_EXPONENT
    keys = _draw(activity, n_events, rng) * n_items + _draw(popularity, n_events, rng)
    keys.sort()
    keys = keys[np.r_[True, keys[1:] != keys[:-1]]]
    indptr = np.searchsorted(keys, np.arange(n_users + 1) * n_items)
    ones = np.ones(len(keys), dtype=np.float32)
    return GroupedMatrix.from_csr(csr_matrix((ones, keys % n_items, indptr), shape=(n_users, n_items)))


def _draw(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Codes in proportion to `weights`, int64 (size,)."""
    cumulative = np.cumsum(weights)
    codes: np.ndarray = np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right")
    return codes
