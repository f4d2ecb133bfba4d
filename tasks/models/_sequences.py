"""From a history to a network of the next item, by torch. Needs the extra ``neural``."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import GroupedMatrix
from tasks.models import Progress
from tasks.models._neural import array, seeded
from tasks.models._sequence_network import Network, Shape, Training, train_network
from tasks.models._sequence_windows import held_users, windows_of
from tasks.numeric.attention import Attention
from tasks.numeric.recurrent import Recurrent


class TrainedNetwork(NamedTuple):
    """What a network has learned, as arrays."""

    network: Recurrent | Attention
    """Turns sequences to states."""
    items: npt.NDArray[np.float32]
    """float32 (n_items, n_factors): what states are multiplied with."""
    bias: npt.NDArray[np.float32]
    """float32 (n_items,)."""
    held: npt.NDArray[np.bool_]
    """bool (n_users,): users whose last moment it was not trained on."""


def fit_network(
    matrix: GroupedMatrix,
    shape: Shape,
    training: Training,
    rng: np.random.Generator,
    progress: Progress | None,
) -> TrainedNetwork:
    """Train a network on a history."""
    assert matrix.history is not None
    counts = np.bincount(matrix.history.items, minlength=matrix.n_items).astype(np.float64)
    events = min(len(matrix.history.items), training.batch)
    work = float(events) * shape.n_factors * (training.negatives or matrix.n_items)
    with seeded(rng, work) as device:
        network = Network(shape, matrix.n_items, matrix.n_users, counts)
        held = held_users(matrix.history, rng)
        windows = windows_of(matrix.history, shape.window, held)
        if windows[0].items:
            train_network(network, windows, counts, training, rng, device, progress)
        items, bias = array(network.targets.weight)[1:], array(network.bias)
        return TrainedNetwork(network.arrays(), np.ascontiguousarray(items), bias, held)
