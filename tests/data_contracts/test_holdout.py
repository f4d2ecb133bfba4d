import dataclasses

import numpy as np
import pytest
from holdouts import holdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_relevant": np.array([1], np.int32)}, "2 users and 1 baskets have lengths"),
        ({"items": np.array([1], np.int32)}, "does not end at the number of its items"),
        ({"n_relevant": np.array([1, 1], np.int32)}, "row 0 says n_relevant = 1; .* its 2 known items"),
        ({"n_relevant": np.array([2, 0], np.int32)}, "row 1 says n_relevant = 0; every row needs at least 1"),
    ],
)
def test_holdout__refuses_parts_that_do_not_fit(change, message):
    whole = holdout([3, -1], [[1, 2], [4]], [(0, [1])], n_items=5)

    with pytest.raises(ValueError, match=message):
        dataclasses.replace(whole, **change)
