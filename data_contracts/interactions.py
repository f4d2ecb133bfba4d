"""The grouped matrix: who has which item, as two CSR views, with the times that some models need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Csr:
    """Compressed sparse rows over plain (possibly memory-mapped) arrays.

    Parameters
    ----------
    indptr
        int64 (n_rows + 1,): row r is the slice ``indptr[r]:indptr[r + 1]``.
    indices
        int32 (n_entries,): column codes, strictly increasing within a row.
    values
        float32 (n_entries,).
    n_cols
        Number of columns; it comes from a vocabulary, never from ``indices.max()``.

    Raises
    ------
    ValueError
        If dtypes, lengths or bounds do not fit; the message names the array and the limit.

    """

    indptr: Int64
    indices: Int32
    values: Float32
    n_cols: int

    def __post_init__(self) -> None:
        """Check what is cheap to check; sortedness is the grouped-matrix contract's business."""
        for name, dtype in (("indptr", np.int64), ("indices", np.int32), ("values", np.float32)):
            got = getattr(self, name).dtype
            if got != dtype:
                raise ValueError(f"{name} must be {np.dtype(dtype)}; got {got}")
        if len(self.indptr) < 1 or self.indptr[0] != 0 or self.indptr[-1] != len(self.indices):
            raise ValueError(
                f"indptr must run from 0 to {len(self.indices)} entries; got {self.indptr[[0, -1]]}"
            )
        if len(self.values) != len(self.indices):
            raise ValueError(f"values must match {len(self.indices)} indices; got {len(self.values)}")

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, n_cols)."""
        return len(self.indptr) - 1, self.n_cols

    @property
    def nnz(self) -> int:
        """Number of stored entries."""
        return len(self.indices)

    def row(self, code: int) -> tuple[Int32, Float32]:
        """Column codes and values of one row."""
        part = slice(int(self.indptr[code]), int(self.indptr[code + 1]))
        return self.indices[part], self.values[part]

    def lengths(self) -> Int64:
        """Entries per row, int64 (n_rows,)."""
        return np.diff(self.indptr)

    def to_scipy(self) -> Any:
        """The same matrix as ``scipy.sparse.csr_matrix``, without a copy where scipy allows it."""
        from scipy.sparse import csr_matrix

        return csr_matrix((self.values, self.indices, self.indptr), shape=self.shape)


@dataclass(frozen=True, eq=False)
class ItemTimeline:
    """How much of each item was taken on each day before the cut-off, anonymous events included.

    Parameters
    ----------
    indptr
        int64 (n_items + 1,).
    ages
        int32 (n_entries,): whole days before the cut-off, 0 = the last day; rising within an item.
    counts
        float32 (n_entries,): events of that item on that day, each as often as it weighs by the dataset's
        feedback rule: once where ``kind = "count"``.

    """

    indptr: Int64
    ages: Int32
    counts: Float32

    def decayed(self, half_life_days: float | None) -> npt.NDArray[np.float64]:
        """Weight of the events per item, each halved every `half_life_days`; None fades none. float64 (n_items,)."""
        weights: npt.NDArray[np.float64] = self.counts.astype(np.float64)
        if half_life_days is not None:
            weights = weights * np.exp2(-self.ages / half_life_days)
        owner = np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))
        total = np.bincount(owner, weights=weights, minlength=len(self.indptr) - 1)
        return total.astype(np.float64, copy=False)


@dataclass(frozen=True, eq=False)
class History:
    """Every known user's events, oldest first; with baskets basket by basket, the oldest basket first.

    Events of one moment are in an order drawn by a hash, which tells nothing of the items.

    Parameters
    ----------
    indptr
        int64 (n_users + 1,).
    items
        int32 (n_events,): item codes.
    ages
        float32 (n_events,): days before the cut-off, falling within a user, or with baskets within a basket.
    values
        float32 (n_events,): the event's value after the dataset's feedback rule.
    baskets
        int32 (n_events,): number of the event's basket among the user's own, 0 = the oldest, never falling
        within a user; None where the log has no baskets.
    targets
        bool (n_events,): whether the event is of a type that lists are to lead to, as a purchase is among views;
        None where all are.

    """

    indptr: Int64
    items: Int32
    ages: Float32
    values: Float32
    baskets: Int32 | None = None
    targets: npt.NDArray[np.bool_] | None = None

    def wanted(self) -> npt.NDArray[np.bool_]:
        """Which events a list is to foresee, bool (n_events,)."""
        return np.ones(len(self.items), np.bool_) if self.targets is None else self.targets


@dataclass(frozen=True, eq=False)
class Labels:
    """One multi-label attribute of the items, such as genres.

    Parameters
    ----------
    names
        The labels, sorted; a column's code is its place here.
    by_item
        Csr (n_items, n_labels): 1 where an item has a label.

    """

    names: tuple[str, ...]
    by_item: Csr


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """What is known of the items besides who took them, aligned with item codes.

    Parameters
    ----------
    titles
        Text, (n_items,), null where an item has none; None where the log has no titles.
    labels
        Multi-label attributes by name.
    numbers
        float32 (n_items,) by name, NaN where an item has none.
    dates
        float64 (n_items,) by name: days since 1970-01-01 UTC, NaN where an item has none.

    """

    titles: pa.LargeStringArray | None = None
    labels: Mapping[str, Labels] = field(default_factory=dict)
    numbers: Mapping[str, Float32] = field(default_factory=dict)
    dates: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    def check(self, n_items: int) -> None:
        """Raise ValueError, naming the feature, unless all are of `n_items` items."""
        lengths = {f"number {name!r}": len(each) for name, each in self.numbers.items()}
        lengths |= {f"date {name!r}": len(each) for name, each in self.dates.items()}
        lengths |= {f"labels {name!r}": each.by_item.shape[0] for name, each in self.labels.items()}
        if self.titles is not None:
            lengths["titles"] = len(self.titles)
        for name, length in lengths.items():
            if length != n_items:
                raise ValueError(f"item feature {name} has {length} items; expected {n_items}")


@dataclass(frozen=True, eq=False)
class GroupedMatrix:
    """Interactions grouped both ways: items for a user, users for an item.

    Parameters
    ----------
    by_user
        (n_users, n_items).
    by_item
        (n_items, n_users): the transpose of `by_user`, rows sorted too.
    timeline
        Item events by day, or None where the log has no times.
    history
        User events by time, or None where the log has no times or the dataset asks for none.
    ratings
        Csr (n_users, n_items): the value of each pair's last event as the log gives it, before any threshold
        or clipping, also of pairs that `by_user` leaves out; None where the log has no ratings.
    item_features
        What is known of the items, or None.
    catalogue_items
        Number of items, the last codes, that stand in the catalogue and have no event before the cut-off.

    Raises
    ------
    ValueError
        If the two views do not belong together.

    """

    by_user: Csr
    by_item: Csr
    timeline: ItemTimeline | None = None
    history: History | None = None
    ratings: Csr | None = None
    item_features: ItemFeatures | None = None
    catalogue_items: int = 0

    def __post_init__(self) -> None:
        """Check that both views have one shape and one number of entries."""
        if self.by_user.shape != self.by_item.shape[::-1] or self.by_user.nnz != self.by_item.nnz:
            raise ValueError(
                f"by_user {self.by_user.shape} with {self.by_user.nnz} entries and by_item "
                f"{self.by_item.shape} with {self.by_item.nnz} entries are not transposes"
            )
        if self.timeline is not None and len(self.timeline.indptr) != self.n_items + 1:
            raise ValueError(f"timeline has {len(self.timeline.indptr) - 1} items; expected {self.n_items}")
        if self.history is not None and len(self.history.indptr) != self.n_users + 1:
            raise ValueError(f"history has {len(self.history.indptr) - 1} users; expected {self.n_users}")
        if self.ratings is not None and self.ratings.shape != self.by_user.shape:
            raise ValueError(f"ratings have shape {self.ratings.shape}; expected {self.by_user.shape}")
        if self.item_features is not None:
            self.item_features.check(self.n_items)
        if not 0 <= self.catalogue_items <= self.n_items:
            raise ValueError(f"{self.catalogue_items} items of the catalogue; there are {self.n_items} items")

    @property
    def n_users(self) -> int:
        """Number of user codes."""
        return self.by_user.shape[0]

    @property
    def n_items(self) -> int:
        """Number of item codes."""
        return self.by_user.shape[1]

    @property
    def n_items_with_events(self) -> int:
        """Number of item codes that have an event; those of the catalogue alone come after them."""
        return self.n_items - self.catalogue_items

    @property
    def nnz(self) -> int:
        """Number of (user, item) pairs."""
        return self.by_user.nnz

    @classmethod
    def from_csr(cls, csr: Any) -> "GroupedMatrix":
        """Group any scipy sparse matrix or array of users x items.

        Parameters
        ----------
        csr
            Any scipy sparse container (n_users, n_items). Duplicate entries are summed, rows are
            sorted, values become float32, explicit zeros stay. The argument is not changed.

        Raises
        ------
        ValueError
            If it is not two-dimensional.

        """
        from scipy.sparse import csr_matrix

        if csr.ndim != 2:
            raise ValueError(f"csr must have 2 dimensions (users x items); got {csr.ndim}")
        rows = csr_matrix(csr, dtype=np.float32, copy=True)
        rows.sum_duplicates()
        columns = rows.T.tocsr()
        columns.sort_indices()
        return cls(_from_scipy(rows), _from_scipy(columns))

    def item_events(self, half_life_days: float | None = None) -> npt.NDArray[np.float64]:
        """Weight of the events per item, decayed by age; without times every pair counts once. float64 (n_items,)."""
        if self.timeline is None:
            return self.by_item.lengths().astype(np.float64)
        return self.timeline.decayed(half_life_days)


def _from_scipy(matrix: Any) -> Csr:
    return Csr(
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.int32, copy=False),
        matrix.data.astype(np.float32, copy=False),
        int(matrix.shape[1]),
    )
