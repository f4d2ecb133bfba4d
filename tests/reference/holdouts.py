"""Small and random hold-outs for tests."""

import numpy as np

from data_contracts.holdout import Holdout
from data_contracts.interactions import Csr


def csr(rows, n_cols):
    """A Csr from lists of column codes, all values 1."""
    indices = np.array([item for row in rows for item in sorted(row)], dtype=np.int32)
    return Csr(_indptr(rows), indices, np.ones(len(indices), dtype=np.float32), n_cols)


def holdout(user_codes, truths, baskets=(), *, n_items, unknown=None):
    """A Holdout from lists: truths per user, baskets as (row, items), unknown items per user."""
    unknown = [0] * len(truths) if unknown is None else unknown
    return Holdout(
        user_codes=np.array(user_codes, dtype=np.int32),
        indptr=_indptr(truths),
        items=np.array([item for row in truths for item in sorted(row)], dtype=np.int32),
        n_relevant=np.array([len(row) + more for row, more in zip(truths, unknown, strict=True)], np.int32),
        basket_rows=np.array([row for row, _ in baskets], dtype=np.int32),
        basket_indptr=_indptr([items for _, items in baskets]),
        basket_items=np.array([item for _, items in baskets for item in sorted(items)], dtype=np.int32),
        n_items=n_items,
    )


def random_case(rng, n_users=30, n_items=40, width=8):
    """A random holdout with cold users, anonymous and empty baskets; its seen items; and lists."""
    warm = np.sort(rng.choice(n_users, size=n_users // 2, replace=False))
    codes = [*warm.tolist(), *[-1] * (n_users // 4)]
    truths = [rng.choice(n_items, size=rng.integers(0, 12), replace=False).tolist() for _ in codes]
    unknown = [int(rng.integers(0, 3)) + (not truth) for truth in truths]
    baskets = [
        (int(rng.integers(-1, len(codes))), rng.integers(0, n_items, size=rng.integers(0, 9)).tolist())
        for _ in range(60)
    ]
    seen = csr(
        [rng.choice(n_items, size=rng.integers(0, 25), replace=False) for _ in range(n_users)], n_items
    )
    return (
        holdout(codes, truths, baskets, n_items=n_items, unknown=unknown),
        seen,
        lists(rng, codes, n_items, width),
    )


def lists(rng, codes, n_items, width):
    """Random lists without repeats, padded with -1 at random lengths."""
    rows = np.array([rng.choice(n_items, size=width, replace=False) for _ in codes], dtype=np.int32)
    rows[np.arange(width) >= rng.integers(0, width + 1, size=len(codes))[:, None]] = -1
    return rows


def _indptr(rows):
    return np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)]).astype(np.int64)
