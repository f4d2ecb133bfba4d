"""Items that the same users take: for every item its nearest others.

G. Linden, B. Smith, J. York: Amazon.com Recommendations: Item-to-Item Collaborative Filtering, IEEE
Internet Computing 2003; the shrinkage of rare pairs follows R. Bell, Y. Koren, ICDM 2007.
"""

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.numeric.cooccurrence import Histories, best_companions
from tasks.numeric.transpose import transpose

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


def item_neighbours(matrix: GroupedMatrix, k: int, *, shrinkage: float = 3.0) -> Csr:
    """Similarity of every item to the k items that are most like it.

    The similarity of items i and j is ``s_ij / (sqrt(s_ii s_jj) + shrinkage)`` with
    ``s_ij = sum_u w_ui w_uj`` and ``w_ui = log(1 + value) / sqrt(1 + log(1 + items of u))``: a cosine in
    which a user with many items says a little less and a rare pair is trusted less.

    Parameters
    ----------
    matrix
        Users x items; time grows with the sum over users of the squared number of their items, of which
        :data:`tasks.numeric.cooccurrence.MOST_ITEMS` count.
    k
        Neighbours per item; ties go to the lower code.
    shrinkage
        How much weight in common a pair needs before it is believed.

    Returns
    -------
    Csr (n_items, n_items), rows sorted
        Row j, column i: how much having j speaks for i; each column has at most k entries.

    """
    damping = 1.0 / np.sqrt(1.0 + np.log1p(matrix.by_user.lengths()))
    weights = np.log1p(np.maximum(matrix.by_user.values, 0.0)) * np.repeat(damping, matrix.by_user.lengths())
    norms = np.sqrt(np.bincount(matrix.by_user.indices, weights=weights**2, minlength=matrix.n_items))
    histories = Histories.of(matrix.by_user, weights)
    return _by_source(*best_companions(histories, k, norms, shrinkage=shrinkage, cosine=False))


def _by_source(codes: Int32, values: Float64) -> Csr:
    """Turn "the neighbours of i" into "what j speaks for"."""
    there = codes >= 0
    n_items = len(codes)
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int64)
    by_target = Csr(indptr, codes[there], values[there].astype(np.float32), n_items)
    indices, data = np.empty(by_target.nnz, np.int32), np.empty(by_target.nnz, np.float32)
    return Csr(transpose(by_target, indices, data), indices, data, n_items)
