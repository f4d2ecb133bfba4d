"""The truth of a hold-out without what no list may show: an item that is forbidden is not a miss."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.holdout import HeldOutEvents, HeldOutRatings, Holdout
from data_contracts.interactions import Csr
from data_contracts.scoring import Mask
from tasks.numeric.slices import events_of, keep_entries, mark_new

Int32 = npt.NDArray[np.int32]


class Permitted(NamedTuple):
    """What is left, and how much is not."""

    holdout: Holdout
    """The rest of the truth, its events in order and its ratings."""
    pairs: int
    """Pairs of a user and an item that were left out."""
    users: int
    """Users left without truth, who are not scored."""


def permitted_truth(holdout: Holdout, allow: Mask, blocked: Csr | None = None) -> Permitted:
    """Leave out what could not have been shown.

    Users whose truth becomes empty are left out, and so are baskets that lose all their known items; what came after
    the cut-off and no list can hold stays. Events of forbidden items stay as what came before others, but nobody is
    asked to guess them.

    Parameters
    ----------
    holdout
        The whole truth.
    allow
        bool (n_items,): items that may be shown.
    blocked
        (n_rows, n_items): items that a user must not be shown, rows as ``holdout.past`` says.

    """
    past = np.append(holdout.past, np.int32(-1))
    keep = _may(past[:-1], holdout.indptr, holdout.items, allow, blocked)
    owners = past[holdout.basket_rows]
    keep_basket = _may(owners, holdout.basket_indptr, holdout.basket_items, allow, blocked)
    rest, rows, baskets = keep_entries(holdout, keep, keep_basket, unknown_items=True)
    events, ratings = holdout.events, holdout.ratings
    if events is not None:
        asked = _of_pairs(holdout.past[events.rows], events.items, allow, blocked)
        guessed = events.guessed[asked[events.guessed]]
        new_row = np.full(holdout.n_rows, -1, np.int32)
        new_row[rows] = np.arange(len(rows), dtype=np.int32)
        kept = HeldOutEvents(events.rows, events.items, events.baskets, guessed)
        events = events_of(kept, new_row, baskets, holdout.n_baskets)
    if ratings is not None:
        ratings = _ratings(ratings, _of_pairs(ratings.past_rows, ratings.items, allow, blocked))
    left_out = int((~keep).sum())
    return Permitted(replace(rest, events=events, ratings=ratings), left_out, holdout.n_rows - rest.n_rows)


def _ratings(ratings: HeldOutRatings, keep: Mask) -> HeldOutRatings:
    return HeldOutRatings(
        ratings.user_codes[keep],
        ratings.items[keep],
        ratings.values[keep],
        ratings.owners[keep],
        ratings.past_rows[keep],
    )


def _of_pairs(past: Int32, items: Int32, allow: Mask, blocked: Csr | None) -> Mask:
    each = np.arange(len(items) + 1, dtype=np.int64)
    return _may(past, each, items, allow, blocked)


def _may(past: Int32, indptr: npt.NDArray[np.int64], items: Int32, allow: Mask, blocked: Csr | None) -> Mask:
    """Entries of rows that may be shown to their user; an unknown item (-1) may."""
    may = np.append(allow, True)[items]
    if blocked is not None:
        new = np.empty(len(items), np.bool_)
        mark_new(past.astype(np.int32), indptr, items, blocked.indptr, blocked.indices, new)
        may &= new
    return np.asarray(may)
