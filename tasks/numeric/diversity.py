"""How unlike the items of a list are. Pure."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.jit import jit

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


def list_diversity(lists: Int32, features: Csr, measure: Literal["jaccard", "cosine"]) -> Float64:
    """Mean dissimilarity of two items of each list, of those that have features.

    Smyth and McClave 2001 (*Similarity vs. diversity*, equation 2) take the mean over all pairs of 1 - similarity;
    Ziegler et al. 2005 have the same as intra-list similarity.

    Parameters
    ----------
    lists
        int32 (n_lists, k), padded with -1.
    features
        (n_items, n_features): what each item has, sorted by row; values are not read.
    measure
        Similarity of two sets of features: shared / all of both, or shared / root of the product of their sizes.

    Returns
    -------
    float64 (n_lists,), 0 to 1; nan for a list with less than two such items.

    """
    found = np.empty(len(lists), np.float64)
    _diversity(
        np.ascontiguousarray(lists, np.int32), features.indptr, features.indices, measure == "cosine", found
    )
    return found


@jit()
def _diversity(lists: Int32, starts: Int64, features: Int32, cosine: bool, found: Float64) -> None:
    for at in range(len(lists)):
        total, pairs = 0.0, 0
        for one in range(lists.shape[1]):
            a = lists[at, one]
            if a < 0 or starts[a] == starts[a + 1]:
                continue
            for other in range(one + 1, lists.shape[1]):
                b = lists[at, other]
                if b < 0 or starts[b] == starts[b + 1]:
                    continue
                here, there, shared = starts[a], starts[b], 0
                while here < starts[a + 1] and there < starts[b + 1]:
                    if features[here] == features[there]:
                        shared += 1
                        here += 1
                        there += 1
                    elif features[here] < features[there]:
                        here += 1
                    else:
                        there += 1
                n_a, n_b = starts[a + 1] - starts[a], starts[b + 1] - starts[b]
                size = np.sqrt(np.float64(n_a) * n_b) if cosine else np.float64(n_a + n_b - shared)
                total += 1.0 - shared / size
                pairs += 1
        found[at] = total / pairs if pairs else np.nan
