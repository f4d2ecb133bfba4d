"""What lists and their truth say by category of the items, by pairs of items, and by score. Pure."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from data_contracts.closer_look import CategoryResult, Diversity, ScoreBin
from data_contracts.holdout import Holdout
from data_contracts.interactions import Csr, Labels
from data_contracts.metrics import METRICS
from tasks.numeric.calibration import reliability
from tasks.numeric.csr import entry_rows, marked
from tasks.numeric.diversity import list_diversity
from tasks.numeric.scenarios import TopLists, metrics_of_items
from tasks.numeric.slices import mark_new
from tasks.numeric.transpose import transposed

N_CATEGORIES: Final = 10
"""Categories that stand by themselves."""
OTHER: Final = "other"
N_LISTS: Final = 2_000
"""Users whose lists are compared item by item."""
N_OWNERS: Final = 5_000
"""Users of the window whose items say how alike items are."""
MOST_ITEMS: Final = 20
"""Items of what a user took that are compared with each other."""


@dataclass(frozen=True, eq=False)
class DecidingLists:
    """Lists of the deciding scenario and length, and what is known of them.

    Parameters
    ----------
    top
        Lists of `truth`'s users, (n_rows, k).
    truth
        The truth of the scenario.
    scores
        float32 (n_rows, k): of the places of known users, else -inf.

    """

    top: TopLists
    truth: Holdout
    scores: npt.NDArray[np.float32]

    @property
    def k(self) -> int:
        """Length of the lists."""
        return int(self.top.rows.shape[1])


def by_category(lists: DecidingLists, labels: Labels, metric: str, seed: int) -> tuple[CategoryResult, ...]:
    """The largest categories by what was taken of them, and the rest.

    Parameters
    ----------
    lists
        What is looked at.
    labels
        Categories of the items; an item of several counts in each.
    metric
        A metric of lists or baskets at their length.
    seed
        Fixes the resamples of the intervals.

    """
    truth, owners = lists.truth, entry_rows(labels.by_item)
    n_items, n_labels = labels.by_item.shape
    taken = np.bincount(truth.items, minlength=n_items)
    shown = np.bincount(lists.top.rows[lists.top.rows >= 0], minlength=n_items)
    of_label = np.bincount(labels.by_item.indices, weights=taken[owners], minlength=n_labels)
    largest = np.argsort(-of_label, kind="stable")[:N_CATEGORIES]
    parts, rest = [], np.ones(n_items, np.bool_)
    for label in largest[of_label[largest] > 0]:
        mask = np.zeros(n_items, np.bool_)
        mask[owners[labels.by_item.indices == label]] = True
        parts.append((labels.names[label], mask))
        rest &= ~mask
    if rest.any():
        parts.append((OTHER, rest))
    found = []
    for name, mask in parts:
        metrics = metrics_of_items(lists.top, truth, mask, lists.k, seed)
        result = CategoryResult(
            name=name,
            other=mask is rest,
            items=int(mask.sum()),
            taken=int(taken[mask].sum()),
            share_of_taken=_share(taken[mask], taken),
            share_of_places=_share(shown[mask], shown),
            metric=metrics.get(metric),
            recall=metrics.get(METRICS["recall"].written(lists.k)),
        )
        found.append(result)
    return tuple(found)


def diversity(lists: DecidingLists, labels: tuple[str, Labels] | None, by_user: Csr) -> tuple[Diversity, ...]:
    """How varied lists are beside what their users took: by labels, where there are any, and by who had what.

    Parameters
    ----------
    lists
        What is looked at; of many lists a sample.
    labels
        Name and labels of a column, or None.
    by_user
        (n_users, n_items): what users had.

    """
    rows = _spread(lists.truth.n_rows, N_LISTS)
    shown, took = lists.top.rows[rows], _taken(lists.truth, rows)
    alike = _diversity("users", "cosine", shown, took, _owners(by_user))
    if labels is None:
        return (alike,)
    return _diversity(labels[0], "jaccard", shown, took, labels[1].by_item), alike


def by_score(lists: DecidingLists) -> tuple[ScoreBin, ...]:
    """Tenths of the places of known users by their score, and how often each was a hit."""
    there = np.isfinite(lists.scores) & (lists.top.rows >= 0)
    truth, (n_rows, k) = lists.truth, lists.top.rows.shape
    missed = np.empty(n_rows * k, np.bool_)
    starts = np.arange(n_rows + 1, dtype=np.int64) * k
    each = np.arange(n_rows, dtype=np.int32)
    mark_new(each, starts, lists.top.rows.ravel().astype(np.int32), truth.indptr, truth.items, missed)
    hits = ~missed.reshape(n_rows, k)
    return tuple(ScoreBin(**each._asdict()) for each in reliability(lists.scores[there], hits[there]))


def _diversity(
    by: str,
    measure: Literal["jaccard", "cosine"],
    shown: npt.NDArray[np.int32],
    took: npt.NDArray[np.int32],
    features: Csr,
) -> Diversity:
    return Diversity(
        by=by,
        measure=measure,
        lists=_mean(list_diversity(shown, features, measure)),
        taken=_mean(list_diversity(took, features, measure)),
        n_lists=len(shown),
    )


def _owners(by_user: Csr) -> Csr:
    """Who had each item, of a sample of the users."""
    users = _spread(by_user.shape[0], N_OWNERS)
    rows = [by_user.indices[by_user.indptr[user] : by_user.indptr[user + 1]] for user in users]
    lengths = np.array([len(row) for row in rows], np.int64)
    items = np.concatenate(rows) if rows else np.empty(0, np.int32)
    return transposed(marked(np.repeat(np.arange(len(rows)), lengths), items, len(rows), by_user.n_cols))


def _taken(truth: Holdout, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Items that users took, (len(rows), MOST_ITEMS), padded with -1: of many, some from all over the row."""
    found = np.full((len(rows), MOST_ITEMS), -1, np.int32)
    for at, row in enumerate(rows):
        items = truth.items[truth.indptr[row] : truth.indptr[row + 1]]
        some = items[_spread(len(items), MOST_ITEMS)]
        found[at, : len(some)] = some
    return found


def _spread(n: int, most: int) -> npt.NDArray[np.int64]:
    """At most so many of n places, evenly spread."""
    return np.arange(n) if n <= most else (np.arange(most) * n) // most


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() else 0.0
