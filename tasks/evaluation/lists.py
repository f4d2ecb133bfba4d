"""What one model shows the holdout users, and guesses and predicts for them. Pure: a scorer in, values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np

from data_contracts.evaluation import Scenario
from data_contracts.holdout import HeldOutEvents, Holdout
from data_contracts.interactions import Csr, History
from data_contracts.metrics import Reads
from data_contracts.scoring import Mask, RatingScorer, Scorer, Scores, SequenceScorer
from tasks import models
from tasks.models import Capability
from tasks.numeric import next_items
from tasks.numeric.exclusion import union
from tasks.numeric.list_limits import ListLimits
from tasks.numeric.metrics import UnitValues
from tasks.numeric.ranking import cold_start_list
from tasks.numeric.rating_errors import new_pairs, only, rating_errors
from tasks.numeric.scenarios import TopLists
from tasks.numeric.scorers import ItemScores
from tasks.numeric.slices import mark_new, of_rows
from tasks.preparation.seen import first_rows
from tasks.rules.applied import RankedLists, recommend_within

MARGIN: Final = 20
"""Items ranked beyond the length of a list, so that it is still full without those that the user had."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained model as the evaluation sees it.

    Parameters
    ----------
    kind
        Its file in tasks/models.
    scorer
        What it learned.
    cold_start
        Item scores for unknown users, (n_items,).
    allow
        bool (n_items,): items that may be listed; None allows all.
    limits
        How many items of a label a list may hold; None limits nothing.
    blocked
        Items that a user must not be shown, rows as ``holdout.past`` says; None where there are none.

    """

    kind: str
    scorer: Scorer
    cold_start: Scores
    allow: Mask | None = None
    limits: ListLimits | None = None
    blocked: Csr | None = None

    def offers(self, capability: Capability) -> bool:
        """Whether its SPEC declares a capability."""
        return capability in models.load_spec(self.kind).offers

    def barred(self, seen: Csr | None) -> Csr | None:
        """What a user's list must not hold besides what nobody's may: blocked items, and those of `seen`."""
        if self.blocked is None or seen is None:
            return self.blocked if seen is None else seen
        return union(seen, self.blocked)


def make_lists(subject: Subject, holdout: Holdout, k: int, seen: Csr | None) -> TopLists:
    """Lists of the holdout users: known users by the model, the others get the cold-start list.

    Parameters
    ----------
    subject
        The model.
    holdout
        Whose lists are wanted.
    k
        Length of the lists.
    seen
        Items to leave out, rows as ``holdout.past`` says, user codes first; None leaves out nothing.

    """
    return lists_around(rank_known(subject, holdout, k, seen), subject, holdout, k, seen)


def rank_known(subject: Subject, holdout: Holdout, k: int, seen: Csr | None) -> RankedLists:
    """The model's lists of the known users of :func:`make_lists`, with their scores; at least k items each."""
    seen = subject.barred(seen)
    return recommend_within(
        subject.scorer,
        holdout.user_codes[holdout.user_codes >= 0],
        k,
        reserve=0 if subject.limits is None else MARGIN,
        limits=subject.limits,
        exclude=None if seen is None else first_rows(seen, subject.scorer.shape[0]),
        allow=subject.allow,
    )


def lists_around(
    ranked: RankedLists, subject: Subject, holdout: Holdout, k: int, seen: Csr | None
) -> TopLists:
    """Lists of all holdout users, as :func:`make_lists` gives them, where those of known users are there."""
    limits, seen = subject.limits, subject.barred(seen)
    for_unknown = _unknown_users_list(subject, k)
    rows = np.tile(for_unknown, (holdout.n_rows, 1))
    known, whole = holdout.user_codes >= 0, np.ones(holdout.n_rows, np.bool_)
    rows[known] = ranked.items[:, :k]
    former = ~known & (holdout.past >= 0)
    if seen is not None and former.any():
        rows[former] = cold_lists(subject.cold_start, holdout.past[former], k, seen, limits).items
    if ranked.whole is None:
        return TopLists(rows.astype(np.int32), for_unknown)
    whole[known] = ranked.whole
    return TopLists(rows.astype(np.int32), for_unknown, whole)


def _unknown_users_list(subject: Subject, k: int) -> np.ndarray:
    if subject.limits is None:
        return cold_start_list(subject.cold_start, k)
    one: np.ndarray = cold_start_lists(subject.cold_start, k, limits=subject.limits).items[0]
    return one


