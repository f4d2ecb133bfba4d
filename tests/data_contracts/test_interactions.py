import numpy as np
import pytest
from scipy.sparse import coo_matrix, random_array

from data_contracts.interactions import Csr, GroupedMatrix, ItemTimeline


def test_from_csr__groups_both_ways_and_keeps_the_shape():
    dense = np.array([[1, 0, 2], [0, 0, 0], [0, 0, 3], [0, 0, 0]], dtype=np.float32)
    matrix = GroupedMatrix.from_csr(coo_matrix(dense))

    assert (matrix.n_users, matrix.n_items, matrix.nnz) == (4, 3, 3)
    np.testing.assert_array_equal(matrix.by_user.to_scipy().toarray(), dense)
    np.testing.assert_array_equal(matrix.by_item.to_scipy().toarray(), dense.T)


def test_from_csr__sums_duplicates_and_sorts_rows_without_touching_its_argument():
    given = coo_matrix((np.ones(3), ([0, 0, 0], [2, 1, 2])), shape=(1, 4)).tocsr()
    before = given.copy()
    matrix = GroupedMatrix.from_csr(given)

    assert matrix.by_user.indices.tolist() == [1, 2]
    assert matrix.by_user.values.tolist() == [1.0, 2.0]
    assert (given != before).nnz == 0


def test_from_csr__accepts_sparse_arrays_and_wide_types(rng):
    given = random_array((30, 20), density=0.2, rng=rng, dtype=np.float64)
    matrix = GroupedMatrix.from_csr(given)

    np.testing.assert_allclose(matrix.by_item.to_scipy().toarray(), given.toarray().T, rtol=1e-6)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (([0, 1], [0], [1.0, 2.0]), "values must match 1 indices; got 2"),
        (([0, 2], [0], [1.0]), "indptr must run from 0 to 1"),
        (([1, 1], [0], [1.0]), "indptr must run from 0 to 1"),
    ],
)
def test_csr__refuses_parts_that_do_not_fit(parts, words):
    indptr, indices, values = parts
    with pytest.raises(ValueError, match=words):
        Csr(np.array(indptr, np.int64), np.array(indices, np.int32), np.array(values, np.float32), 3)


def test_csr__refuses_other_dtypes():
    with pytest.raises(ValueError, match="indices must be int32; got int64"):
        Csr(np.zeros(2, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32), 1)


def test_grouped_matrix__refuses_views_that_are_no_transposes():
    one = GroupedMatrix.from_csr(coo_matrix(np.ones((2, 3), np.float32)))
    with pytest.raises(ValueError, match="are not transposes"):
        GroupedMatrix(one.by_user, one.by_user)


def test_item_events__halve_with_age():
    timeline = ItemTimeline(
        np.array([0, 2, 2, 3]), np.array([10, 0, 5], np.int32), np.array([4, 1, 8], np.float32)
    )

    assert timeline.decayed(None).tolist() == [5.0, 0.0, 8.0]
    assert timeline.decayed(5.0).tolist() == [2.0, 0.0, 4.0]
