"""Parts of a hold-out: the truth without what was had before, users by history, items by popularity."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from data_contracts.holdout import HeldOutEvents, Holdout
from data_contracts.interactions import Csr
from tasks.numeric.csr import ranges
from tasks.numeric.jit import jit

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

HISTORY_BOUNDS = (("0", 0, 0), ("1-2", 1, 2), ("3-10", 3, 10), (">10", 11, np.inf))
"""Slices by the number of distinct items before the cut-off: name, first, last."""

HEAD_SHARE, MID_SHARE = 0.5, 0.8
"""Head: the most popular items up to half of all events; mid: up to 80 %; tail: the rest."""


def restrict(holdout: Holdout, seen: Csr) -> tuple[Holdout, Int64]:
    """Take the discovery scenario's truth: items the user had before the cut-off leave it.

    The rest has no events in order and no ratings. Users whose truth becomes empty are dropped, and so are baskets that lose all their known items.
    Anonymous baskets and cold users stay as they are.

    Parameters
    ----------
    holdout
        The whole truth.
    seen
        (n_rows, n_items): what users had before the cut-off, rows sorted; ``holdout.past`` says whose row is
        whose.

    Returns
    -------
    holdout
        The rest of the truth.
    kept_rows
        int64, rising: row j of the rest is row ``kept_rows[j]`` of the argument; ``lists[kept_rows]`` fits.

    """
    if seen.n_cols != holdout.n_items:
        raise ValueError(f"seen has {seen.n_cols} items; the holdout has {holdout.n_items}")
    basket_users = np.where(holdout.basket_rows >= 0, _with_last(holdout.past)[holdout.basket_rows], -1)
    new = np.empty(len(holdout.items), dtype=np.bool_)
    mark_new(holdout.past, holdout.indptr, holdout.items, seen.indptr, seen.indices, new)
    new_in_basket = np.empty(len(holdout.basket_items), dtype=np.bool_)
    mark_new(
        basket_users.astype(np.int32),
        holdout.basket_indptr,
        holdout.basket_items,
        seen.indptr,
        seen.indices,
        new_in_basket,
    )
    return keep_entries(holdout, new, new_in_basket, unknown_items=True)[:2]


def keep_items(holdout: Holdout, wanted: Bool) -> tuple[Holdout, Int64]:
    """Leave only some items in the truth; users and baskets without any of them are dropped.

    Parameters
    ----------
    holdout
        The whole truth.
    wanted
        bool (n_items,).

    Returns
    -------
    The rest of the truth and `kept_rows`, as in :func:`restrict`.

    """
    wanted_in_basket = wanted[holdout.basket_items]
    return keep_entries(holdout, wanted[holdout.items], wanted_in_basket, unknown_items=False)[:2]


def sample_users(holdout: Holdout, n_users: int, seed: int) -> Holdout:
    """At most so many holdout users, drawn evenly by seed, and the same share of the anonymous baskets."""
    if holdout.n_rows <= n_users:
        return holdout
    rng = np.random.default_rng([seed, holdout.n_rows])
    rows = np.sort(rng.choice(holdout.n_rows, n_users, replace=False))
    return of_rows(holdout, rows, rng.random(holdout.n_baskets) < n_users / holdout.n_rows)


def of_rows(holdout: Holdout, rows: npt.NDArray[np.integer], anonymous: Bool | None = None) -> Holdout:
    """The truth of some holdout users, rising, with their baskets and their events; ratings stay as they are.

    Anonymous baskets stay, or of them those that `anonymous` (n_baskets,) marks. Events that
    ``next_item_accuracy`` asks for are those of these users.
    """
    new_row = np.full(holdout.n_rows + 1, -1, dtype=np.int32)
    new_row[rows] = np.arange(len(rows), dtype=np.int32)
    of_nobody = holdout.basket_rows < 0
    wanted = of_nobody if anonymous is None else of_nobody & anonymous
    baskets = np.flatnonzero(wanted | (new_row[holdout.basket_rows] >= 0))
    item_at, indptr = _entries(holdout.indptr, np.asarray(rows))
    basket_at, basket_indptr = _entries(holdout.basket_indptr, baskets)
    return Holdout(
        user_codes=holdout.user_codes[rows],
        indptr=indptr,
        items=holdout.items[item_at],
        n_relevant=holdout.n_relevant[rows],
        basket_rows=new_row[holdout.basket_rows[baskets]],
        basket_indptr=basket_indptr,
        basket_items=holdout.basket_items[basket_at],
        n_items=holdout.n_items,
        past_rows=None if holdout.past_rows is None else holdout.past_rows[rows],
        events=None
        if holdout.events is None
        else events_of(holdout.events, new_row, baskets, holdout.n_baskets),
        ratings=holdout.ratings,
    )


def _entries(indptr: Int64, rows: npt.NDArray[np.integer]) -> tuple[Int64, Int64]:
    """Places of the entries of some rows, and where each row begins among them."""
    lengths = np.diff(indptr)[rows]
    return ranges(indptr[rows], lengths), _indptr(lengths)


def events_of(events: HeldOutEvents, new_row: Int32, baskets: Int64, n_baskets: int) -> HeldOutEvents:
    """Events of the rows that `new_row` gives a place, with the places of `baskets` that are left of `n_baskets`."""
    stays = new_row[events.rows] >= 0
    new_place, new_basket = np.cumsum(stays) - 1, np.full(n_baskets + 1, -1, dtype=np.int32)
    new_basket[baskets] = np.arange(len(baskets), dtype=np.int32)
    guessed = events.guessed[stays[events.guessed]]
    return HeldOutEvents(
        new_row[events.rows[stays]],
        events.items[stays],
        new_basket[events.baskets[stays]],
        new_place[guessed].astype(np.int64),
    )


def history_slices(holdout: Holdout, seen: Csr) -> Iterator[tuple[str, Bool]]:
    """Holdout users by the number of distinct items they had before the cut-off, and cold / warm.

    Yields
    ------
    name, bool (n_rows + 1,)
        The last place stands for the users of anonymous baskets, who are cold.

    """
    codes = np.append(holdout.user_codes, np.int32(-1))
    lengths = np.where(codes >= 0, np.append(seen.lengths(), 0)[codes], 0)
    for name, first, last in HISTORY_BOUNDS:
        yield f"history {name}", (lengths >= first) & (lengths <= last)
    yield "cold", codes < 0
    yield "warm", codes >= 0


def item_slices(popularity: npt.NDArray[np.floating]) -> Iterator[tuple[str, Bool]]:
    """Items by popularity: head, mid and tail share all events as :data:`HEAD_SHARE` says.

    Parameters
    ----------
    popularity
        (n_items,) events per item before the cut-off.

    Yields
    ------
    name, bool (n_items,)

    """
    order = np.argsort(-popularity, kind="stable")
    before = np.empty(len(order))
    before[order] = np.cumsum(popularity[order]) - popularity[order]
    share = before / max(float(popularity.sum()), 1.0)
    yield "head items", share < HEAD_SHARE
    yield "mid items", (share >= HEAD_SHARE) & (share < MID_SHARE)
    yield "tail items", share >= MID_SHARE


def _with_last(codes: Int32) -> Int32:
    """Codes with a spare place at the end, so that index -1 is legal in an empty hold-out."""
    return np.append(codes, np.int32(-1))


def keep_entries(
    holdout: Holdout, keep: Bool, keep_basket: Bool, *, unknown_items: bool
) -> tuple[Holdout, Int64, Int64]:
    """Cut the truth down to marked entries; with `unknown_items`, items no list can hold still count.

    Returns
    -------
    The rest of the truth without events in order and ratings, the rows and the baskets that are left of `holdout`.

    """
    lengths, left = np.diff(holdout.indptr), _marked(keep, holdout.indptr)
    n_relevant = holdout.n_relevant - (lengths - left) if unknown_items else left
    kept = np.flatnonzero(n_relevant > 0)
    new_row = np.full(holdout.n_rows + 1, -1, dtype=np.int32)
    new_row[kept] = np.arange(len(kept), dtype=np.int32)
    basket_left = _marked(keep_basket, holdout.basket_indptr)
    was_empty = (np.diff(holdout.basket_indptr) == 0) & unknown_items
    row_stays = (holdout.basket_rows < 0) | (new_row[holdout.basket_rows] >= 0)
    stays = ((basket_left > 0) | was_empty) & row_stays
    rest = Holdout(
        user_codes=holdout.user_codes[kept],
        indptr=_indptr(left[kept]),
        items=holdout.items[keep],
        n_relevant=n_relevant[kept].astype(np.int32),
        basket_rows=new_row[holdout.basket_rows[stays]],
        basket_indptr=_indptr(basket_left[stays]),
        basket_items=holdout.basket_items[keep_basket & np.repeat(stays, np.diff(holdout.basket_indptr))],
        n_items=holdout.n_items,
        past_rows=None if holdout.past_rows is None else holdout.past_rows[kept],
    )
    return rest, kept.astype(np.int64), np.flatnonzero(stays).astype(np.int64)


def _marked(keep: Bool, indptr: Int64) -> Int64:
    total = np.concatenate([[0], np.cumsum(keep, dtype=np.int64)])
    return total[indptr[1:]] - total[indptr[:-1]]


def _indptr(lengths: Int64) -> Int64:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


@jit()
def mark_new(
    user_codes: Int32, indptr: Int64, items: Int32, seen_indptr: Int64, seen_indices: Int32, new: Bool
) -> None:
    """Write to `new`, entry by entry, whether the user's sorted seen row lacks the item.

    User code -1 has seen nothing, and item -1 (padding) is never seen.
    """
    for row in range(len(user_codes)):
        code = user_codes[row]
        for entry in range(indptr[row], indptr[row + 1]):
            if code < 0:
                new[entry] = True
                continue
            past = seen_indices[seen_indptr[code] : seen_indptr[code + 1]]
            place = np.searchsorted(past, items[entry])
            new[entry] = place == len(past) or past[place] != items[entry]