def both_lists(subject: Subject, holdout: Holdout, k: int, seen: Csr) -> dict[Scenario, TopLists]:
    """What :func:`make_lists` gives with and without what users had, by one ranking for nearly all of them.

    What is blocked is in neither.

    A list of ``k + MARGIN`` items without those that the user had is what a ranking without them would give,
    if k are left; only the others, users with long histories, are ranked again. Where lists are limited, what a user
    had takes up no room in the list without it: then there are two rankings.
    """
    if subject.limits is not None:
        return {
            "repeat": make_lists(subject, holdout, k, None),
            "discovery": make_lists(subject, holdout, k, seen),
        }
    barred = subject.barred(seen)
    assert barred is not None
    wide = make_lists(subject, holdout, k + MARGIN, None)
    repeat = TopLists(np.ascontiguousarray(wide.rows[:, :k]), wide.cold_start[:k])
    starts = np.arange(holdout.n_rows + 1, dtype=np.int64) * (k + MARGIN)
    new = np.empty(wide.rows.size, dtype=np.bool_)
    mark_new(holdout.past, starts, wide.rows.ravel(), barred.indptr, barred.indices, new)
    new = new.reshape(wide.rows.shape) & (wide.rows >= 0)
    order = np.argsort(~new, axis=1, kind="stable")[:, :k]
    rows = np.where(np.take_along_axis(new, order, axis=1), np.take_along_axis(wide.rows, order, axis=1), -1)
    # A list that ends early holds all there is.
    short = np.flatnonzero((rows[:, -1] < 0) & (wide.rows[:, -1] >= 0))
    rows[short] = make_lists(subject, of_rows(holdout, short), k, seen).rows
    return {"repeat": repeat, "discovery": TopLists(rows.astype(np.int32), repeat.cold_start)}


def cold_lists(
    cold_start: Scores,
    past_rows: np.ndarray,
    k: int,
    seen: Csr,
    limits: ListLimits | None = None,
    reserve: int = 0,
) -> RankedLists:
    """The cold-start list of users whom the model does not know, without what they had long ago.

    Returns
    -------
    Lists (len(past_rows), k + reserve).

    """
    scores = ItemScores(np.asarray(cold_start, dtype=np.float64), seen.shape[0])
    return recommend_within(
        scores, past_rows, k, reserve=reserve, limits=limits, exclude=seen, allow=_listed(cold_start)
    )


def cold_start_lists(cold_start: Scores, k: int, *, limits: ListLimits, reserve: int = 0) -> RankedLists:
    """The one list of unknown users under limits, (1, k + reserve)."""
    scores = ItemScores(np.asarray(cold_start, dtype=np.float64), 1)
    return recommend_within(
        scores, np.zeros(1, np.int64), k, reserve=reserve, limits=limits, allow=_listed(cold_start)
    )


def _listed(scores: Scores) -> Mask | None:
    """Items whose score is not -inf, which means never; None for all."""
    listed: Mask = scores > -np.inf
    return None if listed.all() else listed


def more_values(
    subject: Subject,
    lists: Mapping[Scenario, TopLists],
    holdout: Holdout,
    history: History | None,
    seen: Csr,
    ks: Sequence[int],
) -> dict[Scenario, dict[Reads, UnitValues]]:
    """Values of the metrics that read no lists alone: guesses of the next item, predicted ratings.

    Parameters
    ----------
    subject
        The model.
    lists
        Its lists, of the scenarios that are asked for. Guesses know no limits.
    holdout
        The truth.
    history
        The users' events before the cut-off, or None.
    seen
        What users had before the cut-off, rows as ``holdout.past`` says.
    ks
        Numbers of guesses.

    """
    found: dict[Scenario, dict[Reads, UnitValues]] = {scenario: {} for scenario in lists}
    if holdout.events is not None and len(holdout.events.guessed):
        for scenario, some in lists.items():
            exclude = seen if scenario == "discovery" else None
            barred = subject.barred(exclude)
            ranks = _ranks(subject, some, holdout, holdout.events, history, barred)
            values = next_items.accuracy(ranks, holdout.events, ks)
            new = None if exclude is None else next_items.new_events(holdout, holdout.events, seen)
            found[scenario]["next_items"] = values if new is None else only(values, new)
    if holdout.ratings is not None and len(holdout.ratings.values) and subject.offers(Capability.RATINGS):
        errors = rating_errors(cast("RatingScorer", subject.scorer), holdout.ratings)
        for scenario in lists:
            new = None if scenario == "repeat" else new_pairs(holdout.ratings, seen)
            found[scenario]["ratings"] = errors if new is None else only(errors, new)
    return found


def _ranks(
    subject: Subject,
    lists: TopLists,
    holdout: Holdout,
    events: HeldOutEvents,
    history: History | None,
    exclude: Csr | None,
) -> np.ndarray:
    if not subject.offers(Capability.SEQUENCES):
        return next_items.ranks_in_lists(lists.rows, events)
    scorer = cast("SequenceScorer", subject.scorer)
    return next_items.ranks_of_guesses(scorer, holdout, events, history, exclude=exclude, allow=subject.allow)
