"""What a trained model is to every later step: something that scores items for users."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr

Float32 = npt.NDArray[np.float32]
Scores = npt.NDArray[np.floating]


@runtime_checkable
class Scorer(Protocol):
    """A trained model. Implementations are frozen dataclasses of arrays, numbers and other scorers.

    Such a dataclass is saved and loaded field by field, so a new kind of scorer needs no code for
    persistence; it lives here or in the file of its model.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        ...

    @property
    def cold_start(self) -> Scores | None:
        """Item scores for an unknown user, (n_items,), or None where the model has no opinion."""
        ...

    def scores(self, user_codes: npt.NDArray[np.integer]) -> Scores:
        """Scores of all items for some known users, (len(user_codes), n_items), higher is better."""
        ...


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
    def cold_start(self) -> None:
        """Factors say nothing about a user without a row."""
        return

    def scores(self, user_codes: npt.NDArray[np.integer]) -> Scores:
        """Dense scores, float32 (len(user_codes), n_items)."""
        block: Float32 = self.user_factors[user_codes] @ self.item_factors.T
        if self.item_bias is not None:
            block += self.item_bias
        return block


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

    def scores(self, user_codes: npt.NDArray[np.integer]) -> Scores:
        """Dense scores, float64 (len(user_codes), n_items); a read-only broadcast view."""
        return np.broadcast_to(self.items, (len(user_codes), len(self.items)))


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

    def scores(self, user_codes: npt.NDArray[np.integer]) -> Scores:
        """Dense scores, float64 (len(user_codes), n_items)."""
        block = np.tile(self.fill - 1.0, (len(user_codes), 1))
        starts = self.own.indptr[user_codes]
        lengths = self.own.indptr[np.asarray(user_codes) + 1] - starts
        ends = np.cumsum(lengths)
        # Position of every own entry: its row's start plus its place in the row.
        entries = np.arange(lengths.sum()) + np.repeat(starts - ends + lengths, lengths)
        items = self.own.indices[entries]
        lines = np.repeat(np.arange(len(lengths)), lengths)
        block[lines, items] = self.fill[items] + self.own.values[entries]
        return block
