"""The network of ``content_net`` and its training; imported by that model's ``fit`` alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.models import Progress
from tasks.models._content_steps import States, Steps, steps_of
from tasks.models._neural import Schedule, array, seeded, train
from tasks.models.content_net import Config
from tasks.numeric.csr import ranges
from tasks.numeric.exclusion import take_rows

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

MOST_SCORED: Final = 8_192
"""Items that a batch is told apart from; of a larger catalogue they are drawn anew for each batch."""
MOST_STEPS: Final = 100_000
"""Steps of one epoch; of a longer log they are drawn anew for each."""
FEWEST_BATCHES: Final = 32
"""Batches of an epoch of a short log, whose batches are smaller."""
FEWEST_STEPS: Final = 32
"""Steps of a batch, at least."""
VALIDATED: Final = 0.1
"""Share of the users whose last step is held out."""
FEWEST_VALIDATED: Final = 20
"""With fewer of them, all epochs are trained."""
MOST_VALIDATED: Final = 5_000
"""Of them, so that a look at them stays short."""


class Inputs(NamedTuple):
    """What is known of the items."""

    dense: Float32
    """(n_items, n_dense): titles and buckets."""
    labels: list[Csr]
    """(n_items, n_labels) of each labels attribute."""
    popular: Float32
    """(n_items,): log of each item's share of all pairs, where the biases start."""


class Network(torch.nn.Module):
    """Vectors of the items of a state, their weighted mean, dense layers, and a score for each next item.

    Parameters
    ----------
    inputs
        Of the items.
    config
        Sizes of the layers.

    """

    dense: torch.Tensor

    def __init__(self, inputs: Inputs, config: Config) -> None:
        super().__init__()
        n_items, n_dense = inputs.dense.shape
        labels = self.labels = inputs.labels
        self.register_buffer("dense", torch.from_numpy(inputs.dense), persistent=False)
        self.ids = torch.nn.Embedding(n_items, config.id_size)
        self.names = torch.nn.ModuleList(
            torch.nn.EmbeddingBag(max(1, each.n_cols), config.label_size, mode="mean") for each in labels
        )
        self.width = config.id_size + config.label_size * len(labels) + n_dense
        sizes = (self.width, *config.layers)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(before, after) for before, after in pairwise(sizes))
        self.dropout = torch.nn.Dropout(config.dropout)
        self.out = torch.nn.Embedding(n_items, sizes[-1])
        self.content = torch.nn.Linear(self.width - config.id_size, sizes[-1], bias=False)
        torch.nn.init.normal_(self.ids.weight, std=0.1)
        torch.nn.init.normal_(self.out.weight, std=0.01)
        self.bias = torch.nn.Parameter(torch.from_numpy(inputs.popular))
        self.again = torch.nn.Parameter(torch.zeros(2))

    def vectors(self, items: Int64) -> torch.Tensor:
        """What goes in of some items, (n_wanted, width)."""
        device = self.bias.device
        codes = torch.from_numpy(items).to(device)
        parts = [self.ids(codes)]
        for bag, each in zip(self.names, self.labels, strict=True):
            rows = take_rows(each, items)
            names = torch.from_numpy(rows.indices.astype(np.int64)).to(device)
            parts.append(bag(names, torch.from_numpy(rows.indptr[:-1]).to(device)))
        return torch.cat([*parts, self.dense[codes]], dim=1)

    def hidden(self, states: States) -> torch.Tensor:
        """Output of the last dense layer, (n_states, n_hidden)."""
        device = self.bias.device
        items, places = np.unique(states.items, return_inverse=True)
        found = torch.zeros((len(states.indptr) - 1, self.width), device=device)
        if len(items):
            found = functional.embedding_bag(
                torch.from_numpy(places.astype(np.int64)).to(device),
                self.vectors(items.astype(np.int64)),
                torch.from_numpy(states.indptr[:-1]).to(device),
                mode="sum",
                per_sample_weights=torch.from_numpy(states.weights).to(device),
            )
        for layer in self.layers:
            found = self.dropout(functional.relu(layer(found)))
        return found

    def targets(self, items: Int64) -> torch.Tensor:
        """What some items are scored by, (n_wanted, n_hidden): their own vectors, and what their features say."""
        features = self.vectors(items)[:, self.ids.embedding_dim :]
        return self.out(torch.from_numpy(items).to(self.bias.device)) + self.content(features)

    def forward(self, states: States, items: Int64) -> torch.Tensor:
        """Scores of some items, whose codes rise, as the next one of each state, (n_states, n_wanted)."""
        device = self.bias.device
        codes = torch.from_numpy(items).to(device)
        scores = self.hidden(states) @ self.targets(items).T + self.bias[codes]
        had = states.counts(len(self.bias))
        place, found = _places(items, had.indices)
        rows = np.repeat(np.arange(len(scores)), had.lengths())[found]
        counts = torch.from_numpy(had.values[found]).to(device)
        again = self.again[0] * counts + self.again[1]
        at = torch.from_numpy(rows).to(device), torch.from_numpy(place[found]).to(device)
        return scores.index_put(at, again, accumulate=True)


