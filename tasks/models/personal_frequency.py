"""Personal frequency: what a user took before, most often first, filled up with what is popular.

Where people buy again, this is the baseline that most models lose to (Li et al., "A Next Basket
Recommendation Reality Check", TOIS 2023).
"""

import numpy as np
import numpy.typing as npt
from pydantic import AliasChoices, Field

from data_contracts.interactions import Csr, GroupedMatrix, History
from data_contracts.limits import MAX_DAYS
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason
from tasks.models._search_space import Categorical, Range
from tasks.numeric.common_order import rank_fractions
from tasks.numeric.scorers import PersonalScores


class Config(ModelConfig):
    """How fast each part of the list forgets; None never does."""

    half_life_days: float | None = Field(default=None, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Days after which a user's own event counts half; None counts all of them alike."""

    fill_half_life_days: float | None = Field(default=21.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Half-life of the popularity (among known users) that orders equal counts and fills short lists."""

    cold_start_half_life_days: float | None = Field(
        default=10.0,
        gt=0,
        le=MAX_DAYS,
        allow_inf_nan=False,
        # Its name in dataset files and publications made before version 0.2.
        validation_alias=AliasChoices("cold_start_half_life_days", "stranger_half_life_days"),
    )
    """Half-life of the popularity (anonymous events included) that an unknown user gets."""


SPEC = ModelSpec(
    uses=frozenset({Need.TIMES, Need.HISTORY}),
    offers=frozenset({Capability.EXPLANATIONS}),
    # From days to seasons; the user's own past may also be kept for good.
    search={
        "half_life_days": Categorical((None, 365.0, 180.0, 90.0, 60.0, 30.0, 14.0)),
        "fill_half_life_days": Range(2.0, 365.0, log=True),
        "cold_start_half_life_days": Range(2.0, 180.0, log=True),
    },
    collaborative=False,
)


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> PersonalScores:
    """Count each user's events per item, each as often as it weighs.

    Parameters
    ----------
    matrix
        Events are counted from its history, each by its value (1 where ``kind = "count"``); without one, the values of `by_user` stand for counts,
        which then cannot decay.
    config
        Half-lives of the user's own past, of the fill and of the cold-start list.
    rng
        Not used: counting is not random.
    progress
        Not used: there is one step.

    Returns
    -------
    PersonalScores
        Own items by count, ties and the rest by popularity, remaining ties by the lower code.

    Notes
    -----
    Popularity is worth less than the lightest event of today, and than 1: it decides between equal counts, and where counts
    decay also between nearly equal ones. On Online Retail that is better than letting it decide ties only.

    """
    own, lightest = matrix.by_user, 1.0
    if matrix.history is not None:
        lightest = min(
            1.0, float(np.min(matrix.history.values, where=matrix.history.values > 0, initial=1.0))
        )
        own = _own_counts(matrix.history, matrix.n_items, config.half_life_days)
    fill = rank_fractions(_known_popularity(matrix, config.fill_half_life_days))
    return PersonalScores(own, lightest * fill, matrix.item_events(config.cold_start_half_life_days))


def explain(
    scorer: PersonalScores,
    by_user: Csr,
    user_code: int,
    item_codes: npt.NDArray[np.integer],
    config: Config,
    n: int = 3,
) -> list[Reason]:
    """An item that the user had speaks for itself, any other is there because it is popular."""
    own, counts = scorer.own.row(user_code)
    had = dict(zip(own.tolist(), counts.tolist(), strict=True))
    fading = "" if config.half_life_days is None else ", older events counting less"
    return [
        Reason([(item, 1.0)], f"{had[item]:.3g} times in the user's past{fading}")
        if item in had
        else Reason([], "new to the user, and popular")
        for item in np.asarray(item_codes).tolist()
    ]


def _own_counts(history: History, n_items: int, half_life_days: float | None) -> Csr:
    """(n_users, n_items): decayed weight of each pair's events, never 0 so that an item once had stays one."""
    n_users = len(history.indptr) - 1
    owner = np.repeat(np.arange(n_users, dtype=np.int64), np.diff(history.indptr))
    pairs, position = np.unique(owner * n_items + history.items, return_inverse=True)
    counts = np.bincount(position, weights=_weights(history, half_life_days), minlength=len(pairs))
    indptr = np.searchsorted(pairs, np.arange(n_users + 1, dtype=np.int64) * n_items).astype(np.int64)
    return Csr(
        indptr,
        (pairs % max(n_items, 1)).astype(np.int32),
        np.maximum(counts, np.finfo(np.float32).tiny).astype(np.float32),
        n_items,
    )


def _known_popularity(matrix: GroupedMatrix, half_life_days: float | None) -> npt.NDArray[np.float64]:
    """Weight of known users' events per item, float64 (n_items,): only they are ever filled up."""
    if matrix.history is None:
        return matrix.item_events(half_life_days)
    weights = _weights(matrix.history, half_life_days)
    counts = np.bincount(matrix.history.items, weights=weights, minlength=matrix.n_items)
    return counts.astype(np.float64, copy=False)


def _weights(history: History, half_life_days: float | None) -> npt.NDArray[np.float64]:
    """What each event counts, float64 (n_events,)."""
    weights: npt.NDArray[np.float64] = history.values.astype(np.float64)
    if half_life_days is None:
        return weights
    return weights * np.exp2(-history.ages.astype(np.float64) / half_life_days)
