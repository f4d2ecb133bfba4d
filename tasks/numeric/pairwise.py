"""The sampling and the gradient steps of pairwise ranking, over one part of the users and items."""

from typing import Any

import numpy as np

from tasks.numeric.jit import jit

MAX_DRAWS = 16
"""Draws of a negative before a sample is given up: its user has nearly all of the candidates."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


@jit()
def mixed(state: Any) -> Any:
    """64 random bits of a counter: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    z = state
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@jit()
def draw_below(bits: Any, n: int) -> Any:
    """A number from 0 to n - 1 out of 64 random bits; n below 2^32."""
    return np.int64(((bits >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@jit()
def has_code(indices: Any, start: int, stop: int, code: int) -> bool:
    """Whether the rising part ``indices[start:stop]`` holds `code`, by binary search."""
    end = stop
    while start < end:
        middle = (start + end) // 2
        if indices[middle] < code:
            start = middle + 1
        else:
            end = middle
    return start < stop and indices[start] == code


@jit()
def sort_cells(
    users: Any, items: Any, weights: Any, item_part: Any, out: Any, edges: Any, totals: Any
) -> None:
    """Order the pairs of one part of the users by the part of their item, and make them ready to be drawn.

    Parameters
    ----------
    users, items, weights
        (n_pairs,) each; weights float32.
    item_part
        (n_items,): the part of each item.
    out
        (n_pairs,) each: users and items, for each part of the items the running sum of its weights, and
        a guide into it: place j of m names where the j-th m-th of the sum is reached.
    edges, totals
        (n_parts + 1,), (n_parts,): where each part of the items begins, and the sum of its weights.

    """
    out_users, out_items, cumulative, guide = out
    edges[:] = 0
    for item in items:
        edges[item_part[item] + 1] += 1
    for part in range(len(totals)):
        edges[part + 1] += edges[part]
        totals[part] = 0.0
    place = edges[:-1].copy()
    for pair in range(len(items)):
        part = item_part[items[pair]]
        at = place[part]
        place[part] += 1
        totals[part] += np.float64(weights[pair])
        out_users[at], out_items[at], cumulative[at] = users[pair], items[pair], totals[part]
    for part in range(len(totals)):
        first, m = edges[part], edges[part + 1] - edges[part]
        at = 0
        for j in range(m):
            while at < m - 1 and cumulative[first + at] <= totals[part] * j / m:
                at += 1
            guide[first + j] = at


@jit()
def draw_pair(cumulative: Any, guide: Any, share: float) -> int:
    """The first pair whose running sum is above `share` of the whole: a binary search, but for the guide."""
    m = len(cumulative)
    place = share * cumulative[m - 1]
    at = guide[min(np.int64(share * m), m - 1)]
    while at > 0 and cumulative[at - 1] > place:
        at -= 1
    while at < m - 1 and cumulative[at] <= place:
        at += 1
    return at


# fastmath: the dot product may be summed in vector lanes, 3 times faster at 256 factors. The order is
# fixed by the compiled code, so a run still repeats to the last bit on one kind of machine.
@jit(fastmath=True)
def ascend(
    n_samples: int,
    seed: Any,
    users: Any,
    items: Any,
    drawn: Any,
    candidates: Any,
    indptr: Any,
    indices: Any,
    rates: Any,
    user_factors: Any,
    item_factors: Any,
    item_bias: Any,
) -> tuple[int, int]:
    """Take `n_samples` stochastic steps; (samples used, samples whose positive already scored higher).

    Pairs (users, items) are drawn by `drawn`, the running sum of their weights and its guide; negatives evenly from
    `candidates` but never from the user's row of (indptr, indices), what the user had. `rates` holds the learning rate
    and the regularization of users, items and biases, float32.
    """
    rate, user_decay, item_decay, bias_decay = (
        rates[0],
        rates[0] * rates[1],
        rates[0] * rates[2],
        rates[0] * rates[3],
    )
    cumulative, guide = drawn
    n_factors = user_factors.shape[1]
    state = np.uint64(seed)
    used = right = 0
    for _ in range(n_samples):
        state += GOLDEN
        pair = draw_pair(cumulative, guide, np.float64(mixed(state) >> np.uint64(11)) * 2.0**-53)
        u, i = users[pair], items[pair]
        j = i
        for _ in range(MAX_DRAWS):
            state += GOLDEN
            j = candidates[draw_below(mixed(state), len(candidates))]
            if not has_code(indices, indptr[u], indptr[u + 1], j):
                break
            j = i
        if j == i:
            continue
        x, y, z = user_factors[u], item_factors[i], item_factors[j]
        margin = item_bias[i] - item_bias[j]
        for f in range(n_factors):
            margin += x[f] * (y[f] - z[f])
        used += 1
        right += margin > 0
        step = rate / (np.float32(1) + np.exp(margin))
        for f in range(n_factors):
            xf, yf, zf = x[f], y[f], z[f]
            x[f] = xf + step * (yf - zf) - user_decay * xf
            y[f] = yf + step * xf - item_decay * yf
            z[f] = zf - step * xf - item_decay * zf
        item_bias[i] += step - bias_decay * item_bias[i]
        item_bias[j] -= step + bias_decay * item_bias[j]
    return used, right
