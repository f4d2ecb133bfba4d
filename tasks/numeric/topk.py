"""Exact top-K: the best k candidates of every query, for factors and for dense blocks of scores.

A score is the dot product plus bias, summed in float64 in one fixed order and rounded to float32. BLAS
finds the few candidates that can matter (its rounding error has a bound), and only they are scored that
way. So lists and scores are the same bytes whatever the blocks, the threads, the BLAS and the direction
(users to items or items to users), and equal scores are equal: ties go to the lower code.
"""

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.best import keep_best, sort_best
from tasks.numeric.catalogue import BLOCK_ROWS, Catalogue, Lists, as_factors
from tasks.numeric.exclusion import check_exclude, check_k, denied_mask
from tasks.numeric.parallel import for_each_block


def top_k(
    user_factors: npt.ArrayLike,
    item_factors: npt.ArrayLike,
    k: int,
    *,
    item_bias: npt.ArrayLike | None = None,
    exclude: Csr | None = None,
    deny: npt.ArrayLike | None = None,
) -> Lists:
    """Best k items of every user, best first.

    Parameters
    ----------
    user_factors
        float32 (n_rows, n_factors); other dtypes are converted.
    item_factors
        float32 (n_items, n_factors).
    k
        Length of the lists, 1 to n_items.
    item_bias
        float32 (n_items,), added to the scores.
    exclude
        (n_rows, n_items): row j holds the item codes that row j of `user_factors` must not get.
    deny
        Items nobody may get: a bool mask (n_items,) or their codes.

    Returns
    -------
    items, scores
        int32 and float32 (n_rows, k). Rows with fewer than k allowed items end in -1 and -inf.

    Raises
    ------
    ValueError
        If shapes do not fit, k is out of range, a number is not finite, products of the factors overflow
        float32, or a row of `exclude` does not rise.

    Examples
    --------
    >>> import numpy as np
    >>> items, scores = top_k(np.float32([[1.0]]), np.float32([[2.0], [3.0], [3.0]]), k=2)
    >>> items
    array([[1, 2]], dtype=int32)

    """
    catalogue = Catalogue.of(item_factors, item_bias, deny)
    return catalogue.best(as_factors("user_factors", user_factors), k, exclude=exclude)


def select_top_k(
    scores: npt.NDArray[np.floating],
    k: int,
    *,
    exclude: Csr | None = None,
    deny: npt.ArrayLike | None = None,
) -> Lists:
    """Best k columns of every row of a dense block, best first, ties by the lower column.

    Parameters
    ----------
    scores
        (n_rows, n_items), float32 or float64; compared in its own precision. -inf means never.
    k, exclude, deny
        As for :func:`top_k`.

    Returns
    -------
    items, scores
        As for :func:`top_k`.

    Raises
    ------
    ValueError
        If a score is NaN, k is out of range, or `exclude` does not fit.

    """
    n_rows, n_items = scores.shape
    check_k(k, n_items)
    indptr, indices = check_exclude(exclude, scores.shape)
    denied = denied_mask(deny, n_items)
    dtype = np.float32 if scores.dtype == np.float32 else np.float64
    best_scores = np.full((n_rows, k), -np.inf, dtype=dtype)
    best_codes = np.full((n_rows, k), -1, dtype=np.int32)

    def work(block: int) -> None:
        part = slice(block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, n_rows))
        # A copy only where the block is a broadcast view or of another dtype.
        rows = np.ascontiguousarray(scores[part], dtype=dtype)
        starts = indptr[part.start : part.stop + 1]
        if not keep_best(rows, starts, indices, denied, best_scores[part], best_codes[part]):
            raise ValueError(
                f"scores of rows {part.start} to {part.stop - 1} hold NaN; every score must be a number"
            )
        sort_best(best_scores[part], best_codes[part])

    for_each_block(work, -(-n_rows // BLOCK_ROWS))
    return best_codes, best_scores.astype(np.float32, copy=False)
