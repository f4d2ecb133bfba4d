import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from tasks.numeric.csr import (
    BLOCK_ENTRIES,
    BLOCK_ROWS,
    check_finite,
    check_matrix,
    check_weights,
    row_blocks,
    transpose_order,
    value_weights,
)


def test_check_matrix__names_a_matrix_without_entries():
    empty = GroupedMatrix.from_csr(csr_matrix((3, 4), dtype=np.float32))
    with pytest.raises(ValueError, match="matrix of 3 users x 4 items has no entries"):
        check_matrix(empty)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_check_finite__names_the_first_bad_value(bad):
    with pytest.raises(ValueError, match=rf"prices must be finite; 2 of 4 are not, first {bad} at 1"):
        check_finite("prices", np.array([1, bad, 2, -bad], dtype=np.float32))


def test_check_finite__accepts_sums_beyond_float32():
    check_finite("prices", np.full(10, np.finfo(np.float32).max))


def test_check_weights__names_wrong_length_and_negative_value():
    with pytest.raises(ValueError, match=r"row_weights must have shape \(3,\); got \(2,\)"):
        check_weights("row_weights", np.ones(2), 3)
    with pytest.raises(ValueError, match=r"row_weights must be >= 0; got -0\.5 at 1"):
        check_weights("row_weights", np.array([1, -0.5, 0]), 3)
    assert check_weights("row_weights", None, 3) is None


def test_value_weights__follow_the_weighting():
    values = np.array([0, 1, 3], dtype=np.float32)

    assert value_weights(values, "binary").tolist() == [1, 1, 1]
    assert value_weights(values, "count").tolist() == [0, 1, 3]
    assert value_weights(values, "log") == pytest.approx(np.log([1, 2, 4]))


def test_value_weights__refuse_negative_counts_but_not_negative_ratings():
    values = np.array([2, -1], dtype=np.float32)

    with pytest.raises(ValueError, match=r"matrix values under weighting='log' must be >= 0; got -1\.0 at 1"):
        value_weights(values, "log")
    assert value_weights(values, "binary").tolist() == [1, 1]


def test_transpose_order__lists_the_entries_as_the_transpose_does():
    dense = np.array([[0, 1, 2], [3, 0, 0], [4, 5, 0]], dtype=np.float32)
    matrix = GroupedMatrix.from_csr(csr_matrix(dense))

    order = transpose_order(matrix.by_user)

    assert matrix.by_user.values[order].tolist() == matrix.by_item.values.tolist()


@given(
    st.lists(st.sampled_from([0, 0, 1, 7, BLOCK_ENTRIES // 3, 3 * BLOCK_ENTRIES]), min_size=1, max_size=60)
)
def test_row_blocks__cover_all_rows_once_and_bound_the_work(lengths):
    indptr = np.r_[0, np.cumsum(lengths)].astype(np.int64)

    bounds = row_blocks(indptr)

    assert bounds[0] == 0
    assert bounds[-1] == len(lengths)
    assert (np.diff(bounds) > 0).all()
    # A block exceeds the target by one row at most.
    assert (np.diff(indptr[bounds]) <= 2 * BLOCK_ENTRIES + max(lengths)).all()


def test_row_blocks__cut_many_empty_rows_too():
    bounds = row_blocks(np.zeros(10 * BLOCK_ROWS + 1, dtype=np.int64))

    assert np.diff(bounds).max() <= BLOCK_ROWS + 1
