"""How often places with a score were hits. Pure."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.evaluation import Interval

Z = 1.959963984540054
"""Of a 95 % interval."""


class Bin(NamedTuple):
    """Places with much the same score."""

    low: float
    high: float
    mean: float
    places: int
    hits: Interval


def reliability(scores: npt.NDArray[np.floating], hits: npt.NDArray[np.bool_], n_bins: int = 10) -> list[Bin]:
    """The reliability table of scores: bins of as many places each, and the share of hits in each.

    Parameters
    ----------
    scores, hits
        (n_places,): finite scores, and whether the item was taken.
    n_bins
        At most so many; equal scores are never divided, so that there may be fewer.

    Returns
    -------
    Lowest scores first; empty without places.

    """
    if not len(scores):
        return []
    order = np.argsort(scores, kind="stable")
    scores, hits = scores[order].astype(np.float64), hits[order]
    edges = scores[np.arange(1, n_bins) * len(scores) // n_bins]
    starts = np.unique(np.concatenate([[0], np.searchsorted(scores, edges, side="left")]))
    parts = zip(starts, [*starts[1:], len(scores)], strict=True)
    return [
        Bin(
            low=float(scores[first]),
            high=float(scores[end - 1]),
            mean=float(scores[first:end].mean()),
            places=int(end - first),
            hits=wilson(int(hits[first:end].sum()), int(end - first)),
        )
        for first, end in parts
    ]


def wilson(hits: int, n: int) -> Interval:
    """A share with its 95 % score interval (Wilson 1927)."""
    share, z2 = hits / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Interval(share, max(0.0, float(middle - half)), min(1.0, float(middle + half)))
