"""The reliability table: every place once, equal scores together, shares with their intervals."""

from itertools import pairwise

import numpy as np
import pytest

from tasks.numeric.calibration import reliability, wilson


def test_reliability__divides_all_places_by_their_scores():
    rng = np.random.default_rng(0)
    scores = rng.random(1000)
    hits = rng.random(1000) < scores

    bins = reliability(scores, hits)

    assert [each.places for each in bins] == [100] * 10
    assert all(before.high <= after.low for before, after in pairwise(bins))
    for each in bins:
        inside = (scores >= each.low) & (scores <= each.high)
        assert each.mean == pytest.approx(scores[inside].mean())
        assert each.hits.value == hits[inside].mean()


def test_reliability__keeps_equal_scores_together():
    scores = np.repeat([1.0, 2.0, 3.0], [50, 45, 5])

    bins = reliability(scores, scores == 3)

    assert [(each.low, each.high, each.places) for each in bins] == [(1, 1, 50), (2, 3, 50)]
    assert reliability(np.full(7, 2.0), np.zeros(7, bool))[0].places == 7
    assert reliability(np.array([]), np.array([], bool)) == []


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(10, 100, 0.0552, 0.1744), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)]
)
def test_wilson__has_the_published_bounds(hits, n, low, high):
    found = wilson(hits, n)

    assert (found.value, found.low, found.high) == pytest.approx((hits / n, low, high), abs=5e-5)
