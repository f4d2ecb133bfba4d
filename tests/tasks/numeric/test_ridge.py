import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tasks.numeric import ridge as module
from tasks.numeric.ridge import ridge


@pytest.mark.parametrize("n_rows", [60, 9])
def test_ridge__equals_the_dense_solution(rng, n_rows):
    features = rng.normal(size=(n_rows, 25)) * (rng.random((n_rows, 25)) < 0.3)
    targets = rng.normal(size=(n_rows, module.TARGETS + 3)).astype(np.float32)
    weights = rng.random(n_rows) * (rng.random(n_rows) < 0.8)

    found = ridge(csr_matrix(features.astype(np.float32)), targets, weights, 0.5)

    left = (features.T * weights) @ features + 0.5 * np.eye(25)
    expected = np.linalg.solve(left, (features.T * weights) @ targets)
    assert found == pytest.approx(expected, abs=2e-4)


def test_ridge__a_feature_that_no_row_has_says_nothing():
    features = csr_matrix(np.float32([[1, 0], [1, 0]]))

    found = ridge(features, np.float32([[2], [2]]), np.ones(2), 1e-6)

    assert found[:, 0] == pytest.approx([2, 0], abs=1e-5)


def test_ridge__targets_of_zero_give_zero():
    assert not ridge(
        csr_matrix(np.eye(3, dtype=np.float32)), np.zeros((3, 2), np.float32), np.ones(3), 1.0
    ).any()
