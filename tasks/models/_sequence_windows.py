"""What a network of sequences reads and what comes next: windows of histories, and batches of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import History
from tasks.numeric.csr import ranges

Int64 = npt.NDArray[np.int64]

VALIDATED, FEWEST_VALIDATED = 2_000, 20
"""Users, at most and at least, whose last event says when to stop; with fewer, all epochs are trained."""

SMALLEST_BATCH, FEWEST_STEPS = 24, 100
"""Places of a batch at least, and steps of an epoch that batches are made smaller for."""


@dataclass(frozen=True, eq=False)
class Windows:
    """What is read, and what comes next."""

    items: list[Int64]
    """Rows of item vectors, one array per window."""
    targets: list[Int64]
    """What comes next after each place; 0 = nothing to learn."""
    users: Int64
    """Rows of user vectors."""


def windows_of(history: History, window: int, held: npt.NDArray[np.bool_]) -> tuple[Windows, Windows]:
    """Windows to learn from, and those whose target is held out.

    Parameters
    ----------
    history
        Of all users.
    window
        How long windows are; those of one user overlap by half, and each event is the target of one of them: with
        half a window before it, where there are as many.
    held
        bool (n_users,): users whose last moment is held out, all rows of an invoice alike.

    """
    learn = _Collected()
    judge = _Collected()
    step = (window + 1) // 2
    late = np.arange(window) >= window - step
    last = last_moments(history)
    for user in np.flatnonzero(np.diff(history.indptr) > 1).tolist():
        items = history.items[history.indptr[user] : history.indptr[user + 1]].astype(np.int64) + 1
        known = items[: last[user] - history.indptr[user]] if held[user] else items
        for end in range(len(known), 1, -step):
            part = known[max(0, end - window - 1) : end]
            first = end <= window + 1
            learn.add(part[:-1], part[1:] if first else np.where(late, part[1:], 0), user)
            if first:
                break
        if held[user]:
            read, target = known[-window:], items[len(known)]
            judge.add(read, np.append(np.zeros(len(read) - 1, np.int64), target), user)
    return learn.windows(), judge.windows()


class _Collected:
    def __init__(self) -> None:
        self.items: list[Int64] = []
        self.targets: list[Int64] = []
        self.users: list[int] = []

    def add(self, items: Int64, targets: Int64, user: int) -> None:
        self.items.append(items)
        self.targets.append(targets)
        self.users.append(user + 1)

    def windows(self) -> Windows:
        return Windows(self.items, self.targets, np.array(self.users, np.int64))


def held_users(history: History, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Users whose last moment is held out: a draw of a tenth of those with two events or more before it, or none."""
    able = np.flatnonzero(last_moments(history) - history.indptr[:-1] > 1)
    held = np.zeros(len(history.indptr) - 1, np.bool_)
    wanted = min(VALIDATED, len(able) // 10)
    if wanted >= FEWEST_VALIDATED:
        held[rng.choice(able, wanted, replace=False)] = True
    return held


def last_moments(history: History) -> Int64:
    """Where each user's last moment begins, int64 (n_users,); the end of what they have where that is nothing."""
    owner = np.repeat(np.arange(len(history.indptr) - 1), np.diff(history.indptr))
    changed = np.diff(owner, prepend=-1) != 0
    changed[1:] |= np.diff(history.ages) != 0
    begins = np.flatnonzero(changed)
    found = np.array(history.indptr[1:], np.int64)
    some = np.diff(history.indptr) > 0
    found[some] = begins[np.searchsorted(begins, found[some] - 1, side="right") - 1]
    return found


def padded(parts: list[Int64], rows: Int64) -> Int64:
    """Some windows side by side, filled up with 0 on the right."""
    lengths = np.array([len(parts[row]) for row in rows])
    table = np.zeros((len(rows), int(lengths.max())), np.int64)
    table[np.repeat(np.arange(len(rows)), lengths), ranges(np.zeros(len(rows), np.int64), lengths)] = (
        np.concatenate([parts[row] for row in rows])
    )
    return table


def batches_of(windows: Windows, size: int, rng: np.random.Generator) -> list[Int64]:
    """Rows of batches in random order; windows of about one length are together, so that little is filled up."""
    lengths = np.array([len(each) for each in windows.items])
    size = max(SMALLEST_BATCH, min(size, int(lengths.sum()) // FEWEST_STEPS))
    order = rng.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    number = (np.cumsum(lengths[order]) - 1) // size
    parts = np.split(order, np.flatnonzero(np.diff(number)) + 1)
    return [parts[at] for at in rng.permutation(len(parts))]
