"""Slow oracle for the times of pairs: plain Python over sets of moments."""

import itertools
import math


def pair_times(history, by_user, soon_days):
    """(baskets, last, first, since, until, soon) of each pair of `by_user`, and (baskets, last, first) of users."""
    pairs, users = [], []
    for user in range(len(history.indptr) - 1):
        part = slice(history.indptr[user], history.indptr[user + 1])
        items, ages = history.items[part].tolist(), history.ages[part].tolist()
        moments = sorted(set(ages))
        users.append((len(moments), moments[0], moments[-1]) if moments else (0, math.nan, math.nan))
        for item in by_user.row(user)[0].tolist():
            mine = sorted({age for other, age in zip(items, ages, strict=True) if other == item})
            if not mine:
                pairs.append((0, math.nan, math.nan, 0, 0, 0))
                continue
            since, until = moments.index(mine[0]), moments.index(mine[-1]) + 1
            soon = sum(old - new <= soon_days for new, old in itertools.pairwise(mine))
            pairs.append((len(mine), mine[0], mine[-1], since, until, soon))
    return pairs, users
