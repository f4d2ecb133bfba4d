"""Slow oracles for metrics and bootstrap: plain Python, one list at a time."""

import math

import numpy as np


def user_metrics(ranked, truth, n_relevant, k):
    """All metrics of one list, from sets and loops."""
    top = [item for item in ranked[:k] if item >= 0]
    relevant = [item in truth for item in top]
    best = min(k, n_relevant)
    precisions = [sum(relevant[: r + 1]) / (r + 1) for r in range(len(top)) if relevant[r]]
    ranks = [r + 1 for r in range(len(top)) if relevant[r]]
    return {
        "precision": len(ranks) / k,
        "recall": len(ranks) / best,
        "hit_rate": float(bool(ranks)),
        "map": sum(precisions) / best,
        "ndcg": sum(1 / math.log2(r + 1) for r in ranks)
        / sum(1 / math.log2(r + 1) for r in range(1, best + 1)),
        "mrr": 1 / ranks[0] if ranks else 0.0,
        "full_lists": float(len(top) == k),
    }


def basket_precision(ranked, rows, k):
    """Rows of one basket whose item is among the first k, / k."""
    top = set(ranked[:k]) - {-1}
    return sum(row in top for row in rows) / k


def restrict(holdout, seen):
    """Truth without seen items, as lists: (kept row, items, n_relevant) and (row, basket items)."""
    users, baskets = [], []
    for row, code in enumerate(holdout.user_codes):
        past = set(seen.row(code)[0].tolist()) if code >= 0 else set()
        items = holdout.items[holdout.indptr[row] : holdout.indptr[row + 1]].tolist()
        left = [item for item in items if item not in past]
        n_relevant = int(holdout.n_relevant[row]) - (len(items) - len(left))
        if n_relevant:
            users.append((row, left, n_relevant))
    kept = {row: at for at, (row, _, _) in enumerate(users)}
    for basket, row in enumerate(holdout.basket_rows):
        code = holdout.user_codes[row] if row >= 0 else -1
        past = set(seen.row(code)[0].tolist()) if code >= 0 else set()
        items = holdout.basket_items[
            holdout.basket_indptr[basket] : holdout.basket_indptr[basket + 1]
        ].tolist()
        left = [item for item in items if item not in past]
        if (left or not items) and (row < 0 or row in kept):
            baskets.append((kept.get(row, -1), left))
    return users, baskets


def _mix(word):
    mask = 2**64 - 1
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
    return word ^ (word >> 31)


def poisson_counts(seed, n_units, n_samples, count_of_bits):
    """The documented draw in Python integers: (n_samples, n_units)."""
    golden, mask = 0x9E3779B97F4A7C15, 2**64 - 1
    start = _mix((seed + golden) & mask)
    counts = np.zeros((n_samples, n_units))
    for unit in range(n_units):
        state = _mix(start ^ _mix((unit * golden + golden) & mask))
        for sample in range(n_samples):
            if sample % 4 == 0:
                state = (state + golden) & mask
                word = _mix(state)
            counts[sample, unit] = count_of_bits[(word >> (16 * (sample % 4))) & 0xFFFF]
    return counts
