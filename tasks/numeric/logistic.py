"""The sampling and the Adam steps of logistic matrix factorisation, over one part of the users and items."""

from typing import Any

import numpy as np

from tasks.numeric.jit import jit
from tasks.numeric.pairwise import GOLDEN, MAX_DRAWS, draw_below, draw_pair, has_code, mixed

FIRST_DECAY, SECOND_DECAY, EPSILON = np.float32(0.9), np.float32(0.999), np.float32(1e-8)
"""Adam's constants: D. Kingma, J. Ba: Adam, A Method for Stochastic Optimization, ICLR 2015."""

LOG_FIRST, LOG_SECOND = np.log(0.9), np.log(0.999)


@jit(fastmath=True)
def adam(row: Any, slope: Any, first: Any, second: Any, n_steps: int, rate: Any, frozen: int) -> None:
    """One step of Adam on a row, down its `slope`; the number at place `frozen` stays.

    Parameters
    ----------
    row, slope, first, second
        float32 (n,): the numbers, their slope, and the running means of slopes and squared slopes.
    n_steps
        Steps of this row so far, this one included: rows that are not met do not age.
    rate
        float32: length of a step.

    """
    # Powers by exp: numba has no power of a whole number under fastmath.
    first_share = np.float32(1.0 - np.exp(n_steps * LOG_FIRST))
    late = rate * np.sqrt(np.float32(1.0 - np.exp(n_steps * LOG_SECOND))) / first_share
    kept = row[frozen]
    one = np.float32(1)
    for f in range(len(row)):
        g = slope[f]
        m = FIRST_DECAY * first[f] + (one - FIRST_DECAY) * g
        v = SECOND_DECAY * second[f] + (one - SECOND_DECAY) * g * g
        first[f], second[f] = m, v
        row[f] -= late * m / (np.sqrt(v) + EPSILON)
    row[frozen] = kept


@jit()
def _draw_negative(state: Any, candidates: Any, indices: Any, start: int, stop: int) -> tuple[Any, Any]:
    """(Next state of the generator, a candidate that is not in ``indices[start:stop]``); -1 where none was found."""
    for _ in range(MAX_DRAWS):
        state += GOLDEN
        code = candidates[draw_below(mixed(state), len(candidates))]
        if not has_code(indices, start, stop, code):
            return state, np.int64(code)
    return state, np.int64(-1)


@jit(fastmath=True)
def descend(
    n_samples: int,
    seed: Any,
    users: Any,
    items: Any,
    drawn: Any,
    candidates: Any,
    had: Any,
    n_negatives: int,
    offset: Any,
    rate: Any,
    decay: Any,
    bias_decay: Any,
    user_side: Any,
    item_side: Any,
) -> tuple[float, int]:
    """Draw pairs, each with some items that its user never had, and step down their log loss; (sum of losses, pairs).

    Parameters
    ----------
    n_samples, seed, users, items, drawn, candidates
        As :class:`tasks.models._sample_cells.Cell` has them.
    had
        (indptr, indices): per user, what is never drawn as a negative.
    n_negatives
        Negatives of each pair.
    offset
        float32: added to every score.
    rate, decay, bias_decay
        float32: length of a step, and pull of factors and of item biases towards 0.
    user_side, item_side
        (rows, first, second, steps): rows float32 (n, n_factors + 2), Adam's two running means in the same shape,
        and int32 (n,) steps so far. The last two numbers of a user's row are bias and 1, those of an item's 1 and
        bias, so that the score is one product.

    """
    cumulative, guide = drawn
    indptr, indices = had
    x_rows, x_first, x_second, x_steps = user_side
    y_rows, y_first, y_second, y_steps = item_side
    width = x_rows.shape[1]
    x_slope, y_slope = np.empty(width, np.float32), np.empty(width, np.float32)
    state = np.uint64(seed)
    loss = 0.0
    for _ in range(n_samples):
        state += GOLDEN
        pair = draw_pair(cumulative, guide, np.float64(mixed(state) >> np.uint64(11)) * 2.0**-53)
        u = users[pair]
        x = x_rows[u]
        x_slope[:] = decay * x
        for nth in range(n_negatives + 1):
            i = items[pair]
            label = np.float32(1)
            if nth > 0:
                label = np.float32(0)
                state, i = _draw_negative(state, candidates, indices, indptr[u], indptr[u + 1])
                if i < 0:
                    continue
            y = y_rows[i]
            score = offset
            for f in range(width):
                score += x[f] * y[f]
            chance = np.float32(1) / (np.float32(1) + np.exp(-score))
            error = chance - label
            loss -= np.log(max(chance if nth == 0 else np.float32(1) - chance, np.float32(1e-12)))
            for f in range(width):
                x_slope[f] += error * y[f]
                y_slope[f] = error * x[f] + decay * y[f]
            y_slope[width - 1] = error + bias_decay * y[width - 1]
            y_steps[i] += 1
            adam(y, y_slope, y_first[i], y_second[i], y_steps[i], rate, width - 2)
        x_steps[u] += 1
        adam(x, x_slope, x_first[u], x_second[u], x_steps[u], rate, width - 1)
    return loss, n_samples
