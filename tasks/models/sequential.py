"""Sequential: causal self-attention reads what a user took, in order, and ranks what comes next.

SASRec (W. Kang, J. McAuley, ICDM 2018) with what has made such networks strong since: cross-entropy over all items, or a
sample of them with the correction for how likely each is in it, one set of vectors for input and output, dropout (A.
Klenitskiy, A. Vasilev, RecSys 2023: the loss counts for more than the architecture), and normalisation before each layer. What
followed the last items in the log, and that an item was taken before, are added to its scores
(:mod:`tasks.models._continuation`): on held-out users these say how much.
"""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from data_contracts.interactions import GroupedMatrix
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._continuation import KEPT, ContinuedFactors, continued
from tasks.models._cost import Cost, Sizes
from tasks.models._next_item import drawn_negatives
from tasks.models._search_space import Doubling, Range
from tasks.numeric.csr import check_matrix

MOST_PRODUCTS = 6_500_000_000
"""Products of a state and an item that training takes where it may choose: some five minutes on two cores."""

Auto = Literal["auto"]


class Config(ModelConfig):
    """Size of the network and schedule of its training."""

    n_factors: int = Field(default=128, ge=1, le=4096)
    """Length of the items' vectors and of the state."""
    n_layers: int = Field(default=1, ge=1, le=8)
    """Layers of attention."""
    n_heads: int = Field(default=2, ge=1, le=64)
    """Parts of the state that attend on their own; divides `n_factors`."""
    window: int = Field(default=50, ge=1, le=1_000)
    """Newest items that are read."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Share of the numbers that is dropped in training."""
    learning_rate: float = Field(default=2e-3, gt=0, le=1, allow_inf_nan=False)
    """Length of a step of Adam."""
    weight_decay: float = Field(default=0.0, ge=0, le=1e3, allow_inf_nan=False)
    """Pull of all weights towards 0, times the learning rate."""
    batch: int = Field(default=1_024, ge=1, le=1_000_000)
    """Events of sequences stepped on at once."""
    negatives: int = Field(default=2_048, ge=1, le=1_000_000)
    """Items drawn for each batch where there are more than 15,000, beside those in it; of fewer, all."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | Auto = "auto"
    """Passes at most. "auto" is 10, and fewer, but never less than 3, where events times the items that each is held
    against would be more than :data:`MOST_PRODUCTS`."""
    patience: int = Field(default=5, ge=1, le=10_000)
    """Epochs without better ranks of held-out events after which training stops."""

    @model_validator(mode="after")
    def _heads_are_of_one_size(self) -> Self:
        if self.n_factors % self.n_heads:
            raise ValueError(f"n_heads must divide n_factors; got {self.n_heads} and {self.n_factors}")
        return self

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Replace "auto" by a number of epochs; nothing is drawn."""
        n_events = matrix.nnz if matrix.history is None else len(matrix.history.items)
        return self.model_copy(update={"epochs": self.epochs_for(n_events, matrix.n_items_with_events)})

    def against(self, n_items: int) -> int:
        """Items that each event is held against."""
        drawn = drawn_negatives(n_items, self.negatives)
        return drawn + self.batch if drawn else n_items

    def epochs_for(self, n_events: int, n_items: int) -> int:
        """The number of epochs, for a log of this size where it is "auto"."""
        if self.epochs != "auto":
            return self.epochs
        return max(3, min(10, MOST_PRODUCTS // max(1, n_events * self.against(n_items))))


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: the product of every state with the items it is held against."""
    against = config.against(sizes.n_items)
    per_event = 6.0 * config.n_factors * (against + 12 * config.n_layers * config.n_factors)
    rows = sizes.n_users + sizes.n_items
    return Cost(
        config.epochs_for(sizes.n_events, sizes.n_items) * sizes.n_events * per_event / 2e10,
        24.0 * rows * config.n_factors + 12.0 * KEPT * sizes.n_users + 200.0 * sizes.n_events,
    )


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.HISTORY}),
    offers=frozenset({Capability.SEQUENCES, Capability.SIMILAR_ITEMS}),
    extra="neural",
    search={
        "n_factors": Doubling(64, 256),
        "dropout": Range(0.1, 0.6),
        "learning_rate": Range(3e-4, 5e-3, log=True),
    },
)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> ContinuedFactors:
    """Train on everybody's events in order.

    Parameters
    ----------
    matrix
        With a history, whose order counts; events of one moment stand in one that was drawn.
    config
        Parameters of the model.
    rng
        Source of the first weights, of batches, negatives, and of the users whose last event says when to stop.
    progress
        Called after each epoch with ``loss``, ``validation_loss`` and ``validation_mrr``, the mean reciprocal rank of
        held-out last events.

    Raises
    ------
    ValueError
        If the matrix has no entries, or if training diverges.

    """
    from tasks.models._neural import Schedule
    from tasks.models._sequence_network import Shape, Training
    from tasks.models._sequences import fit_network

    check_matrix(matrix)
    shape = Shape(
        kind="attention",
        n_factors=config.n_factors,
        n_hidden=config.n_factors,
        n_layers=config.n_layers,
        window=config.window,
        dropout=config.dropout,
        users=False,
        tied=True,
        n_heads=config.n_heads,
    )
    negatives = drawn_negatives(matrix.n_items_with_events, config.negatives)
    epochs = config.settled(matrix, rng=rng).epochs
    assert epochs != "auto"
    schedule = Schedule(epochs, config.patience, clip=5.0, decides="validation_mrr")
    training = Training(config.learning_rate, config.weight_decay, config.batch, negatives, schedule)
    found = fit_network(matrix, shape, training, rng, progress)
    assert matrix.history is not None
    return continued(found.network, found.items, found.bias, matrix.history, found.held)
