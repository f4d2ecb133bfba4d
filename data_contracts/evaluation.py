"""What is compared, how it is named, and what the gate may say about it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Holdout:
    """The events after the cut-off, mapped by the vocabularies from before it.

    Users here are the *holdout users*: everybody with a user id and at least one event after the
    cut-off. Row j of the truth belongs to ``user_codes[j]``, which is -1 for a user who came after the
    cut-off (a cold user, served with the strangers' list).

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
        (strangers' list). Empty where the dataset has no baskets.
    basket_indptr, basket_items
        int64 (n_baskets + 1,), int32: known items of each basket, one entry per log row (an item on two
        rows of an invoice stands twice), rising within a basket.
    n_items
        Size of the catalogue.

    Raises
    ------
    ValueError
        If lengths do not fit together.

    """

    user_codes: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.int64]
    items: npt.NDArray[np.int32]
    n_relevant: npt.NDArray[np.int32]
    basket_rows: npt.NDArray[np.int32]
    basket_indptr: npt.NDArray[np.int64]
    basket_items: npt.NDArray[np.int32]
    n_items: int

    def __post_init__(self) -> None:
        """Check that the parts belong together."""
        n_rows, n_baskets = len(self.user_codes), len(self.basket_rows)
        lengths = (len(self.indptr), len(self.n_relevant), len(self.basket_indptr))
        if lengths != (n_rows + 1, n_rows, n_baskets + 1):
            raise ValueError(
                f"holdout parts of {n_rows} users and {n_baskets} baskets have lengths {lengths}"
            )
        if self.indptr[-1] != len(self.items) or self.basket_indptr[-1] != len(self.basket_items):
            raise ValueError("holdout indptr does not end at the number of its items")
