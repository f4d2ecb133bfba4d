"""How evenly lists show a catalogue. Pure."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

TAIL = 0.8
"""Share of the items, those with the fewest events, that is called the long tail (Anderson 2006 has it beyond the head of a fifth)."""


class Concentration(NamedTuple):
    """How published lists are spread over items."""

    gini_lists: float
    """Gini coefficient of places per item: 0 where every item has as many, near 1 where one has all."""
    gini_events: float
    """The same of events, for comparison."""
    tail_lists: float
    """Share of the places that goes to the long tail."""
    tail_events: float
    """Share of the events that does."""
    popularity_bias: float
    """Mean events of an item shown / mean events of an item that was taken: above 1, lists are more of the same
    bestsellers than what people take by themselves (average recommendation popularity, Abdollahpouri et al. 2019)."""


def concentration(events: npt.NDArray[np.int64], lists: npt.NDArray[np.int64]) -> Concentration:
    """Spread of places over items.

    Parameters
    ----------
    events, lists
        Per item, int64 (n_items,): its events, and the lists that show it.

    """
    order = np.argsort(events, kind="stable")
    tail = order[: int(TAIL * len(order))]
    weight = events.astype(np.float64)
    return Concentration(
        gini(lists),
        gini(events),
        _share(lists[tail].sum(), lists.sum()),
        _share(events[tail].sum(), events.sum()),
        _share(_share((weight * lists).sum(), lists.sum()), _share((weight * weight).sum(), weight.sum())),
    )


def gini(counts: npt.NDArray[np.int64]) -> float:
    """Gini coefficient of non-negative numbers, (n,); 0 of none, or where all are 0 (Gini 1912)."""
    ordered = np.sort(counts.astype(np.float64))
    total, n = ordered.sum(), len(ordered)
    if not total:
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else 0.0
