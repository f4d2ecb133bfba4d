"""Why the blend puts an item on a list: the past items behind it and the signals that lift it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tasks.models import Reason
from tasks.models._blend import NEAR_FLOOR, PRIOR, TASTE_FLOOR, Blend, Codes
from tasks.numeric.reasons import strongest

Float64 = npt.NDArray[np.float64]

NAMED, SMALLEST = 2, 0.01
"""Signals that are named, and the least that one must add."""


def reasons(scorer: Blend, user_code: int, item_codes: Codes, taste: Float64, n: int) -> list[Reason]:
    """Reasons for some items on one user's list.

    Parameters
    ----------
    scorer
        The blend.
    user_code, item_codes
        The user, and the items (n_wanted,).
    taste
        float64 (n_wanted, n_past): what each past item adds to the score of the WALS part.
    n
        Past items per item at most.

    """
    past, strengths = scorer.past.row(user_code)
    had = set(past.tolist())
    voices = strongest(_voices(scorer, past, strengths, item_codes, taste), past, n)
    lifts = _lifts(scorer, user_code, had)
    found = []
    for place, item in enumerate(np.asarray(item_codes).tolist()):
        kind = "had before" if item in had else "new to the user"
        own = [(item, 1.0)] if item in had else voices[place]
        found.append(Reason(own, f"{kind}{_named(lifts[item], scorer.weights, scorer.names)}"))
    return found


def _voices(
    scorer: Blend, past: Codes, strengths: npt.NDArray[np.float32], items: Codes, taste: Float64
) -> Float64:
    """Slope of the score of new items along what each past item adds, times what it adds."""
    near = np.zeros_like(taste)
    for place, (item, strength) in enumerate(zip(past.tolist(), strengths.tolist(), strict=True)):
        targets, likeness = scorer.neighbours.row(item)
        of_item = np.zeros(scorer.shape[1])
        of_item[targets] = likeness
        near[:, place] = strength * of_item[items]
    weights = dict(zip(scorer.names, scorer.weights.tolist(), strict=True))
    return weights["new, taste"] * _relative(taste, TASTE_FLOOR) + weights["new, neighbours"] * _relative(
        near, NEAR_FLOOR
    )


def _relative(parts: Float64, floor: float) -> Float64:
    """Share of each part in ``sum + floor``: the slope of its logarithm; a sum below 0 counts as none."""
    total = parts.sum(axis=1, keepdims=True)
    return np.where(total > 0, parts / (np.maximum(total, 0.0) + floor), 0.0)


def _lifts(scorer: Blend, user_code: int, had: set[int]) -> Float64:
    """What each signal adds to each item's score, above the mean of the items of its kind.

    float64 (n_items, n_signals): items the user had are held against each other, and so are new ones.
    """
    n_items = scorer.shape[1]
    found = scorer.everything(np.array([user_code]))
    parts = np.empty((n_items, len(scorer.weights)))
    parts[found.items] = scorer.signals(found) * scorer.weights
    own = np.zeros(n_items, dtype=np.bool_)
    own[list(had)] = True
    for kind in (own, ~own):
        if kind.any():
            parts[kind] -= parts[kind].mean(axis=0)
    return parts


def _named(lift: Float64, weights: Float64, names: Sequence[str] = tuple(PRIOR)) -> str:
    """Name the signals that lift an item most; under a negative weight it is having less that lifts."""
    words = []
    for at in np.argsort(-lift, kind="stable")[:NAMED]:
        name = names[at].removeprefix("own, ").removeprefix("new, ")
        if lift[at] >= SMALLEST:
            words.append(f"{'less ' if weights[at] < 0 else ''}{name} +{lift[at]:.2f}")
    return f": {', '.join(words)}" if words else ""
