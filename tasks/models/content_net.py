"""Content network: what is taken next, from the features of what a user had last.

The network of Google Cloud's course "Recommendation Systems on Google Cloud" (content-based filtering by neural
networks: item code, author, months and title of the current article go in, a softmax over the next one comes out),
which is the candidate network of P. Covington, J. Adams, E. Sargin: Deep Neural Networks for YouTube
Recommendations, RecSys 2016. What a user had before gets a learned number besides, as in P. Ren et al.: RepeatNet,
AAAI 2019.
"""

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Codes, Lists, Scores, Sequences
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress
from tasks.models._content_steps import States
from tasks.models._cost import Cost, Sizes
from tasks.models._item_profiles import check_profiles, dense_profiles, item_profiles
from tasks.models._search_space import Range
from tasks.numeric.csr import check_matrix
from tasks.numeric.dense import DenseScorer
from tasks.numeric.exclusion import take_rows
from tasks.numeric.scorers import Factors

Float32 = npt.NDArray[np.float32]

UNORDERED: Final = {"n_last": 2**31 - 1, "half_life": None}
"""What goes in where there is no history: all items alike, as none of them is the last."""


class Config(ModelConfig):
    """Size of the network and schedule of its training."""

    id_size: int = Field(default=10, ge=1, le=4096)
    """Length of the embedding of an item's code."""
    label_size: int = Field(default=3, ge=1, le=4096)
    """Length of the embedding of each labels attribute, such as authors; an item's is the mean of its labels'."""
    title_size: int = Field(default=50, ge=1, le=4096)
    """Dimensions that the words of titles are reduced to."""
    n_buckets: int = Field(default=10, ge=2, le=1_000)
    """A number or date is one of so many ranges that hold about as many items each."""
    layers: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
        default=(64,), min_length=1, max_length=8
    )
    """Widths of the dense layers; the last is the length of the vectors that score items."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Share of the layers' outputs that each step of the training does without."""
    n_last: int = Field(default=500, ge=1, le=10_000)
    """Latest events of a user that go in."""
    half_life: float | None = Field(default=20.0, gt=0, le=1e6, allow_inf_nan=False)
    """Events after which one counts half in their mean; None counts all alike."""
    epochs: int = Field(default=40, ge=1, le=10_000)
    """Passes at most; what held-out users took last ends the training earlier."""
    patience: int = Field(default=3, ge=1, le=10_000)
    """Passes without a better validation loss after which training ends."""
    learning_rate: float = Field(default=3e-3, gt=0, le=10, allow_inf_nan=False)
    """Length of a step of AdamW."""
    weight_decay: float = Field(default=0.01, ge=0, le=10, allow_inf_nan=False)
    """Pull of all weights towards 0."""
    batch_size: int = Field(default=256, ge=1, le=100_000)
    """Steps of users that are looked at together; fewer on short logs."""


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: half the epochs, each a softmax over the items of every step."""
    steps, scored = min(sizes.n_events, 100_000), min(sizes.n_items, 8_192)
    width = config.layers[-1] + config.id_size
    updates = steps / config.batch_size * sizes.n_items * width * 1e-8
    seconds = config.epochs / 2 * (steps * scored * 2e-8 + updates)
    held = 5 * config.batch_size * scored + 6 * (sizes.n_items + sizes.n_users) * width
    return Cost(seconds, 4.0 * held + 40.0 * sizes.n_events)


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.ITEM_FEATURES}),
    uses=frozenset({Need.HISTORY}),
    offers=frozenset({Capability.SEQUENCES, Capability.SIMILAR_ITEMS}),
    search={
        "learning_rate": Range(3e-4, 1e-2, log=True),
        "dropout": Range(0.0, 0.6),
        "n_last": Range(10, 2_000, log=True),
        "id_size": Range(5, 100, log=True),
    },
    extra="neural",
)


@dataclass(frozen=True, eq=False)
class Layer:
    """One dense layer: ``max(x @ weights + bias, 0)``.

    Parameters
    ----------
    weights, bias
        float32 (n_in, n_out) and (n_out,).

    """

    weights: Float32
    bias: Float32


@dataclass(frozen=True, eq=False)
class NetScores(DenseScorer):
    """Products of the network's view of each state and of each item, and a number for what is in the state.

    Parameters
    ----------
    factors
        What comes out for each user's state, and the vector and bias of each item.
    own
        Csr (n_users, n_items): what is added for the items of the user's state; below 0 where they are seldom taken again.
    vectors
        float32 (n_items, width): what goes in of each item.
    layers
        The dense layers.
    again
        float32 (2,): what is added per log(1 + events) of an item in a state, and once if there is any.
    n_last, half_life
        As :class:`Config` has them.

    """

    factors: Factors
    own: Csr
    vectors: Float32
    layers: tuple[Layer, ...]
    again: Float32
    n_last: int
    half_life: float | None

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.factors.shape

    @property
    def cold_start(self) -> Scores:
        """What follows nothing, float64 (n_items,)."""
        nothing = Sequences(np.zeros(2, np.int64), np.zeros(0, np.int32), np.full(1, -1, np.int32))
        return self.next_scores(nothing)[0].astype(np.float64)

    def scores(self, user_codes: Codes) -> Scores:
        """Scores of all items, float32 (len(user_codes), n_items)."""
        codes = np.asarray(user_codes, dtype=np.int64)
        return _with(self.factors.scores(codes), take_rows(self.own, codes))

    def next_scores(self, sequences: Sequences) -> Scores:
        """Scores of all items after the last events of each sequence, float32 (n_sequences, n_items)."""
        starts, ends = np.asarray(sequences.indptr[:-1]), np.asarray(sequences.indptr[1:])
        states = States.of(sequences.items, starts, ends, self.n_last, self.half_life)
        hidden = forward(states.mean(self.vectors), self.layers)
        found = Factors(hidden, self.factors.item_factors, self.factors.item_bias)
        added = weighed(states.counts(self.shape[1]), self.again)
        return _with(found.scores(np.arange(len(hidden))), added)

    def similar_items(self, item_codes: Codes, k: int) -> Lists:
        """Items by the cosine of their vectors: those that follow the same states."""
        return self.factors.similar_items(item_codes, k)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> NetScores:
    """Train the network on what users took next.

    Parameters
    ----------
    matrix
        With item features. With a history, each basket (or moment) of a user is learned from what came before it;
        without one, half of a user's items from the other half.
    config
        Parameters of the model.
    rng
        Source of the first weights, of the order of steps and of the users held out.
    progress
        Called after each epoch with ``loss`` and ``validation_loss``, cross entropies of the next item; there is no
        validation where fewer than 200 users have two moments.

    Raises
    ------
    ValueError
        If the matrix has no entries, the features say nothing, or training diverges.

    """
    check_matrix(matrix)
    if matrix.item_features is None:
        raise ValueError(
            f"content_net needs item features of the {matrix.n_items} items; the matrix has none"
        )
    # An item that nothing is known of is one of many; where that goes for all, another model does better.
    check_profiles(
        item_profiles(matrix.item_features, matrix.n_items),
        "name features that differ under [columns] or [items], or take this model out",
    )
    from tasks.models import _content_network as network

    features, n_items = matrix.item_features, matrix.n_items
    counts = matrix.by_item.lengths() + 1.0
    inputs = network.Inputs(
        dense_profiles(features, n_items, rng, title_size=config.title_size, n_buckets=config.n_buckets),
        [each.by_item for each in features.labels.values()],
        np.log(counts / counts.sum()).astype(np.float32),
    )
    if matrix.history is None:
        config = config.model_copy(update=UNORDERED)
    found = network.trained(inputs, matrix, config, rng, progress)
    layers = tuple(Layer(*each) for each in found.layers)
    states = _last_states(matrix, config)
    factors = Factors(forward(states.mean(found.vectors), layers), found.items, found.bias)
    own = weighed(states.counts(n_items), found.again)
    return NetScores(factors, own, found.vectors, layers, found.again, config.n_last, config.half_life)


def forward(mean: Float32, layers: tuple[Layer, ...]) -> Float32:
    """What the dense layers make of mean vectors, float32 (n_states, n_hidden)."""
    for layer in layers:
        mean = np.maximum(mean @ layer.weights + layer.bias, 0.0)
    return np.ascontiguousarray(mean, dtype=np.float32)


def weighed(counts: Csr, again: Float32) -> Csr:
    """What is added to the scores of the items in each state."""
    values = (again[0] * counts.values + again[1]).astype(np.float32)
    return Csr(counts.indptr, counts.indices, values, counts.n_cols)


def _last_states(matrix: GroupedMatrix, config: Config) -> States:
    """The state of each user after the last event."""
    history = matrix.history
    indptr, items = (matrix.by_user.indptr, matrix.by_user.indices)
    if history is not None:
        indptr, items = history.indptr, history.items
    starts, ends = np.asarray(indptr[:-1]), np.asarray(indptr[1:])
    return States.of(items, starts, ends, config.n_last, config.half_life)


def _with(block: Scores, added: Csr) -> Scores:
    """Add sparse numbers to a block of scores, in place."""
    lines = np.repeat(np.arange(len(block)), added.lengths())
    block[lines, added.indices] += added.values
    return block
