"""Which items the same users have: for every item its best others, at a cost of entries x length of histories.

No row of items x items is ever made: what two items have in common is added up for the items that one item
meets, and a bounded heap keeps the best of those.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.best import is_worse, replace_worst, sort_best
from tasks.numeric.csr import row_blocks
from tasks.numeric.jit import jit
from tasks.numeric.parallel import for_each_block
from tasks.numeric.transpose import transposed

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

MOST_ITEMS: Final = 2_000
"""Items of one user that count: of longer histories a sample does, the same one in every run. A robot's or
a reseller's history would cost its square and say little."""

_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
"""2^64 / golden ratio: multiplying by it scatters codes evenly (D. Knuth, TAOCP vol. 3, 6.4)."""


@dataclass(frozen=True, eq=False)
class Histories:
    """Users x items both ways with a weight per entry, long rows cut down.

    Parameters
    ----------
    by_user, by_item
        (n_users, n_items) and its transpose; their values are the weights.

    """

    by_user: Csr
    by_item: Csr

    @classmethod
    def of(cls, by_user: Csr, weights: npt.NDArray[np.floating]) -> "Histories":
        """Weigh the entries of `by_user`, and sample rows of more than :data:`MOST_ITEMS` items."""
        rows = Csr(by_user.indptr, by_user.indices, weights.astype(np.float32), by_user.n_cols)
        if rows.nnz and rows.lengths().max() > MOST_ITEMS:
            rows = _sampled(rows)
        return cls(rows, transposed(rows))


def best_companions(
    histories: Histories, k: int, scale: Float64, *, shrinkage: float, cosine: bool
) -> tuple[Int32, Float64]:
    """For each item the k others with the largest ``common / (scale_i scale_j + shrinkage)``.

    Parameters
    ----------
    histories
        ``common`` is the sum over users of the product of two items' weights.
    k
        Length of the lists, 1 or more; ties go to the lower code.
    scale
        float64 (n_items,), > 0 where an item has entries.
    shrinkage
        Of the quotient.
    cosine
        Divide by one scale after the other in float32, without shrinkage: the figures that similar items
        are published with.

    Returns
    -------
    int32 codes padded with -1 and float64 values padded with -inf, (n_items, k)

    """
    n_items = histories.by_item.shape[0]
    codes = np.full((n_items, k), -1, dtype=np.int32)
    values = np.full((n_items, k), -np.inf)
    by_item, by_user = histories.by_item, histories.by_user
    bounds = row_blocks(by_item.indptr)

    def work(block: int) -> None:
        rows = slice(int(bounds[block]), int(bounds[block + 1]))
        _best_companions(
            rows.start,
            rows.stop,
            (by_item.indptr, by_item.indices, by_item.values),
            (by_user.indptr, by_user.indices, by_user.values),
            scale,
            shrinkage,
            cosine,
            codes,
            values,
        )
        sort_best(values[rows], codes[rows])

    for_each_block(work, len(bounds) - 1)
    return codes, values


def _sampled(rows: Csr) -> Csr:
    """Rows cut to MOST_ITEMS entries: those whose scattered codes are smallest."""
    kept = np.ones(rows.nnz, dtype=np.bool_)
    for row in np.flatnonzero(rows.lengths() > MOST_ITEMS).tolist():
        part = slice(int(rows.indptr[row]), int(rows.indptr[row + 1]))
        order = np.argsort((rows.indices[part].astype(np.uint64) + np.uint64(1)) * _MIX)
        kept[part] = False
        kept[part.start + order[:MOST_ITEMS]] = True
    owner = np.repeat(np.arange(rows.shape[0]), rows.lengths())
    lengths = np.bincount(owner[kept], minlength=rows.shape[0])
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Csr(indptr, rows.indices[kept], rows.values[kept], rows.n_cols)


@jit()
def _best_companions(
    first: int,
    last: int,
    by_item: Any,
    by_user: Any,
    scale: Float64,
    shrinkage: float,
    cosine: bool,
    codes: Int32,
    values: Float64,
) -> None:
    """Fill the heaps of the items from `first` to before `last`."""
    item_starts, users, item_weights = by_item
    user_starts, items, user_weights = by_user
    common = np.zeros(len(scale))
    touched = np.empty(len(scale), np.int32)
    for item in range(first, last):
        n_touched = 0
        for at in range(item_starts[item], item_starts[item + 1]):
            user, weight = users[at], np.float64(item_weights[at])
            for place in range(user_starts[user], user_starts[user + 1]):
                added = weight * user_weights[place]
                other = items[place]
                if added == 0.0 or other == item:
                    continue
                if common[other] == 0.0:
                    touched[n_touched] = other
                    n_touched += 1
                common[other] += added
        for place in range(n_touched):
            other = touched[place]
            if cosine:
                narrow = np.float32(common[other]) / np.float32(scale[item]) / np.float32(scale[other])
                value = np.float64(narrow)
            else:
                value = common[other] / (scale[item] * scale[other] + shrinkage)
            common[other] = 0.0
            if is_worse(values[item, 0], codes[item, 0], value, other):
                replace_worst(values[item], codes[item], value, other)
