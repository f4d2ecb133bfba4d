"""Items that go with an item, by the users who have both: for models without an opinion of their own."""

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import GroupedMatrix
from tasks.numeric.cooccurrence import Histories, best_companions


def similar_by_users(matrix: GroupedMatrix, k: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """The k items most like each item by the cosine of the sets of users who have them.

    Parameters
    ----------
    matrix
        (n_users, n_items).
    k
        At most so many; lists are padded with -1.

    Returns
    -------
    int32 codes and float32 cosines, each (n_items, k); ties go to the lower code. The item itself is not on
    its list; an item without any similar one has an empty list.

    """
    lengths = np.maximum(np.sqrt(matrix.by_item.lengths()), 1.0)
    histories = Histories.of(matrix.by_user, np.ones(matrix.nnz))
    codes, values = best_companions(histories, k, lengths, shrinkage=0.0, cosine=True)
    return codes, values.astype(np.float32)
