"""Popularity: everybody gets what was taken most often. The first baseline of every comparison."""

import numpy as np

from data_contracts.interactions import GroupedMatrix
from data_contracts.scoring import ItemScores
from tasks.models import ModelConfig, Progress


class Config(ModelConfig):
    """Popularity has nothing to set."""


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> ItemScores:
    """Count the events of each item over all time.

    Parameters
    ----------
    matrix
        Its timeline is counted, anonymous events included; without times, every (user, item) pair once.
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
