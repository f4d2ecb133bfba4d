"""A recurrent network over items in torch, its training, and its arrays afterwards. Needs the extra ``neural``."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from data_contracts.interactions import History
from tasks.models import Progress
from tasks.models._neural import Schedule, array, train
from tasks.numeric.csr import ranges
from tasks.numeric.recurrent import Layer, Recurrent

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

VALIDATED = 2_000
"""Users, at most, whose last event says when to stop."""

SMALLEST_BATCH, FEWEST_STEPS = 4, 20
"""Windows of a batch at least, and steps of an epoch that batches are made smaller for."""


@dataclass(frozen=True)
class Shape:
    """Sizes of a network.

    Parameters
    ----------
    kind
        ``gru`` or ``lstm``.
    n_factors
        Length of the items' vectors; input and output share them where `tied`.
    n_hidden, n_layers
        Of the recurrent layers.
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


class Network(torch.nn.Module):
    """Vectors of items, recurrent layers, and a projection back to vectors of items."""

    def __init__(self, shape: Shape, n_items: int, n_users: int, counts: Float64) -> None:
        super().__init__()
        self.shape = shape
        self.items = torch.nn.Embedding(n_items + 1, shape.n_factors, padding_idx=0)
        torch.nn.init.normal_(self.items.weight, std=shape.n_factors**-0.5)
        with torch.no_grad():
            self.items.weight[0] = 0
        self.drop = torch.nn.Dropout(shape.dropout)
        made = torch.nn.LSTM if shape.kind == "lstm" else torch.nn.GRU
        between = shape.dropout if shape.n_layers > 1 else 0.0
        self.layers = made(shape.n_factors, shape.n_hidden, shape.n_layers, batch_first=True, dropout=between)
        self.out = torch.nn.Linear(shape.n_hidden, shape.n_factors)
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
        states, _ = self.layers(self.drop(self.items(windows)))
        states = self.out(self.drop(states))
        return states if self.users is None else states + self.drop(self.users(users))[:, None]

    def arrays(self) -> Recurrent:
        """The network without torch."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        layers = tuple(
            Layer(*(array(getattr(self.layers, f"{name}_l{at}")) for name in names))
            for at in range(self.shape.n_layers)
        )
        users = None if self.users is None else array(self.users.weight)
        shape = self.shape
        items, out = array(self.items.weight), (array(self.out.weight), array(self.out.bias))
        return Recurrent(shape.kind, items, layers, *out, users, shape.window)


@dataclass(frozen=True, eq=False)
class Windows:
    """What is read, and what comes next."""

    items: list[Int64]
    """Rows of item vectors, one array per window."""
    targets: list[Int64]
    """What comes next after each place; 0 = nothing to learn."""
    users: Int64
    """Rows of user vectors."""


def windows_of(history: History, shape: Shape, held: npt.NDArray[np.bool_]) -> tuple[Windows, Windows]:
    """Windows to learn from, and those whose last target is held out.

    Parameters
    ----------
    history
        Of all users.
    shape
        How long windows are; those of one user overlap by half, so that most targets have some items before them.
    held
        bool (n_users,): users whose last event is held out.

    """
    learn = _Collected()
    judge = _Collected()
    for user in np.flatnonzero(np.diff(history.indptr) > 1).tolist():
        items = history.items[history.indptr[user] : history.indptr[user + 1]].astype(np.int64) + 1
        known = items[:-1] if held[user] else items
        for end in range(len(known), 1, -max(1, shape.window // 2)):
            part = known[max(0, end - shape.window - 1) : end]
            learn.add(part[:-1], part[1:], user)
            if end <= shape.window + 1:
                break
        if held[user]:
            read = items[:-1][-shape.window :]
            judge.add(read, np.append(np.zeros(len(read) - 1, np.int64), items[-1]), user)
    return learn.windows(), judge.windows()


class _Collected:
    def __init__(self) -> None:
        self.items: list[Int64] = []
        self.targets: list[Int64] = []
        self.users: list[int] = []

    def add(self, items: Int64, targets: Int64, user: int) -> None:
        self.items.append(items)
        self.targets.append(targets)
        self.users.append(user + 1)

    def windows(self) -> Windows:
        return Windows(self.items, self.targets, np.array(self.users, np.int64))


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Parameters
    ----------
    learning_rate, weight_decay
        Of Adam with decoupled weight decay.
    batch
        Windows stepped on at once.
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
    """Cross-entropy of the next item, against all items or a draw of them."""

    def __init__(self, network: Network, counts: Float64, negatives: int, rng: np.random.Generator) -> None:
        self.network, self.negatives, self.rng = network, negatives, rng
        odds = (counts + 1.0) ** 0.5
        self.chance = odds / odds.sum()
        self.cumulative = np.cumsum(self.chance)

    def __call__(
        self, windows: Windows, rows: Int64, device: torch.device, *, full: bool = False
    ) -> torch.Tensor:
        """Mean over the targets of some windows."""
        items, targets = _padded(windows.items, rows), _padded(windows.targets, rows)
        users = torch.as_tensor(windows.users[rows], device=device)
        states = self.network(torch.as_tensor(items, device=device), users)
        goal = torch.as_tensor(targets, device=device)
        there = goal > 0
        states, goal = states[there], goal[there] - 1
        vectors, bias = self.network.targets.weight[1:], self.network.bias
        if full or not self.negatives:
            return functional.cross_entropy(states @ vectors.T + bias, goal)
        return self._sampled(states, goal, vectors, bias)

    def _sampled(
        self, states: torch.Tensor, goal: torch.Tensor, vectors: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        """Sampled softmax: each drawn item's score is lowered by the logarithm of how often it is drawn."""
        drawn = np.unique(
            np.searchsorted(self.cumulative, self.rng.random(self.negatives) * self.cumulative[-1])
        )
        codes = torch.as_tensor(np.minimum(drawn, len(self.chance) - 1), device=states.device)
        often = torch.as_tensor(
            np.log1p(-np.exp(self.negatives * np.log1p(-self.chance[drawn]))), dtype=torch.float32
        ).to(states.device)
        scores = states @ vectors[codes].T + bias[codes] - often
        scores = scores.masked_fill(codes[None] == goal[:, None], -torch.inf)
        own = (states * vectors[goal]).sum(-1, keepdim=True) + bias[goal][:, None]
        whole = torch.cat([own, scores], 1)
        return functional.cross_entropy(whole, torch.zeros_like(goal))


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
        network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
    )

    def batches() -> Iterator[torch.Tensor]:
        for rows in _batches(learn, training.batch, rng):
            yield loss(learn, rows, device)

    def validate() -> dict[str, float]:
        parts = np.array_split(np.arange(len(judge.items)), max(1, len(judge.items) // 512))
        values = [float(loss(judge, rows, device, full=True)) * len(rows) for rows in parts]
        return {"validation_loss": sum(values) / len(judge.items)}

    train(network, optimizer, batches, validate if judge.items else None, training.schedule, progress)
    network.cpu()


def held_users(history: History, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Users whose last event is held out: a draw of a tenth of those with three events or more."""
    able = np.flatnonzero(np.diff(history.indptr) > 2)
    held = np.zeros(len(history.indptr) - 1, np.bool_)
    held[rng.choice(able, min(VALIDATED, len(able) // 10), replace=False)] = True
    return held


def _padded(parts: list[Int64], rows: Int64) -> Int64:
    """Some windows side by side, filled up with 0 on the right."""
    lengths = np.array([len(parts[row]) for row in rows])
    table = np.zeros((len(rows), int(lengths.max())), np.int64)
    table[np.repeat(np.arange(len(rows)), lengths), ranges(np.zeros(len(rows), np.int64), lengths)] = (
        np.concatenate([parts[row] for row in rows])
    )
    return table


def _batches(windows: Windows, size: int, rng: np.random.Generator) -> Iterator[Int64]:
    """Rows of batches in random order; windows of about one length are together, so that little is filled up."""
    lengths = np.array([len(each) for each in windows.items])
    size = max(SMALLEST_BATCH, min(size, len(lengths) // FEWEST_STEPS))
    order = rng.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    starts = np.arange(0, len(order), size)
    for first in rng.permutation(starts):
        yield order[first : first + size]
