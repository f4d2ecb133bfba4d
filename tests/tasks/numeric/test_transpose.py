import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import random_array

from data_contracts.interactions import GroupedMatrix
from tasks.numeric.inspection import inspect
from tasks.numeric.transpose import transpose


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 99))
def test_transpose__equals_scipy(n_rows, n_cols, density, seed):
    given_matrix = random_array(
        (n_rows, n_cols), density=density, rng=np.random.default_rng(seed), dtype=np.float32
    )
    matrix = GroupedMatrix.from_csr(given_matrix)
    indices, values = np.empty(matrix.nnz, np.int32), np.empty(matrix.nnz, np.float32)
    indptr = transpose(matrix.by_user, indices, values)

    np.testing.assert_array_equal(indptr, matrix.by_item.indptr)
    np.testing.assert_array_equal(indices, matrix.by_item.indices)
    np.testing.assert_array_equal(values, matrix.by_item.values)


def test_transpose__refuses_outputs_of_another_length():
    matrix = GroupedMatrix.from_csr(random_array((3, 3), density=1.0)).by_user
    with pytest.raises(ValueError, match="outputs must have 9 entries; got 8 and 9"):
        transpose(matrix, np.empty(8, np.int32), np.empty(9, np.float32))


def test_inspect__counts_every_kind_of_fault():
    good = GroupedMatrix.from_csr(random_array((20, 10), density=0.5, rng=np.random.default_rng(1))).by_user
    found = inspect(good)
    assert (found.falling_indptr, found.unsorted, found.repeated, found.bad_values) == (0, 0, 0, 0)
    assert (found.min_index, found.max_index) == (good.indices.min(), good.indices.max())
    assert found.weight_sum == pytest.approx(good.values.sum(dtype=np.float64))

    row = int(np.argmax(good.lengths() >= 4))
    start = good.indptr[row]
    good.indices[start + 1] = good.indices[start]
    good.indices[start + 3] = 0
    good.values[start : start + 3] = [np.nan, np.inf, 0.0]
    found = inspect(good)
    assert (found.unsorted, found.repeated, found.bad_values, found.low_values) == (1, 1, 2, 1)
