"""Items that the same users take: for every item its nearest others, and scores of users from them.

G. Linden, B. Smith, J. York: Amazon.com Recommendations: Item-to-Item Collaborative Filtering, IEEE
Internet Computing 2003; the shrinkage of rare pairs follows R. Bell, Y. Koren, ICDM 2007.
"""

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.numeric.csr import row_blocks
from tasks.numeric.jit import jit
from tasks.numeric.parallel import for_each_block
from tasks.numeric.transpose import transpose

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


def item_neighbours(matrix: GroupedMatrix, k: int, *, shrinkage: float = 3.0) -> Csr:
    """Similarity of every item to the k items that are most like it.

    The similarity of items i and j is ``s_ij / (sqrt(s_ii s_jj) + shrinkage)`` with
    ``s_ij = sum_u w_ui w_uj`` and ``w_ui = log(1 + value) / sqrt(1 + log(1 + items of u))``: a cosine in
    which a user with many items says a little less and a rare pair is trusted less.

    Parameters
    ----------
    matrix
        Users x items; time grows with the sum over users of the squared number of their items.
    k
        Neighbours per item; ties go to the lower code.
    shrinkage
        How much weight in common a pair needs before it is believed.

    Returns
    -------
    Csr (n_items, n_items), rows sorted
        Row j, column i: how much having j speaks for i; each column has at most k entries.

    """
    lengths = matrix.by_user.lengths()
    damping = 1.0 / np.sqrt(1.0 + np.log1p(lengths))
    weights = np.log1p(np.maximum(matrix.by_user.values, 0.0)) * np.repeat(damping, lengths)
    weights_by_item = np.log1p(np.maximum(matrix.by_item.values, 0.0)) * damping[matrix.by_item.indices]
    norms = np.sqrt(np.bincount(matrix.by_user.indices, weights=weights**2, minlength=matrix.n_items))
    codes = np.full((matrix.n_items, k), -1, dtype=np.int32)
    values = np.zeros((matrix.n_items, k), dtype=np.float32)
    bounds = row_blocks(matrix.by_item.indptr)

    def work(block: int) -> None:
        _nearest(
            int(bounds[block]),
            int(bounds[block + 1]),
            (matrix.by_item.indptr, matrix.by_item.indices, weights_by_item),
            (matrix.by_user.indptr, matrix.by_user.indices, weights),
            norms,
            shrinkage,
            codes,
            values,
        )

    for_each_block(work, len(bounds) - 1)
    return _by_source(codes, values)


def _by_source(codes: Int32, values: Float32) -> Csr:
    """Turn "the neighbours of i" into "what j speaks for"."""
    there = codes >= 0
    n_items = len(codes)
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int64)
    by_target = Csr(indptr, codes[there], values[there], n_items)
    indices, data = np.empty(by_target.nnz, np.int32), np.empty(by_target.nnz, np.float32)
    return Csr(transpose(by_target, indices, data), indices, data, n_items)


def neighbour_scores(past: Csr, neighbours: Csr, user_codes: npt.NDArray[np.integer]) -> Float32:
    """Sum over a user's past items of their strength times their similarity to each item.

    Parameters
    ----------
    past
        (n_users, n_items): strength of each past item.
    neighbours
        What :func:`item_neighbours` returns.
    user_codes
        Users to score.

    Returns
    -------
    float32 (len(user_codes), n_items), mostly 0

    """
    scores = np.zeros((len(user_codes), past.n_cols), dtype=np.float32)
    _add_neighbours(
        np.asarray(user_codes, dtype=np.int64),
        past.indptr,
        past.indices,
        past.values,
        neighbours.indptr,
        neighbours.indices,
        neighbours.values,
        scores,
    )
    return scores


@jit()
def _nearest(
    first: int,
    last: int,
    by_item: tuple[Int64, Int32, npt.NDArray[np.float64]],
    by_user: tuple[Int64, Int32, npt.NDArray[np.float64]],
    norms: npt.NDArray[np.float64],
    shrinkage: float,
    codes: Int32,
    values: Float32,
) -> None:
    """Neighbours of the items from `first` to before `last`."""
    item_starts, users, item_weights = by_item
    user_starts, items, user_weights = by_user
    k = codes.shape[1]
    common = np.zeros(len(codes))
    for item in range(first, last):
        for at in range(item_starts[item], item_starts[item + 1]):
            user = users[at]
            for other in range(user_starts[user], user_starts[user + 1]):
                common[items[other]] += item_weights[at] * user_weights[other]
        common[item] = 0.0
        touched = np.flatnonzero(common)
        likeness = common[touched] / (norms[item] * norms[touched] + shrinkage)
        if len(touched) > k:
            least = np.partition(likeness, len(likeness) - k)[len(likeness) - k]
            best = np.flatnonzero(likeness >= least)
        else:
            best = np.arange(len(touched))
        # A stable sort of rising codes: equal likeness leaves the lower code first.
        order = best[np.argsort(-likeness[best], kind="mergesort")][:k]
        for place in range(len(order)):
            codes[item, place] = touched[order[place]]
            values[item, place] = likeness[order[place]]
        common[touched] = 0.0


@jit()
def _add_neighbours(
    user_codes: Int64,
    past_indptr: Int64,
    past_items: Int32,
    strengths: Float32,
    indptr: Int64,
    indices: Int32,
    values: Float32,
    scores: Float32,
) -> None:
    for row in range(len(user_codes)):
        user = user_codes[row]
        for at in range(past_indptr[user], past_indptr[user + 1]):
            item = past_items[at]
            for place in range(indptr[item], indptr[item + 1]):
                scores[row, indices[place]] += strengths[at] * values[place]
