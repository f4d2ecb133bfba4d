"""The hold-out: what happened after the cut-off, in the codes from before it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class HeldOutEvents:
    """Every held-out event of a user, in order: by holdout row, then time, then item.

    Of a log of event types also those that are no targets: they are looked back on, and never asked for.

    Parameters
    ----------
    rows
        int32 (n_events,), rising: the holdout row of the event's user.
    items
        int32 (n_events,): item code, -1 for an item that came after the cut-off.
    baskets
        int32 (n_events,): which basket of the hold-out, -1 = none.
    guessed
        int64, rising: the events that ``next_item_accuracy`` asks for; all (of targets), or a seeded sample.

    Raises
    ------
    ValueError
        If lengths do not fit together.

    """

    rows: Int32
    items: Int32
    baskets: Int32
    guessed: Int64

    def __post_init__(self) -> None:
        """Check that the parts belong together."""
        if not len(self.rows) == len(self.items) == len(self.baskets):
            lengths = (len(self.rows), len(self.items), len(self.baskets))
            raise ValueError(f"rows, items and baskets of held-out events have lengths {lengths}")
        if len(self.guessed) and not 0 <= self.guessed[0] <= self.guessed[-1] < len(self.rows):
            raise ValueError(
                f"guessed events must lie in 0 to {len(self.rows) - 1}; got {self.guessed[[0, -1]]}"
            )


@dataclass(frozen=True, eq=False)
class HeldOutRatings:
    """The last rating of each held-out pair as the log gives it, before any threshold or clipping.

    Pairs whose item came after the cut-off are left out: nobody can be asked about them.

    Parameters
    ----------
    user_codes
        int32 (n_pairs,): -1 = cold.
    items
        int32 (n_pairs,): item codes.
    values
        float32 (n_pairs,), on the scale of the log.
    owners
        int32 (n_pairs,): one number per user, cold ones included.
    past_rows
        int32 (n_pairs,): as of :class:`Holdout`.

    """

    user_codes: Int32
    items: Int32
    values: Float32
    owners: Int32
    past_rows: Int32


@dataclass(frozen=True, eq=False)
class Holdout:
    """The events after the cut-off, mapped by the vocabularies from before it.

    Users here are the *holdout users*: everybody with a user id and at least one event after the
    cut-off. Row j of the truth belongs to ``user_codes[j]``, which is -1 for a user who came after the
    cut-off (a cold user, served with the cold-start list).

    Parameters
    ----------
    user_codes
        int32 (n_rows,): code of each holdout user, -1 = cold; codes rise, cold users come last.
    indptr, items
        int64 (n_rows + 1,), int32: the distinct known items of each holdout user, rising within a row.
    n_relevant
        int32 (n_rows,): distinct items the user took, including those that came after the cut-off and
        that no list can hold.
    basket_rows
        int32 (n_baskets,): the holdout row whose list a basket is scored with, -1 = anonymous
        (cold-start list). Empty where the dataset has no baskets.
    basket_indptr, basket_items
        int64 (n_baskets + 1,), int32: known items of each basket, one entry per log row (an item on two
        rows of an invoice stands twice), rising within a basket.
    n_items
        Size of the catalogue.
    past_rows
        int32 (n_rows,): row of each holdout user among the users whose past is known, -1 = none. It is the
        user code, except of a cold user who had something long ago (:mod:`tasks.preparation.seen`).
    events
        The same events in order; None where the split has no order.
    ratings
        Held-out ratings; None where the log has none.

    Raises
    ------
    ValueError
        If lengths do not fit together.

    """

    user_codes: Int32
    indptr: Int64
    items: Int32
    n_relevant: Int32
    basket_rows: Int32
    basket_indptr: Int64
    basket_items: Int32
    n_items: int
    past_rows: Int32 | None = None
    events: HeldOutEvents | None = None
    ratings: HeldOutRatings | None = None

    def __post_init__(self) -> None:
        """Check that the parts belong together."""
        n_rows, n_baskets = len(self.user_codes), len(self.basket_rows)
        lengths = (len(self.indptr), len(self.n_relevant), len(self.basket_indptr))
        if lengths != (n_rows + 1, n_rows, n_baskets + 1):
            raise ValueError(
                f"holdout parts of {n_rows} users and {n_baskets} baskets have lengths {lengths}"
            )
        if self.past_rows is not None and self.past_rows.shape != self.user_codes.shape:
            raise ValueError(f"past_rows must have shape {self.user_codes.shape}; got {self.past_rows.shape}")
        if self.indptr[-1] != len(self.items) or self.basket_indptr[-1] != len(self.basket_items):
            raise ValueError("holdout indptr does not end at the number of its items")
        short = np.flatnonzero(self.n_relevant < np.maximum(np.diff(self.indptr), 1))
        if len(short):
            raise ValueError(
                f"holdout row {short[0]} says n_relevant = {self.n_relevant[short[0]]}; every row needs at "
                f"least 1 and no fewer than its {np.diff(self.indptr)[short[0]]} known items"
            )

    @property
    def n_rows(self) -> int:
        """Number of holdout users."""
        return len(self.user_codes)

    @property
    def n_baskets(self) -> int:
        """Number of baskets, anonymous ones included."""
        return len(self.basket_rows)

    @property
    def past(self) -> Int32:
        """Row of each holdout user's past, int32 (n_rows,), -1 = none."""
        return self.user_codes if self.past_rows is None else self.past_rows
