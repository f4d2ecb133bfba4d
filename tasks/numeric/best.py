"""Kernels that keep the best k of a stream of scores: a bounded heap with ties by the lower code."""

from typing import Any

import numpy as np

from tasks.numeric.jit import jit

CHUNK = 32
"""Scores compared at once before anything else happens: long enough to fill vector registers."""

# In all kernels below `best_scores` and `best_codes` are one row of k slots, a binary heap with the worst
# kept entry in front. An empty slot holds -inf and -1. `keep_best` wants codes in rising order for ties.


@jit()
def replace_worst(best_scores: Any, best_codes: Any, score: Any, code: int) -> None:
    """Put (score, code) in the place of the worst kept entry; the caller has seen that it is better."""
    k = len(best_scores)
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= k:
            break
        right = child + 1
        if right < k and is_worse(
            best_scores[right], best_codes[right], best_scores[child], best_codes[child]
        ):
            child = right
        if not is_worse(best_scores[child], best_codes[child], score, code):
            break
        best_scores[hole] = best_scores[child]
        best_codes[hole] = best_codes[child]
        hole = child
    best_scores[hole] = score
    best_codes[hole] = code


@jit()
def is_worse(score: Any, code: int, than_score: Any, than_code: int) -> Any:
    """True if an entry ranks behind another: a lower score, or the same and a higher code."""
    return score < than_score or (score == than_score and code > than_code)


@jit()
def sort_best(best_scores: Any, best_codes: Any) -> None:
    """Turn every heap (n_rows, k) into a list, best first: the worst moves behind the shrinking heap."""
    n_rows, k = best_scores.shape
    for r in range(n_rows):
        for last in range(k - 1, 0, -1):
            score, code = best_scores[r, last], best_codes[r, last]
            best_scores[r, last], best_codes[r, last] = best_scores[r, 0], best_codes[r, 0]
            replace_worst(best_scores[r, :last], best_codes[r, :last], score, code)


