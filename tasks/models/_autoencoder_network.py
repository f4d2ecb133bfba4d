"""The autoencoder of items in torch. Needs the extra ``neural``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from data_contracts.interactions import Csr
from tasks.models import Progress
from tasks.models._neural import Schedule, array, seeded, train
from tasks.numeric.csr import ranges, transpose_order
from tasks.numeric.transpose import transposed

if TYPE_CHECKING:
    from tasks.models.autoencoder import Config

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


class Autoencoder(torch.nn.Module):
    """n_users, hidden, code, hidden, n_users."""

    def __init__(self, n_users: int, config: "Config") -> None:
        super().__init__()
        self.read = torch.nn.Linear(n_users, config.n_hidden)
        self.encode = torch.nn.Linear(config.n_hidden, config.n_code)
        self.drop = torch.nn.Dropout(config.dropout)
        self.decode = torch.nn.Linear(config.n_code, config.n_hidden)
        self.write = torch.nn.Linear(config.n_hidden, n_users)

    def hidden(self, rows: torch.Tensor) -> torch.Tensor:
        """The last hidden layer of some items, (n, n_hidden)."""
        code = torch.selu(self.encode(torch.selu(self.read(rows))))
        return torch.selu(self.decode(self.drop(code)))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Ratings by all users, (n, n_users)."""
        return self.write(self.hidden(rows))


class Rows:
    """Items' ratings, dense a few at a time."""

    def __init__(self, by_item: Csr, kept: npt.NDArray[np.bool_], device: torch.device) -> None:
        self.by_item, self.kept, self.device = by_item, kept, device

    def dense(self, items: Int64) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and whether they are there, (len(items), n_users) each; 0 where not."""
        lengths = self.by_item.lengths()[items]
        places = ranges(self.by_item.indptr[items], lengths)
        owner = np.repeat(np.arange(len(items)), lengths)
        kept = self.kept[places]
        values = np.zeros((len(items), self.by_item.n_cols), np.float32)
        there = np.zeros(values.shape, np.bool_)
        values[owner[kept], self.by_item.indices[places[kept]]] = self.by_item.values[places[kept]]
        there[owner[kept], self.by_item.indices[places[kept]]] = True
        return torch.as_tensor(values, device=self.device), torch.as_tensor(there, device=self.device)


def train_autoencoder(
    ratings: Csr,
    held_by_user: npt.NDArray[np.bool_],
    config: "Config",
    rng: np.random.Generator,
    progress: Progress | None,
) -> tuple[Float32, Float32, Float32]:
    """(Weights to each user (n_users, n_hidden), last hidden layer of each item (n_items, n_hidden), users' offsets)."""
    by_item = transposed(ratings)
    held = held_by_user[transpose_order(ratings)]
    rated = np.flatnonzero(by_item.lengths() > 0)
    with seeded(rng, work=2.0 * config.batch * config.n_hidden * by_item.n_cols) as device:
        network = Autoencoder(by_item.n_cols, config).to(device)
        known, judged = Rows(by_item, ~held, device), Rows(by_item, held, device)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

        def batches() -> Iterator[torch.Tensor]:
            order = rng.permutation(rated)
            for first in range(0, len(order), config.batch):
                values, there = known.dense(order[first : first + config.batch])
                if there.any():
                    found = network(values)
                    yield ((found - values)[there] ** 2).mean()
                    if config.refeed:
                        whole = found.detach()
                        yield ((network(whole) - whole) ** 2).mean()

        def validate() -> dict[str, float]:
            total = 0.0
            for first in range(0, len(rated), config.batch):
                some = rated[first : first + config.batch]
                values, there = judged.dense(some)
                total += float(((network(known.dense(some)[0]) - values)[there] ** 2).sum())
            return {"validation_loss": total / held.sum()}

        schedule = Schedule(config.epochs, config.patience, config.min_delta)
        train(network, optimizer, batches, validate if held.any() else None, schedule, progress)
        return _arrays(network, by_item, config.batch, device)


def _arrays(
    network: Autoencoder, by_item: Csr, batch: int, device: torch.device
) -> tuple[Float32, Float32, Float32]:
    everything = Rows(by_item, np.ones(by_item.nnz, np.bool_), device)
    n_items = by_item.shape[0]
    with torch.no_grad():
        parts = [
            array(network.hidden(everything.dense(np.arange(first, min(first + batch, n_items)))[0]))
            for first in range(0, n_items, batch)
        ]
    return array(network.write.weight), np.concatenate(parts), array(network.write.bias)
