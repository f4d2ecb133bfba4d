import numpy as np
import pytest
import slow_blend
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from tasks.numeric.neighbours import item_neighbours


def _rows(seed, n_users=25, n_items=15):
    rng = np.random.default_rng(seed)
    return [
        {
            int(item): float(rng.integers(1, 4))
            for item in rng.choice(n_items, rng.integers(0, 8), replace=False)
        }
        for _ in range(n_users)
    ]


def _matrix(rows, n_items):
    dense = np.zeros((len(rows), n_items))
    for user, row in enumerate(rows):
        for item, value in row.items():
            dense[user, item] = value
    return GroupedMatrix.from_csr(csr_matrix(dense))


@pytest.mark.parametrize(("seed", "k"), [(0, 3), (1, 1), (2, 14), (3, 40)])
def test_item_neighbours__equal_the_slow_reference(seed, k):
    rows = _rows(seed)

    found = item_neighbours(_matrix(rows, 15), k, shrinkage=0.5)

    expected = slow_blend.item_neighbours(rows, 15, k, 0.5)
    np.testing.assert_allclose(found.to_scipy().toarray(), expected, rtol=1e-5)
    assert all((np.diff(found.row(item)[0]) > 0).all() for item in range(15))


def test_item_neighbours__give_equal_ones_to_the_lower_code():
    """Items 1, 2 and 3 go with item 0 equally often."""
    rows = [{0: 1.0, other: 1.0} for other in (3, 2, 1)]

    found = item_neighbours(_matrix(rows, 4), 2).to_scipy().toarray()

    assert np.flatnonzero(found[:, 0]).tolist() == [1, 2]


def test_item_neighbours__trust_a_rare_pair_less():
    """Items 0 and 1 always go together, but once; 2 and 3 nine times of ten."""
    rows = [{0: 1.0, 1: 1.0}, *[{2: 1.0, 3: 1.0}] * 9, {2: 1.0}, {3: 1.0}]

    found = item_neighbours(_matrix(rows, 4), 3, shrinkage=3.0).to_scipy()

    assert found[0, 1] < found[2, 3]
