"""From a history to a scorer of the next item, by a network in torch. Needs the extra ``neural``."""

import numpy as np

from data_contracts.interactions import GroupedMatrix
from tasks.models import Progress
from tasks.models._neural import array, seeded
from tasks.models._next_item import NextItemFactors, scorer_of
from tasks.models._sequence_network import Network, Shape, Training, train_network
from tasks.models._sequence_windows import held_users, windows_of


def fit_network(
    matrix: GroupedMatrix,
    shape: Shape,
    training: Training,
    rng: np.random.Generator,
    progress: Progress | None,
) -> NextItemFactors:
    """Train a network on a history, and compute every user's state."""
    assert matrix.history is not None
    counts = np.bincount(matrix.history.items, minlength=matrix.n_items).astype(np.float64)
    events = min(len(matrix.history.items), training.batch)
    work = float(events) * shape.n_factors * (training.negatives or matrix.n_items)
    with seeded(rng, work) as device:
        network = Network(shape, matrix.n_items, matrix.n_users, counts)
        windows = windows_of(matrix.history, shape.window, held_users(matrix.history, rng))
        if windows[0].items:
            train_network(network, windows, counts, training, rng, device, progress)
        items, bias = array(network.targets.weight)[1:], array(network.bias)
        return scorer_of(network.arrays(), items, bias, matrix.history)
