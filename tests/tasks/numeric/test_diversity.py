"""Diversity of lists against the definition, pair by pair."""

from itertools import combinations

import numpy as np
import pytest
from holdouts import csr, lists

from tasks.numeric.diversity import list_diversity


def by_definition(row, sets, measure):
    values = []
    for a, b in combinations([item for item in row if item >= 0 and sets[item]], 2):
        shared = len(sets[a] & sets[b])
        size = len(sets[a] | sets[b]) if measure == "jaccard" else (len(sets[a]) * len(sets[b])) ** 0.5
        values.append(1 - shared / size)
    return np.mean(values) if values else np.nan


@pytest.mark.parametrize("measure", ["jaccard", "cosine"])
def test_list_diversity__is_the_mean_over_pairs(measure):
    rng = np.random.default_rng(3)
    sets = [set(rng.choice(9, size=rng.integers(0, 6), replace=False).tolist()) for _ in range(30)]
    rows = lists(rng, range(40), 30, 6)

    found = list_diversity(rows, csr(sets, 9), measure)

    np.testing.assert_allclose(found, [by_definition(row, sets, measure) for row in rows])
    assert np.isnan(found).any()


def test_list_diversity__of_items_that_are_alike_is_0_and_of_others_1():
    features = csr([[0, 1], [0, 1], [2]], 3)

    assert list_diversity(np.array([[0, 1], [1, 2]], np.int32), features, "jaccard").tolist() == [0.0, 1.0]