@jit()
def is_allowed(code: int, excluded: Any, denied: Any) -> bool:
    """False if `code` is in the rising array `excluded` or marked in the mask `denied` (may be empty)."""
    if len(denied) and denied[code]:
        return False
    low, high = 0, len(excluded)
    while low < high:
        middle = (low + high) // 2
        if excluded[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low == len(excluded) or excluded[low] != code


@jit()
def _count_not_below(chunk: Any, bar: Any) -> int:
    """How many are above `bar` or NaN. On a slice of its own, this loop becomes vector instructions."""
    count = 0
    for c in range(len(chunk)):
        count += not chunk[c] <= bar
    return count


@jit()
def keep_best(scores: Any, indptr: Any, indices: Any, denied: Any, best_scores: Any, best_codes: Any) -> bool:
    """Offer every allowed score of a block (n_rows, n_cols) to its row's heap; False if one is NaN."""
    n_rows, n_cols = scores.shape
    for r in range(n_rows):
        row = scores[r]
        excluded = indices[indptr[r] : indptr[r + 1]]
        heap_scores, heap_codes = best_scores[r], best_codes[r]
        for start in range(0, n_cols, CHUNK):
            stop = min(start + CHUNK, n_cols)
            # Most chunks hold nothing better than the worst kept score: one pass of compares ends them.
            if _count_not_below(row[start:stop], heap_scores[0]) == 0:
                continue
            for c in range(start, stop):
                if np.isnan(row[c]):
                    return False
                if row[c] > heap_scores[0] and is_allowed(c, excluded, denied):
                    replace_worst(heap_scores, heap_codes, row[c], c)
    return True


@jit()
def exact_score(query: Any, candidate: Any, bias: Any) -> Any:
    """Dot product plus bias as float32, summed in float64 in one fixed order, the same wherever it runs."""
    # Eight sums side by side: the processor works on all of them at once, and no compiler reorders them.
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    n_factors = len(query)
    whole = n_factors - n_factors % 8
    for f in range(0, whole, 8):
        s0 += np.float64(query[f]) * np.float64(candidate[f])
        s1 += np.float64(query[f + 1]) * np.float64(candidate[f + 1])
        s2 += np.float64(query[f + 2]) * np.float64(candidate[f + 2])
        s3 += np.float64(query[f + 3]) * np.float64(candidate[f + 3])
        s4 += np.float64(query[f + 4]) * np.float64(candidate[f + 4])
        s5 += np.float64(query[f + 5]) * np.float64(candidate[f + 5])
        s6 += np.float64(query[f + 6]) * np.float64(candidate[f + 6])
        s7 += np.float64(query[f + 7]) * np.float64(candidate[f + 7])
    for f in range(whole, n_factors):
        s0 += np.float64(query[f]) * np.float64(candidate[f])
    return np.float32((((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))) + np.float64(bias))


@jit()
def keep_best_products(
    rough: Any,
    codes: Any,
    lines: Any,
    queries: Any,
    candidates: Any,
    bias: Any,
    offset: Any,
    slack: Any,
    indptr: Any,
    indices: Any,
    denied: Any,
    best_scores: Any,
    best_codes: Any,
) -> None:
    """Offer one tile of rough scores (n_rows, n_cols) to the heaps of its rows, exact scores deciding.

    Column c is the candidate ``codes[c]``, in any order; row r is the query, and the heap, ``lines[r]``. A rough
    score (from BLAS, rounded differently from place to place) is off by less than the line's `slack`: only
    what comes within that of the worst kept score is scored exactly. `bias` belongs to the candidates and
    may be empty; `offset` belongs to the lines and is not yet in `rough`.
    """
    n_rows, n_cols = rough.shape
    for r in range(n_rows):
        row, line = rough[r], lines[r]
        excluded = indices[indptr[line] : indptr[line + 1]]
        heap_scores, heap_codes = best_scores[line], best_codes[line]
        below = offset[line] + slack[line]
        bar = heap_scores[0] - below
        for start in range(0, n_cols, CHUNK):
            stop = min(start + CHUNK, n_cols)
            hits = _count_not_below(row[start:stop], bar)
            c = start
            while hits > 0 and c < stop:
                if row[c] > bar:
                    hits -= 1
                    code = codes[c]
                    if is_allowed(code, excluded, denied):
                        plus = np.float64(offset[line]) + (np.float64(bias[code]) if len(bias) else 0.0)
                        score = exact_score(queries[line], candidates[code], plus)
                        if is_worse(heap_scores[0], heap_codes[0], score, code):
                            replace_worst(heap_scores, heap_codes, score, code)
                            bar = heap_scores[0] - below
                c += 1


@jit()
def keep_best_columns(
    scores: Any, first_row: int, indptr: Any, indices: Any, denied: Any, best_scores: Any, best_codes: Any
) -> bool:
    """Offer the rows of a block (n_rows, n_cols) to the heaps of its columns; False if one is NaN.

    Row r has the code ``first_row + r``; excluded and denied are row codes, by column.
    """
    n_rows, n_cols = scores.shape
    bars = best_scores[:, 0].copy()
    for r in range(n_rows):
        row = scores[r]
        for start in range(0, n_cols, CHUNK):
            stop = min(start + CHUNK, n_cols)
            if _count_not_below_each(row[start:stop], bars[start:stop]) == 0:
                continue
            for c in range(start, stop):
                if np.isnan(row[c]):
                    return False
                if row[c] > bars[c] and is_allowed(first_row + r, indices[indptr[c] : indptr[c + 1]], denied):
                    replace_worst(best_scores[c], best_codes[c], row[c], first_row + r)
                    bars[c] = best_scores[c, 0]
    return True


@jit()
def _count_not_below_each(chunk: Any, bars: Any) -> int:
    count = 0
    for c in range(len(chunk)):
        count += not chunk[c] <= bars[c]
    return count
