"""Recent popularity: counts in which an event is worth half as much after every half-life.

On many logs this beats all-time popularity by far (Ji et al., "A Re-visit of the Popularity Baseline in
Recommender Systems", SIGIR 2020), so it is the list for unknown users.
"""

import numpy as np
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.limits import MAX_DAYS
from data_contracts.scoring import Codes
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason
from tasks.models._explanations import popular
from tasks.models._search_space import Range
from tasks.numeric.scorers import ItemScores


class Config(ModelConfig):
    """How fast the past is forgotten."""

    half_life_days: float = Field(default=10.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Days after which an event counts half; 10 is an exponential decay by 1/e every 14.4 days."""


SPEC = ModelSpec(
    uses=frozenset({Need.TIMES}),
    offers=frozenset({Capability.EXPLANATIONS}),
    # From days to seasons.
    search={"half_life_days": Range(2.0, 180.0, log=True)},
    personal=False,
    collaborative=False,
)


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> ItemScores:
    """Count the events of each item, each as often as it weighs (once where ``kind = "count"``), older ones for less.

    Parameters
    ----------
    matrix
        Its timeline is counted, anonymous events included. A log without times has no recent past:
        every (user, item) pair then counts once, whatever it weighs, as for popularity.
    config
        The half-life.
    rng
        Not used: counting is not random.
    progress
        Not used: there is one step.

    Returns
    -------
    ItemScores
        The same list for every user and for unknown users.

    """
    return ItemScores(matrix.item_events(config.half_life_days), matrix.n_users)


def explain(
    scorer: ItemScores, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Say how many events count for each item."""
    return popular(scorer, item_codes)
