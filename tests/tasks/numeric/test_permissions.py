import numpy as np
import pytest
from holdouts import csr

from tasks.numeric.permissions import both, columns_of


@pytest.mark.parametrize(
    ("one", "other", "expected"), [(None, None, None), ([1, 0], None, [1, 0]), ([1, 0], [1, 1], [1, 0])]
)
def test_both__none_allows_all(one, other, expected):
    masks = (None if each is None else np.array(each, np.bool_) for each in (one, other))

    found = both(*masks)

    assert found is expected if expected is None else found.tolist() == [bool(each) for each in expected]


def test_columns_of__keeps_the_rows():
    kept = columns_of(csr([[0, 2], [1], [2]], 3), np.array([False, True, True]))

    assert [kept.row(at)[0].tolist() for at in range(3)] == [[2], [1], [2]]
