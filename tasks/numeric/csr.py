"""What the solvers ask of compressed sparse rows: checked values, entry weights, blocks of rows."""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr, GroupedMatrix

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
Weighting = Literal["binary", "count", "log"]

BLOCK_ENTRIES = 1 << 16
"""Entries in a block of rows: some milliseconds of work, so that threads end at about the same time."""

BLOCK_ROWS = 1 << 11
"""Rows in a block at most, where many rows are short or empty."""


def ranges(starts: npt.NDArray[np.integer], lengths: npt.NDArray[np.integer]) -> Int64:
    """Places ``starts[r] : starts[r] + lengths[r]`` of some rows, one row after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def check_matrix(matrix: GroupedMatrix) -> None:
    """Refuse what no model can learn from.

    Raises
    ------
    ValueError
        If the matrix has no entries, or a value that is NaN or infinite.

    """
    if matrix.nnz == 0:
        raise ValueError(
            f"matrix of {matrix.n_users} users x {matrix.n_items} items has no entries; expected at least 1"
        )
    check_finite("matrix values", matrix.by_user.values)


def check_finite(name: str, values: npt.NDArray[np.floating]) -> None:
    """Raise ValueError, naming the first bad position, unless all `values` are finite."""
    # The sum of finite float32 in float64 is finite: one pass without a temporary.
    with np.errstate(invalid="ignore"):
        if math.isfinite(float(np.sum(values, dtype=np.float64))):
            return
    bad = np.flatnonzero(~np.isfinite(values))
    raise ValueError(
        f"{name} must be finite; {len(bad)} of {len(values)} are not, first {values[bad[0]]} at {bad[0]}"
    )


def check_not_negative(name: str, values: npt.NDArray[np.floating]) -> None:
    """Raise ValueError, naming the smallest value, if one of the `values` is below 0."""
    if len(values) and (lowest := values.min()) < 0:
        raise ValueError(f"{name} must be >= 0; got {lowest} at {int(values.argmin())}")


def check_weights(name: str, weights: npt.NDArray[np.floating] | None, length: int) -> Float32 | None:
    """Weights as float32 (length,), or None for none; ValueError names what is wrong with them."""
    if weights is None:
        return None
    array = np.asarray(weights, dtype=np.float32)
    if array.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},); got {array.shape}")
    check_finite(name, array)
    check_not_negative(name, array)
    return array


def value_weights(values: Float32, weighting: Weighting) -> Float32:
    """Weight of each entry, float32 (n_entries,): 1, the value, or log(1 + value)."""
    if weighting == "binary":
        return np.ones(len(values), dtype=np.float32)
    check_not_negative(f"matrix values under weighting={weighting!r}", values)
    return np.log1p(values) if weighting == "log" else np.asarray(values, dtype=np.float32)


def weighed(rows: Csr, weighting: Weighting) -> Csr:
    """The same entries with their weights; see :func:`value_weights`."""
    return Csr(rows.indptr, rows.indices, value_weights(rows.values, weighting), rows.n_cols)


def one_row(rows: Csr, row: int) -> Csr:
    """Take one row out, as a Csr (1, n_cols)."""
    indices, values = rows.row(row)
    return Csr(np.array([0, len(indices)], dtype=np.int64), indices, values, rows.n_cols)


def transpose_order(by_user: Csr) -> Int64:
    """Position in `by_user` of each entry of its transpose, int64 (n_entries,)."""
    return np.argsort(by_user.indices, kind="stable").astype(np.int64, copy=False)


def row_blocks(indptr: Int64) -> Int64:
    """Cut rows into blocks of about equal work.

    Parameters
    ----------
    indptr
        int64 (n_rows + 1,).

    Returns
    -------
    int64 (n_blocks + 1,): block b is rows ``bounds[b]:bounds[b + 1]``. It depends on `indptr` alone,
    never on the number of threads.

    """
    n_rows = len(indptr) - 1
    # An empty row costs a little too; with it, one search finds both kinds of bound.
    cost = np.asarray(indptr) + np.arange(n_rows + 1) * (BLOCK_ENTRIES // BLOCK_ROWS)
    n_blocks = max(1, int(cost[-1]) // BLOCK_ENTRIES)
    targets = np.linspace(0, int(cost[-1]), n_blocks + 1).astype(np.int64)
    bounds = np.searchsorted(cost, targets, side="left")
    bounds[0], bounds[-1] = 0, n_rows
    return np.unique(bounds).astype(np.int64)


def entry_rows(matrix: Csr) -> Int64:
    """Row of each entry, int64 (n_entries,)."""
    return np.repeat(np.arange(matrix.shape[0]), matrix.lengths())


def marked(rows: npt.NDArray[np.integer], columns: npt.NDArray[np.integer], n_rows: int, n_cols: int) -> Csr:
    """Ones at some places, each once however often it is given."""
    pairs = np.unique(rows.astype(np.int64) * max(n_cols, 1) + columns)
    lines, indices = np.divmod(pairs, max(n_cols, 1))
    indptr = np.concatenate(([0], np.cumsum(np.bincount(lines, minlength=n_rows)))).astype(np.int64)
    return Csr(indptr, indices.astype(np.int32), np.ones(len(pairs), np.float32), n_cols)
