"""How evenly lists show a catalogue."""

import numpy as np
import pytest

from tasks.report.concentration import concentration, gini


def slow_gini(counts):
    """Mean absolute difference of all pairs / twice the mean."""
    return np.abs(np.subtract.outer(counts, counts)).mean() / (2 * counts.mean())


def test_gini__is_half_the_relative_mean_difference(rng):
    counts = rng.integers(0, 50, 40)

    assert gini(counts) == pytest.approx(slow_gini(counts))
    assert gini(np.full(7, 3)) == pytest.approx(0)
    assert gini(np.zeros(3, np.int64)) == 0


def test_concentration__says_where_places_go():
    events, lists = np.array([10, 1, 1, 1, 1]), np.array([6, 1, 1, 0, 0])
    found = concentration(events, lists)

    assert (found.tail_lists, found.tail_events) == (2 / 8, 4 / 14)
    assert found.popularity_bias == pytest.approx((62 / 8) / (104 / 14))
    assert found.gini_lists == pytest.approx(slow_gini(lists))
