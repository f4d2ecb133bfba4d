"""A network over sequences of items in torch, its training, and its arrays afterwards. Needs the extra ``neural``."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from tasks.models import Progress
from tasks.models._attention_network import CausalAttention
from tasks.models._neural import Schedule, train
from tasks.models._recurrent_network import RecurrentLayers
from tasks.models._sequence_windows import Windows, batches_of, padded
from tasks.numeric.attention import Attention
from tasks.numeric.recurrent import Recurrent

Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

WARM_UP, LAST_RATE = 0.05, 0.05
"""Share of all steps in which the learning rate rises, and what is left of it at the end."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a network.

    Parameters
    ----------
    kind
        ``attention``, ``gru`` or ``lstm``.
    n_factors
        Length of the items' vectors; input and output share them where `tied`.
    n_hidden, n_layers
        Of the layers; those of attention are as wide as the items' vectors.
    window
        Newest items that are read.
    dropout
        Share of the numbers of the input and between layers that is dropped in training.
    users
        Whether each user has a vector that is added to the state.
    tied
        Whether items are the same vectors in input and output.

    """

    kind: str
    n_factors: int
    n_hidden: int
    n_layers: int
    window: int
    dropout: float
    users: bool
    tied: bool
    n_heads: int = 1
    """Of attention."""


class Network(torch.nn.Module):
    """Vectors of items, layers that read them in order, and what turns states back to vectors of items."""

    def __init__(self, shape: Shape, n_items: int, n_users: int, counts: Float64) -> None:
        super().__init__()
        self.shape = shape
        self.items = torch.nn.Embedding(n_items + 1, shape.n_factors, padding_idx=0)
        torch.nn.init.normal_(self.items.weight, std=shape.n_factors**-0.5)
        with torch.no_grad():
            self.items.weight[0] = 0
        self.drop = torch.nn.Dropout(shape.dropout)
        sizes = shape.n_factors, shape.n_hidden, shape.n_layers, shape.window, shape.dropout
        self.reader: CausalAttention | RecurrentLayers = (
            CausalAttention(shape.n_factors, shape.n_layers, shape.n_heads, shape.window, shape.dropout)
            if shape.kind == "attention"
            else RecurrentLayers(shape.kind, *sizes)
        )
        self.targets = self.items if shape.tied else torch.nn.Embedding(n_items + 1, shape.n_factors)
        if not shape.tied:
            torch.nn.init.normal_(self.targets.weight, std=shape.n_factors**-0.5)
        # What is taken more often is likelier from the first step on.
        odds = np.log((counts + 1) / (counts.sum() + len(counts)))
        self.bias = torch.nn.Parameter(torch.as_tensor(odds, dtype=torch.float32))
        self.users = torch.nn.Embedding(n_users + 1, shape.n_factors, padding_idx=0) if shape.users else None
        if self.users is not None:
            torch.nn.init.zeros_(self.users.weight)

    def forward(self, windows: torch.Tensor, users: torch.Tensor) -> torch.Tensor:
        """States after each place, (n, length, n_factors)."""
        states: torch.Tensor = self.reader(self.items(windows))
        return states if self.users is None else states + self.drop(self.users(users))[:, None]

    def arrays(self) -> Recurrent | Attention:
        """The network without torch."""
        if isinstance(self.reader, CausalAttention):
            return self.reader.arrays(self.items.weight)
        return self.reader.arrays(self.items.weight, None if self.users is None else self.users.weight)


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    learning_rate, weight_decay
        Of Adam with decoupled weight decay.
    batch
        Places of windows stepped on at once.
    negatives
        Items drawn for each batch against which a target is held; 0 holds it against all.
    schedule
        How long.

    """

    learning_rate: float
    weight_decay: float
    batch: int
    negatives: int
    schedule: Schedule


