"""Top-K by sorting everything, one row at a time."""

import numpy as np


def slow_lists(scores, k, *, forbidden=None):
    """Lists of a dense matrix: higher score first, then lower code; forbidden[r] is a set of codes."""
    n_rows, n_cols = scores.shape
    codes = np.full((n_rows, k), -1, dtype=np.int32)
    kept = np.full((n_rows, k), -np.inf, dtype=np.float32)
    for r in range(n_rows):
        allowed = [
            c for c in range(n_cols) if scores[r, c] > -np.inf and not (forbidden and c in forbidden[r])
        ]
        best = sorted(allowed, key=lambda c: (-scores[r, c], c))[:k]
        codes[r, : len(best)] = best
        kept[r, : len(best)] = scores[r, best]
    return codes, kept


def slow_scores(user_factors, item_factors, item_bias=None):
    """Scores as the docstring of topk defines them: float64 sums of float32, rounded once."""
    exact = user_factors.astype(np.float64) @ item_factors.astype(np.float64).T
    if item_bias is not None:
        exact = exact + item_bias.astype(np.float64)
    return exact.astype(np.float32)