@dataclass(frozen=True, eq=False)
class Trained:
    """What was learned, as arrays; fields as :class:`tasks.models.content_net.NetScores` has them."""

    vectors: Float32
    items: Float32
    bias: Float32
    again: Float32
    layers: list[tuple[Float32, Float32]]
    """Weights (n_in, n_out) and bias of each dense layer."""


def trained(
    inputs: Inputs,
    matrix: GroupedMatrix,
    config: Config,
    rng: np.random.Generator,
    progress: Progress | None,
) -> Trained:
    """Make a network, train it on the steps of all users, and read its weights."""
    with seeded(rng) as device:
        network = Network(inputs, config).to(device)
        _fit(network, matrix, config, rng, progress)
        everything = np.arange(matrix.n_items)
        with torch.no_grad():
            # What nobody has taken is known by its features alone.
            network.out.weight[matrix.n_items_with_events :] = 0.0
            return Trained(
                array(network.vectors(everything)),
                array(network.targets(everything)),
                array(network.bias),
                array(network.again),
                [(array(each.weight.T), array(each.bias)) for each in network.layers],
            )


def _fit(
    network: Network,
    matrix: GroupedMatrix,
    config: Config,
    rng: np.random.Generator,
    progress: Progress | None,
) -> None:
    """Train in place on the steps of all users; early stopping looks at the last steps of some of them."""
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    n_items = matrix.n_items_with_events
    steps = steps_of(matrix, rng)
    held = _held_out(steps, rng)
    checked, in_order = steps.some(np.flatnonzero(held)), matrix.history is not None

    def batches() -> Iterator[torch.Tensor]:
        # Without an order, what speaks for what is drawn anew for each epoch; steps stay the same users'.
        now = (steps if in_order else steps_of(matrix, rng)).some(np.flatnonzero(~held))
        order = rng.permutation(len(now.begins))[:MOST_STEPS]
        size = min(config.batch_size, max(FEWEST_STEPS, len(order) // FEWEST_BATCHES))
        for first in range(0, len(order), size):
            yield _loss(network, now.some(order[first : first + size]), n_items, config, rng)

    def validate() -> dict[str, float]:
        # The same draw each time: losses of epochs are compared.
        fixed, size = np.random.default_rng(0), config.batch_size
        parts = [np.arange(first, min(first + size, held.sum())) for first in range(0, held.sum(), size)]
        losses = [float(_loss(network, checked.some(each), n_items, config, fixed)) for each in parts]
        return {"validation_loss": float(np.average(losses, weights=[len(each) for each in parts]))}

    train(
        network,
        optimizer,
        batches,
        validate if held.any() else None,
        Schedule(config.epochs, config.patience),
        progress,
    )


def _held_out(steps: Steps, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Some users' last steps, bool (n_steps,); none where there are too few to tell anything."""
    last = np.append(steps.starts[1:] != steps.starts[:-1], True) & (steps.begins > steps.starts)
    chosen = rng.permutation(np.flatnonzero(last))[: min(MOST_VALIDATED, int(VALIDATED * last.sum()))]
    held = np.zeros(len(last), np.bool_)
    held[chosen if len(chosen) >= FEWEST_VALIDATED else []] = True
    return held


def _loss(
    network: Network, steps: Steps, n_items: int, config: Config, rng: np.random.Generator
) -> torch.Tensor:
    """Mean over the steps of the mean cross entropy of their targets, against all items or those drawn."""
    states = States.of(steps.items, steps.starts, steps.begins, config.n_last, config.half_life)
    lengths = steps.ends - steps.begins
    targets = steps.items[ranges(steps.begins, lengths)].astype(np.int64)
    items, offsets = _scored(targets, n_items, rng)
    device = network.bias.device
    logs = functional.log_softmax(network(states, items) + torch.from_numpy(offsets).to(device), dim=1)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    place, _ = _places(items, targets)
    picked = logs[torch.from_numpy(rows).to(device), torch.from_numpy(place).to(device)]
    weights = torch.from_numpy((1.0 / lengths[rows] / len(lengths)).astype(np.float32)).to(device)
    return -(picked * weights).sum()


def _scored(targets: Int64, n_items: int, rng: np.random.Generator) -> tuple[Int64, Float32]:
    """Items of a batch's softmax, rising, and what is added to their scores.

    The targets and a sample of the others, each of which stands for as many as it was drawn from, so that the
    expected sum is that of all (Bengio, Senecal, AISTATS 2003); all items where there are no more.
    """
    if n_items <= MOST_SCORED:
        return np.arange(n_items), np.zeros(n_items, np.float32)
    wanted = np.unique(targets)
    drawn = np.setdiff1d(rng.choice(n_items, MOST_SCORED, replace=False), wanted)
    items = np.union1d(wanted, drawn).astype(np.int64)
    share = max(1, len(drawn)) / max(1, n_items - len(wanted))
    return items, np.where(np.isin(items, wanted), 0.0, -np.log(share)).astype(np.float32)


def _places(items: Int64, wanted: npt.NDArray[np.integer]) -> tuple[Int64, npt.NDArray[np.bool_]]:
    """Place of each wanted code among rising `items`, and whether it is there."""
    place = np.minimum(np.searchsorted(items, wanted), len(items) - 1)
    return place, items[place] == wanted
