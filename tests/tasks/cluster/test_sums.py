"""Sums over blocks are the same bytes, whoever adds which blocks."""

from itertools import pairwise

import numpy as np
import pytest

from tasks.cluster.sums import TreeSum, total


def _of_groups(arrays, bounds):
    groups = []
    for first, last in pairwise(bounds):
        tree = TreeSum()
        for number in range(first, last):
            tree.add((0, number), arrays[number].copy())
        groups.append((tree.nodes(), tree.stacked()))
    return groups


@pytest.mark.parametrize("n", [1, 2, 3, 6, 8, 13])
def test_total__is_the_same_for_any_division_of_the_blocks(rng, n):
    arrays = [rng.normal(size=(3, 2)).astype(np.float32) * 10.0 ** rng.integers(-3, 3) for _ in range(n)]
    arrays = [array.astype(np.float32) for array in arrays]
    one = total(_of_groups(arrays, [0, n]))
    assert np.allclose(one, np.sum(arrays, axis=0), rtol=1e-4, atol=1e-4)
    for cut in range(1, n):
        assert total(_of_groups(arrays, [0, cut, n])).tobytes() == one.tobytes()
    assert total(_of_groups(arrays, range(n + 1))).tobytes() == one.tobytes()


def test_tree_sum__of_half_of_the_blocks_is_one_array():
    tree = TreeSum()
    for number in range(4, 8):
        tree.add((0, number), np.full(2, float(number)))
    assert tree.nodes() == ((2, 1),)
    assert tree.stacked().tolist() == [[22.0, 22.0]]