class Loss:
    """Cross-entropy of the next item, against all items or a sample of them.

    A sample is what was drawn and what stands in the batch. Each item's score is lowered by the logarithm of the
    chance that it is in the sample, which makes the sum over the sample an estimate of that over all (Y. Bengio, J.
    Senecal 2008). Items of the own sequence always are: so the network learns whether to repeat them.
    """

    def __init__(self, network: Network, counts: Float64, negatives: int, rng: np.random.Generator) -> None:
        self.network, self.negatives, self.rng = network, negatives, rng
        odds = (counts + 1.0) ** 0.5
        self.chance = odds / odds.sum()
        self.cumulative = np.cumsum(self.chance)
        self.share = counts / max(1.0, counts.sum())

    def __call__(self, windows: Windows, rows: Int64, device: torch.device) -> torch.Tensor:
        """Mean over the targets of some windows."""
        states, goal = self._states(windows, rows, device)
        vectors, bias = self.network.targets.weight[1:], self.network.bias
        if not self.negatives:
            return functional.cross_entropy(states @ vectors.T + bias, goal)
        codes, seldom = self._sample(windows, rows)
        sampled = torch.as_tensor(codes, device=device)
        scores = states @ vectors[sampled].T + bias[sampled]
        lowered = torch.as_tensor(seldom, device=device).expand_as(scores).clone()
        lowered[tuple(torch.as_tensor(each, device=device) for each in _own(windows, rows, codes))] = 0
        at = torch.as_tensor(np.searchsorted(codes, goal.cpu().numpy()), device=device)
        return functional.cross_entropy(scores - lowered, at)

    def _sample(self, windows: Windows, rows: Int64) -> tuple[Int64, Float32]:
        """Rising codes, and the logarithm of each one's chance to be among them."""
        drawn = np.searchsorted(self.cumulative, self.rng.random(self.negatives) * self.cumulative[-1])
        there = np.concatenate([each[row] for each in (windows.items, windows.targets) for row in rows]) - 1
        codes = np.union1d(np.minimum(drawn, len(self.chance) - 1), there[there >= 0])
        places = sum(len(windows.targets[row]) for row in rows)
        absent = self.negatives * np.log1p(-self.chance[codes])
        absent += places * np.log1p(-np.minimum(self.share[codes], 1 - 1e-9))
        return codes, np.log(-np.expm1(absent)).astype(np.float32)

    def judged(self, windows: Windows, rows: Int64, device: torch.device) -> tuple[float, float]:
        """Mean cross-entropy against all items, and mean reciprocal rank among them."""
        states, goal = self._states(windows, rows, device)
        scores = states @ self.network.targets.weight[1:].T + self.network.bias
        own = scores.gather(1, goal[:, None])
        ranks = (scores > own).sum(1) + (scores == own).sum(1)
        return float(functional.cross_entropy(scores, goal)), float((1.0 / ranks).mean())

    def _states(
        self, windows: Windows, rows: Int64, device: torch.device
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """States that lead to a target, and the targets' codes."""
        items, targets = padded(windows.items, rows), padded(windows.targets, rows)
        users = torch.as_tensor(windows.users[rows], device=device)
        states = self.network(torch.as_tensor(items, device=device), users)
        goal = torch.as_tensor(targets, device=device)
        there = goal > 0
        return states[there], goal[there] - 1


def train_network(
    network: Network,
    windows: tuple[Windows, Windows],
    counts: Float64,
    training: Training,
    rng: np.random.Generator,
    device: torch.device,
    progress: Progress | None,
) -> None:
    """Train in place until the held-out last events are no longer predicted better."""
    learn, judge = windows
    network.to(device)
    loss = Loss(network, counts, training.negatives, rng)
    # Sparse rows of item vectors all move: plain Adam is what the recipes for sequences use.
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay, fused=True
    )
    steps = training.schedule.epochs * len(batches_of(learn, training.batch, np.random.default_rng(0)))
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step / max(1, steps)))

    def batches() -> Iterator[torch.Tensor]:
        for rows in batches_of(learn, training.batch, rng):
            yield loss(learn, rows, device)
            rate.step()

    def validate() -> dict[str, float]:
        parts = np.array_split(np.arange(len(judge.items)), max(1, len(judge.items) // 256))
        figures = np.array([loss.judged(judge, rows, device) for rows in parts])
        mean = np.average(figures, axis=0, weights=[len(rows) for rows in parts])
        return {"validation_loss": float(mean[0]), "validation_mrr": float(mean[1])}

    train(network, optimizer, batches, validate if judge.items else None, training.schedule, progress)
    network.cpu()


def _rate(done: float) -> float:
    """Share of the learning rate after a share of all steps: a short rise, then half a cosine."""
    return min(1.0, done / WARM_UP + 0.01) * (
        LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * done)) / 2
    )


def _own(windows: Windows, rows: Int64, codes: Int64) -> tuple[Int64, Int64]:
    """Places that have a target, counted over some windows, and where in `codes` the items of their windows are."""
    places, columns, first = [], [], 0
    for row in rows:
        n = int(np.count_nonzero(windows.targets[row]))
        whole = np.union1d(windows.items[row], windows.targets[row])
        at = np.searchsorted(codes, whole[whole > 0] - 1)
        places.append(np.repeat(np.arange(first, first + n), len(at)))
        columns.append(np.tile(at, n))
        first += n
    return np.concatenate(places), np.concatenate(columns)
