"""Guesses of each held-out event from what its user did before: who is right within k."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data_contracts.holdout import HeldOutEvents, Holdout
from data_contracts.interactions import Csr, History
from data_contracts.metrics import metric_name
from data_contracts.scoring import Mask, Sequences, SequenceScorer
from tasks.numeric.metrics import UnitValues
from tasks.numeric.slices import mark_new

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

LONGEST = 1_000
"""Items of a sequence that are shown to a model: the newest."""

BLOCK_SCORES = 2**23
"""Scores that are held at once: 64 MB of float64."""

BLOCK_ROWS = 4_096
"""Sequences that are shown to a model at once, at most."""

MISSED = np.iinfo(np.int32).max
"""Rank of an item that was not guessed."""


def ranks_in_lists(lists: Int32, events: HeldOutEvents) -> Int32:
    """Rank of each guessed event's item in its user's list, from 0; :data:`MISSED` where it is not in it.

    Parameters
    ----------
    lists
        int32 (n_rows, K): one list per holdout user, padded with -1.
    events
        The held-out events.

    Returns
    -------
    int32 (n_guessed,)

    """
    items = events.items[events.guessed]
    hit = (lists[events.rows[events.guessed]] == items[:, None]) & (items >= 0)[:, None]
    ranks = np.where(hit.any(axis=1), hit.argmax(axis=1), MISSED)
    return ranks.astype(np.int32)


def ranks_of_guesses(
    scorer: SequenceScorer,
    holdout: Holdout,
    events: HeldOutEvents,
    history: History | None,
    *,
    exclude: Csr | None = None,
    allow: Mask | None = None,
) -> Int32:
    """Rank of each guessed event's item among all items, after everything its user did before it.

    Parameters
    ----------
    scorer
        Ranks what follows a sequence.
    holdout
        Whose events these are.
    events
        The held-out events.
    history
        Events before the cut-off, by user code; None where there is none.
    exclude
        Items that are no guess, rows as ``holdout.past`` says.
    allow
        bool (n_items,): items that may be guessed; None allows all.

    Returns
    -------
    int32 (n_guessed,), from 0; ties go to the lower code.

    Raises
    ------
    ValueError
        If a score is NaN or there are too few of them.

    """
    ranks = np.full(len(events.guessed), MISSED, dtype=np.int32)
    block = min(BLOCK_ROWS, max(1, BLOCK_SCORES // holdout.n_items))
    starts = np.searchsorted(events.rows, np.arange(holdout.n_rows))
    for first in range(0, len(ranks), block):
        some = events.guessed[first : first + block]
        rows, items = events.rows[some], events.items[some]
        sequences = _sequences(some, starts, holdout, events, history)
        scores = np.array(scorer.next_scores(sequences), dtype=np.float64)
        if scores.shape != (len(some), holdout.n_items) or np.isnan(scores).any():
            raise ValueError(
                f"next_scores must give {(len(some), holdout.n_items)} numbers; got {scores.shape}, "
                f"{int(np.isnan(scores).sum())} of them NaN"
            )
        _forbid(scores, holdout.past[rows], exclude, allow)
        ranks[first : first + block] = _ranks(scores, items)
    return ranks


def accuracy(ranks: Int32, events: HeldOutEvents, ks: Sequence[int]) -> UnitValues:
    """Turn ranks into ``next_item_accuracy`` at each k, one value per guessed event."""
    columns = {metric_name("next_item_accuracy", k): (ranks < k).astype(np.float32) for k in sorted(set(ks))}
    return UnitValues(columns, events.rows[events.guessed])


def new_events(holdout: Holdout, events: HeldOutEvents, seen: Csr) -> Bool:
    """Guessed events whose user did not have the item before the cut-off, bool (n_guessed,)."""
    rows, items = events.rows[events.guessed], events.items[events.guessed]
    new = np.empty(len(items), dtype=np.bool_)
    each = np.arange(len(items) + 1, dtype=np.int64)
    mark_new(holdout.past[rows], each, items, seen.indptr, seen.indices, new)
    return new


def _sequences(
    guessed: Int64, starts: Int64, holdout: Holdout, events: HeldOutEvents, history: History | None
) -> Sequences:
    """What each guess may look at: the history before the cut-off, and the held-out events before it."""
    rows = events.rows[guessed]
    codes, parts = holdout.user_codes[rows], []
    for event, row, code in zip(guessed, rows, codes, strict=True):
        later = events.items[starts[row] : event]
        later = later[later >= 0][-LONGEST:]
        earlier = np.empty(0, np.int32)
        if code >= 0 and history is not None and len(later) < LONGEST:
            end = int(history.indptr[code + 1])
            begin = max(int(history.indptr[code]), end - (LONGEST - len(later)))
            earlier = history.items[begin:end]
        parts.append(np.concatenate([earlier, later]))
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = np.concatenate(parts).astype(np.int32) if parts else np.empty(0, np.int32)
    return Sequences(indptr, items, codes.astype(np.int32))


def _forbid(
    scores: npt.NDArray[np.float64], past_rows: Int32, exclude: Csr | None, allow: Mask | None
) -> None:
    if allow is not None:
        scores[:, ~allow] = -np.inf
    if exclude is not None:
        for line, row in enumerate(past_rows):
            if row >= 0:
                scores[line, exclude.row(int(row))[0]] = -np.inf


def _ranks(scores: npt.NDArray[np.float64], items: Int32) -> Int32:
    """Rank of one item per line: how many are better, or as good with a lower code."""
    known = items >= 0
    own = scores[np.arange(len(items)), np.maximum(items, 0)][:, None]
    before = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) < items[:, None]))
    return np.where(known & np.isfinite(own[:, 0]), before.sum(axis=1), MISSED).astype(np.int32)
