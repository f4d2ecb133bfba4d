"""One side of a WALS problem: the users to solve for, or the items."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.numeric.csr import (
    Weighting,
    check_finite,
    check_weights,
    row_blocks,
    transpose_order,
    value_weights,
)

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Weights = npt.NDArray[np.floating]


def _nowhere() -> Float32:
    return np.empty((0, 0), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Side:
    """The rows to solve for, while the factors of the columns stay fixed.

    Parameters
    ----------
    rows
        Csr (n_rows, n_cols); its values are not used.
    extra
        float32 (n_entries,): weight of each observed entry above `unobserved_weight`.
    targets
        float32 (n_entries,), or empty where every target is 1.
    regularization
        float32 (n_rows,): weight of each factor row's squared length.
    unobserved_weight
        Weight of every entry that was not observed.
    prior
        float32 (n_rows, n_factors): where regularization pulls each factor row; empty where that is 0.

    """

    rows: Csr
    extra: Float32
    targets: Float32
    regularization: Float32
    unobserved_weight: float
    prior: Float32 = field(default_factory=_nowhere)

    @cached_property
    def blocks(self) -> Int64:
        """Bounds of the blocks of rows that threads take."""
        return row_blocks(self.rows.indptr)

    @cached_property
    def arrays(self) -> tuple[Int64, Int32, Float32, Float32, Float32, np.float32]:
        """What every kernel starts with: indptr, indices, and the other fields in their order, but for `prior`."""
        return (
            read_only(self.rows.indptr),
            read_only(self.rows.indices),
            read_only(self.extra),
            read_only(self.targets),
            read_only(self.regularization),
            np.float32(self.unobserved_weight),
        )


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view that cannot be written to, of an array in memory as of a memory map.

    Read-only arrays are a type of their own to numba: with this, a kernel is compiled once for both.
    """
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


class Terms(NamedTuple):
    """What the objective asks for, beside the matrix."""

    weighting: Weighting
    """How an entry's value becomes its weight above `unobserved_weight`."""
    explicit: bool
    """Whether targets are the values; else they are 1."""
    unobserved_weight: float
    """Weight of what was not observed."""
    regularization: float
    """Regularization before the exponent."""
    exponent: float
    """How regularization grows with the entries of a row."""


class GivenWeights(NamedTuple):
    """Weights that came with the matrix; None stands for 1."""

    rows: Weights | None = None
    """(n_users,)."""
    cols: Weights | None = None
    """(n_items,)."""
    entries: Weights | None = None
    """(n_entries,) in the order of `by_user`: instead of what the values say."""


def both_sides(matrix: GroupedMatrix, terms: Terms, given: GivenWeights) -> tuple[Side, Side]:
    """Users to solve for, and items to solve for.

    Raises
    ------
    ValueError
        If a value or weight is NaN, infinite or negative, or an array has another length.

    """
    check_finite("matrix values", matrix.by_user.values)
    users = check_weights("row_weights", given.rows, matrix.n_users)
    items = check_weights("col_weights", given.cols, matrix.n_items)
    entries = check_weights("entry_weights", given.entries, matrix.nnz)
    turned = None if entries is None else entries[transpose_order(matrix.by_user)]
    return (
        one_side(matrix.by_user, terms, entries, users, items),
        one_side(matrix.by_item, terms, turned, items, users),
    )


def one_side(
    rows: Csr,
    terms: Terms,
    entries: Float32 | None = None,
    own: Float32 | None = None,
    others: Float32 | None = None,
) -> Side:
    """One side, of checked values; `own` weighs its rows, `others` its columns."""
    extra = value_weights(rows.values, terms.weighting) if entries is None else entries
    if own is not None:
        extra = extra * np.repeat(own, rows.lengths())
    if others is not None:
        extra = extra * others[rows.indices]
    return Side(
        rows,
        extra,
        rows.values if terms.explicit else np.empty(0, dtype=np.float32),
        pulls(rows.lengths(), rows.n_cols, terms),
        terms.unobserved_weight,
    )


def pulls(lengths: Int64, n_cols: int, terms: Terms) -> Float32:
    """Regularization of rows of so many entries, float32 (n_rows,).

    S. Rendle et al.: Revisiting the Performance of iALS on Item Recommendation Benchmarks, 2022, eq. 5.
    """
    size = lengths + terms.unobserved_weight * n_cols
    return (terms.regularization * size**terms.exponent).astype(np.float32)
