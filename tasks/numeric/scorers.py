"""Scorers that several models share: factors, one list for everybody, and a user's own past."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Codes, Lists, Mask, Scores
from tasks.numeric.catalogue import Catalogue
from tasks.numeric.common_order import CommonOrder, by_column, no_entries
from tasks.numeric.csr import ranges
from tasks.numeric.exclusion import take_rows
from tasks.numeric.gramian import gramian
from tasks.numeric.parallel import single_threaded_blas

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Factors:
    """Matrix factorisation: the score is ``user_factors[u] . item_factors[i] + item_bias[i]``.

    Parameters
    ----------
    user_factors
        float32 C-order (n_users, n_factors).
    item_factors
        float32 C-order (n_items, n_factors).
    item_bias
        float32 (n_items,), or None.

    Raises
    ------
    ValueError
        If dtype, order or shapes do not fit, or a number is not finite.

    """

    user_factors: Float32
    item_factors: Float32
    item_bias: Float32 | None = None

    def __post_init__(self) -> None:
        """Check shapes, layout and finiteness: a NaN factor is an error, never a recommendation."""
        for name in ("user_factors", "item_factors"):
            array = getattr(self, name)
            if array.ndim != 2 or array.dtype != np.float32 or not array.flags.c_contiguous:
                raise ValueError(f"{name} must be a C-order float32 matrix; got {array.dtype} {array.shape}")
        if self.user_factors.shape[1] != self.item_factors.shape[1]:
            widths = self.user_factors.shape[1], self.item_factors.shape[1]
            raise ValueError(
                f"user_factors and item_factors differ in n_factors: {widths[0]} and {widths[1]}"
            )
        if self.item_bias is not None and self.item_bias.shape != (len(self.item_factors),):
            raise ValueError(
                f"item_bias must have shape ({len(self.item_factors)},); got {self.item_bias.shape}"
            )
        for name in ("user_factors", "item_factors", "item_bias"):
            array = getattr(self, name)
            if array is not None and not np.isfinite(array).all():
                raise ValueError(
                    f"{name} holds {int((~np.isfinite(array)).sum())} values that are not finite"
                )

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return len(self.user_factors), len(self.item_factors)

    @property
    def cold_start(self) -> Scores | None:
        """Factors say nothing about a user without a row."""
        return None

    def scores(self, user_codes: Codes) -> Scores:
        """Dense scores, float32 (len(user_codes), n_items)."""
        block: Float32 = self.user_factors[user_codes] @ self.item_factors.T
        if self.item_bias is not None:
            block += self.item_bias
        return block

    def with_users(self, user_factors: Float32) -> Self:
        """The same items for other users, float32 (n_other_users, n_factors); what was laid out is used again."""
        found = replace(self, user_factors=user_factors)
        found.__dict__["_items"] = self._items
        return found

    @cached_property
    def item_gramian(self) -> npt.NDArray[np.float64]:
        """``item_factors.T @ item_factors``, (n_factors, n_factors): all that solving for a user needs of most items."""
        with single_threaded_blas():
            return gramian(self.item_factors)

    def top_k(
        self, user_codes: Codes, k: int, *, exclude: Csr | None = None, allow: Mask | None = None
    ) -> Lists:
        """Exact: one matrix product finds the candidates, and those are scored again in one fixed order."""
        items = self._items if allow is None else self._items.allowing(allow)
        mine = None if exclude is None else take_rows(exclude, user_codes)
        return items.best(self.user_factors[user_codes], k, exclude=mine)

    def top_users(self, item_codes: Codes, k: int, *, exclude: Csr | None = None) -> Lists:
        """Exact; a score has the same bytes as in :meth:`top_k`."""
        offset = None if self.item_bias is None else self.item_bias[item_codes]
        theirs = None if exclude is None else take_rows(exclude, item_codes)
        return self._users.best(self.item_factors[item_codes], k, exclude=theirs, offset=offset)

    def similar_items(self, item_codes: Codes, k: int) -> Lists:
        """Items by the cosine of their factors."""
        unit = self._unit_items
        itself = Csr(
            np.arange(len(item_codes) + 1, dtype=np.int64),
            np.asarray(item_codes, dtype=np.int32),
            np.ones(len(item_codes), dtype=np.float32),
            len(unit.factors),
        )
        return unit.best(unit.factors[item_codes], min(k, len(unit.factors)), exclude=itself)

    @cached_property
    def _items(self) -> Catalogue:
        """The items, laid out once for many batches of users."""
        return Catalogue.of(self.item_factors, self.item_bias)

    @cached_property
    def _users(self) -> Catalogue:
        return Catalogue.of(self.user_factors)

    @cached_property
    def _unit_items(self) -> Catalogue:
        norms = np.linalg.norm(self.item_factors, axis=1, keepdims=True)
        return Catalogue.of(self.item_factors / np.maximum(norms, np.finfo(np.float32).tiny))


@dataclass(frozen=True, eq=False)
class ItemScores:
    """The same list for everybody: popularity in its variants.

    Parameters
    ----------
    items
        float64 (n_items,).
    n_users
        Number of known users.

    """

    items: npt.NDArray[np.float64]
    n_users: int

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.n_users, len(self.items)

    @property
    def cold_start(self) -> Scores:
        """The list that everybody gets."""
        return self.items

    def scores(self, user_codes: Codes) -> Scores:
        """Dense scores, float64 (len(user_codes), n_items); a read-only broadcast view."""
        return np.broadcast_to(self.items, (len(user_codes), len(self.items)))

    def top_k(
        self, user_codes: Codes, k: int, *, exclude: Csr | None = None, allow: Mask | None = None
    ) -> Lists:
        """Down the common order until each list is full."""
        return self._order.best(user_codes, k, exclude=exclude, allow=allow)

    def top_users(self, item_codes: Codes, k: int, *, exclude: Csr | None = None) -> Lists:
        """All users are alike: the lower codes."""
        rows = CommonOrder.turned("items", self.items, self.n_users, no_entries(self.shape[::-1]), 0.0)
        return rows.best(item_codes, k, exclude=exclude)

    @cached_property
    def _order(self) -> CommonOrder:
        """The items, sorted once for many batches of users."""
        return CommonOrder.of("items", self.items, self.n_users, no_entries(self.shape), 0.0)


@dataclass(frozen=True, eq=False)
class PersonalScores:
    """A user's own past items first, then everything else in a common order.

    Parameters
    ----------
    own
        Csr (n_users, n_items), values > 0: how strongly each past item counts for the user.
    fill
        float64 (n_items,) in [0, 1): order among equals and among items never had.
    cold_start_items
        float64 (n_items,): what an unknown user gets.

    Notes
    -----
    The score is ``own + fill`` where the user has the item, else ``fill - 1``: an item once had
    always comes before one never had.

    """

    own: Csr
    fill: npt.NDArray[np.float64]
    cold_start_items: npt.NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.own.shape

    @property
    def cold_start(self) -> Scores:
        """What an unknown user gets."""
        return self.cold_start_items

    def scores(self, user_codes: Codes) -> Scores:
        """Dense scores, float64 (len(user_codes), n_items)."""
        block = np.tile(self.fill - 1.0, (len(user_codes), 1))
        starts = self.own.indptr[user_codes]
        lengths = self.own.indptr[np.asarray(user_codes) + 1] - starts
        entries = ranges(starts, lengths)
        items = self.own.indices[entries]
        lines = np.repeat(np.arange(len(lengths)), lengths)
        block[lines, items] = self.fill[items] + self.own.values[entries]
        return block

    def top_k(
        self, user_codes: Codes, k: int, *, exclude: Csr | None = None, allow: Mask | None = None
    ) -> Lists:
        """The user's own items, merged into the order that everything else has in common."""
        return self._order.best(user_codes, k, exclude=exclude, allow=allow)

    def top_users(self, item_codes: Codes, k: int, *, exclude: Csr | None = None) -> Lists:
        """Users who had the item, strongest first, then the lower codes."""
        rows = CommonOrder.turned("fill", self.fill, self.shape[0], by_column(self.own), 1.0)
        return rows.best(item_codes, k, exclude=exclude)

    @cached_property
    def _order(self) -> CommonOrder:
        """The items, sorted once for many batches of users."""
        return CommonOrder.of("fill", self.fill, self.shape[0], self.own, 1.0)
