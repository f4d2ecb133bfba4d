"""LSTM: the last five items through two layers of long short-term memory, and what comes next.

The network of the book chapter on Online Retail: windows of five items, vectors of 200 numbers, two layers of 200,
gradients cut at a norm of 5, Adam at 0.001. There, windows that are short begin with zeros and each event has one of its
own; here they are read as they are, and each place of a window learns, which is five times less work. A vector of each
user joins the state where `user_embedding` is set. S. Hochreiter, J. Schmidhuber: Long Short-Term Memory, 1997.
"""

import numpy as np
from pydantic import Field

from data_contracts.interactions import GroupedMatrix
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._cost import Cost, Sizes
from tasks.models._next_item import NextItemFactors, drawn_negatives, states_of_users
from tasks.models._search_space import Doubling, Range
from tasks.numeric.csr import check_matrix


class Config(ModelConfig):
    """Size of the network and schedule of its training."""

    n_factors: int = Field(default=200, ge=1, le=4096)
    """Length of the items' vectors and of the state."""
    n_layers: int = Field(default=2, ge=1, le=8)
    """Recurrent layers."""
    window: int = Field(default=5, ge=1, le=1_000)
    """Newest items that are read."""
    user_embedding: bool = False
    """Whether each user has a vector of their own beside the items': tastes that five items do not tell."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of the numbers that is dropped in training."""
    learning_rate: float = Field(default=1e-3, gt=0, le=1, allow_inf_nan=False)
    """Length of a step of Adam."""
    weight_decay: float = Field(default=0.0, ge=0, le=1e3, allow_inf_nan=False)
    """Pull of all weights towards 0, times the learning rate."""
    batch: int = Field(default=1_024, ge=1, le=1_000_000)
    """Events of windows stepped on at once."""
    negatives: int = Field(default=4_096, ge=1, le=1_000_000)
    """Items drawn for each batch where there are more than 15,000; of fewer, all."""
    epochs: int = Field(default=10, ge=1, le=10_000)
    """Passes at most."""
    patience: int = Field(default=2, ge=1, le=10_000)
    """Epochs without better ranks of held-out events after which training stops."""


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: two steps of all layers for each event, and products with the items."""
    against = drawn_negatives(sizes.n_items, config.negatives) or sizes.n_items
    per_event = 6.0 * config.n_factors * 2 * (against + 8 * config.n_layers * config.n_factors)
    rows = sizes.n_users * config.user_embedding + 2 * sizes.n_items
    return Cost(
        config.epochs * sizes.n_events * per_event / 2e11,
        24.0 * rows * config.n_factors + 200.0 * sizes.n_events,
    )


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.HISTORY}),
    offers=frozenset({Capability.SEQUENCES, Capability.SIMILAR_ITEMS}),
    extra="neural",
    search={
        "n_factors": Doubling(50, 200),
        "dropout": Range(0.0, 0.6),
        "learning_rate": Range(3e-4, 5e-3, log=True),
    },
    # Five items tell what is taken next, hardly who somebody is like.
    collaborative=False,
)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> NextItemFactors:
    """Train on every event and the five before it.

    Parameters
    ----------
    matrix
        With a history, whose order counts. Events of one moment, such as the rows of an invoice, have no honest order;
        they stand in one that was drawn.
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
        kind="lstm",
        n_factors=config.n_factors,
        n_hidden=config.n_factors,
        n_layers=config.n_layers,
        window=config.window,
        dropout=config.dropout,
        users=config.user_embedding,
        tied=False,
    )
    negatives = drawn_negatives(matrix.n_items_with_events, config.negatives)
    schedule = Schedule(config.epochs, config.patience, clip=5.0, decides="validation_mrr")
    training = Training(config.learning_rate, config.weight_decay, config.batch, negatives, schedule)
    found = fit_network(matrix, shape, training, rng, progress)
    assert matrix.history is not None
    states = states_of_users(found.network, matrix.history)
    return NextItemFactors(states, found.items, found.bias, network=found.network)
