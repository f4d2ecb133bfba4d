"""Slow oracles for the parts of the blend: plain Python over events."""

import math

import numpy as np


def own_past(history, by_user, *, fade, half_life_days):
    """(baskets, fading, decayed) of each pair of `by_user`, from sets of moments."""
    table = []
    for user in range(len(history.indptr) - 1):
        part = slice(history.indptr[user], history.indptr[user + 1])
        items, ages = history.items[part].tolist(), history.ages[part].tolist()
        moments = sorted(set(ages))
        for item in by_user.row(user)[0].tolist():
            mine = [age for other, age in zip(items, ages, strict=True) if other == item]
            table.append(
                (
                    len(set(mine)),
                    sum(fade ** moments.index(age) for age in set(mine)),
                    sum(2 ** (-age / half_life_days) for age in mine),
                )
            )
    return np.array(table).T


def item_neighbours(rows, n_items, k, shrinkage):
    """Dense (n_items, n_items): row j, column i: likeness of i to its neighbour j."""
    weights = np.zeros((len(rows), n_items))
    for user, row in enumerate(rows):
        for item, value in row.items():
            weights[user, item] = math.log1p(value) / math.sqrt(1 + math.log1p(len(row)))
    common = weights.T @ weights
    norms = np.sqrt(np.diag(common))
    likeness = common / (norms[:, None] * norms[None, :] + shrinkage)
    np.fill_diagonal(likeness, 0.0)
    for item in range(n_items):
        ranked = sorted(range(n_items), key=lambda other: (-likeness[other, item], other))
        likeness[ranked[k:], item] = 0.0
    return likeness


def listwise_loss(weights, choices, prior, prior_events):
    """Minus the log likelihood of the choices and of the prior, one list at a time."""
    ends = [*choices.starts[1:], len(choices.targets)]
    scale = choices.features.std(axis=0)
    total = 0.0
    for start, end in zip(choices.starts, ends, strict=True):
        scores = choices.features[start:end] @ weights
        log_share = scores - np.log(np.exp(scores).sum())
        total -= choices.targets[start:end] @ log_share
    return total + prior_events / 2 * (((weights - prior) * scale) ** 2).sum()
