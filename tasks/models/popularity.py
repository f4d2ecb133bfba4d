"""Popularity: everybody gets what was taken most. The first baseline of every comparison."""

import numpy as np

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Codes
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason
from tasks.models._explanations import popular
from tasks.numeric.scorers import ItemScores

SPEC = ModelSpec(
    uses=frozenset({Need.TIMES}),
    offers=frozenset({Capability.EXPLANATIONS}),
    personal=False,
    collaborative=False,
)


class Config(ModelConfig):
    """Popularity has nothing to set."""


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> ItemScores:
    """Count the events of each item over all time, each as often as it weighs (once where ``kind = "count"``).

    Parameters
    ----------
    matrix
        Its timeline is counted, anonymous events included; without times, every (user, item) pair
        once, whatever it weighs.
    config
        Empty.
    rng
        Not used: counting is not random.
    progress
        Not used: there is one step.

    Returns
    -------
    ItemScores
        The same list for every user and for unknown users.

    """
    return ItemScores(matrix.item_events(None), matrix.n_users)


def explain(
    scorer: ItemScores, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Say how many events count for each item."""
    return popular(scorer, item_codes)
