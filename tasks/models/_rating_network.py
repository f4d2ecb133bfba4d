"""Networks that predict ratings, in torch. Needs the extra ``neural``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from data_contracts.interactions import Csr
from tasks.models import Progress
from tasks.models._biased_factors import damped_means, damping_of, held_out, owners, part_of
from tasks.models._neural import Schedule, array, seeded, train

if TYPE_CHECKING:
    from tasks.models.gmf import Config

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


class Gmf(torch.nn.Module):
    """``w . (p * q) + user bias + item bias``."""

    def __init__(self, n_factors: int, mean: float, user_bias: Float64, item_bias: Float64) -> None:
        super().__init__()
        shape = len(user_bias), len(item_bias)
        self.users, self.items = (torch.nn.Embedding(n, n_factors) for n in shape)
        self.user_bias, self.item_bias = (torch.nn.Embedding(n, 1) for n in shape)
        for each in (self.users, self.items):
            torch.nn.init.normal_(each.weight, std=0.1)
        # From the damped means on: what is left to learn is taste.
        for each, start in ((self.user_bias, user_bias), (self.item_bias, item_bias)):
            with torch.no_grad():
                each.weight[:, 0] = torch.as_tensor(start, dtype=torch.float32)
        self.head = torch.nn.Parameter(torch.ones(n_factors))
        self.mean = torch.nn.Parameter(torch.tensor(mean))

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Predicted ratings, (n,)."""
        product = (self.users(users) * self.items(items)) @ self.head
        return product + self.user_bias(users)[:, 0] + self.item_bias(items)[:, 0] + self.mean

    def size(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Mean squared length of what a batch meets."""
        met = (self.users(users), self.items(items), self.user_bias(users), self.item_bias(items))
        return sum(((each**2).sum(1).mean() for each in met), torch.zeros(()))


def train_on_ratings(
    ratings: Csr,
    config: "Config",
    rng: np.random.Generator,
    progress: Progress | None,
) -> tuple[Float32, Float32, Float32, Float32]:
    """Train on most ratings, stop by the rest; (user vectors times the head, item vectors, user and item bias)."""
    held = held_out(ratings, config.validation_share, rng)
    known = part_of(ratings, ~held)
    means = damped_means(known, damping_of(known))
    learn, judge = np.flatnonzero(~held), np.flatnonzero(held)
    with seeded(rng, work=config.batch * 100.0) as device:
        network = Gmf(config.n_factors, *means).to(device)
        users, items, values = (
            torch.as_tensor(each, device=device)
            for each in (owners(ratings), ratings.indices.astype(np.int64), ratings.values.copy())
        )
        optimizer = torch.optim.Adagrad(network.parameters(), lr=config.learning_rate)

        def loss(rows: Int64, pull: float) -> torch.Tensor:
            at = torch.as_tensor(rows, device=device)
            error = ((network(users[at], items[at]) - values[at]) ** 2).mean()
            return error + pull * network.size(users[at], items[at]) if pull else error

        def batches() -> Iterator[torch.Tensor]:
            order = rng.permutation(learn)
            for first in range(0, len(order), config.batch):
                yield loss(order[first : first + config.batch], config.regularization)

        def validate() -> dict[str, float]:
            return {"validation_loss": float(loss(judge, 0.0))}

        schedule = Schedule(config.epochs, config.patience, config.min_delta)
        train(network, optimizer, batches, validate if len(judge) else None, schedule, progress)
        return _parts(network, ratings)


def _parts(network: Gmf, ratings: Csr) -> tuple[Float32, Float32, Float32, Float32]:
    users, items = array(network.users.weight * network.head), array(network.items.weight)
    # What has no rating was never moved: no taste, rather than a random one.
    users[ratings.lengths() == 0] = 0
    items[np.bincount(ratings.indices, minlength=ratings.shape[1]) == 0] = 0
    mean = float(network.mean.detach())
    return (
        users,
        items,
        array(network.user_bias.weight[:, 0]),
        array(network.item_bias.weight[:, 0]) + np.float32(mean),
    )
