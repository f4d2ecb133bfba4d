"""Logistic matrix factorisation: the chance that a user takes an item, sigmoid(offset + user bias + item bias + p.q).

C. Johnson: Logistic Matrix Factorization for Implicit Feedback Data, NIPS workshop 2014. As in courses on neural
recommenders the loss is the log loss over each pair and a few items drawn evenly from those the user never had, and
the steps are Adam's (D. Kingma, J. Ba, ICLR 2015).
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Codes
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason
from tasks.models._biased_factors import BiasedFactors
from tasks.models._cost import Cost, Sizes, factorisation
from tasks.models._explanations import by_likeness
from tasks.models._sample_cells import Cell, Cells, Pairs
from tasks.models._search_space import Doubling, Range
from tasks.numeric.csr import Weighting, check_matrix, value_weights
from tasks.numeric.logistic import descend

Float32 = npt.NDArray[np.float32]


class Config(ModelConfig):
    """Size of the model and schedule of its training."""

    n_factors: int = Field(default=128, ge=1, le=4096)
    """Length of a factor row."""
    epochs: int = Field(default=30, ge=1, le=10_000)
    """Passes at most; each draws as many pairs as there are."""
    early_stop: float = Field(default=0.0, ge=0, lt=1)
    """Stop when an epoch lowers the loss by a smaller share than this; 0 = never."""
    n_negatives: int = Field(default=5, ge=1, le=1_000)
    """Items that the user never had, drawn for each pair."""
    learning_rate: float = Field(default=5e-3, gt=0, le=1, allow_inf_nan=False)
    """Length of a step of Adam."""
    learning_rate_decay: float = Field(default=0.9, gt=0, le=1)
    """The learning rate is multiplied by this after every epoch."""
    regularization: float = Field(default=1e-4, ge=0, le=1e6, allow_inf_nan=False)
    """Pull of factors and user biases towards 0 at each step."""
    bias_regularization: float = Field(default=0.03, ge=0, le=1e6, allow_inf_nan=False)
    """Pull of item biases towards 0: strong, so that popularity does not drown personal taste."""
    init_scale: float = Field(default=0.1, gt=0, le=1e6, allow_inf_nan=False)
    """Expected length of a factor row at the start."""
    weighting: Weighting = "count"
    """How often a pair is drawn: evenly, by its value, or by log(1 + value)."""


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes."""
    per_pair = 2.5e-9 * (config.n_negatives + 2)
    return factorisation(sizes, config.n_factors + 30, config.epochs, per_pair, 0.0, 60, 4.0)


SPEC = ModelSpec(
    cost=cost,
    uses=frozenset({Need.RATINGS}),
    offers=frozenset({Capability.FACTORS, Capability.SIMILAR_ITEMS, Capability.EXPLANATIONS}),
    search={
        "learning_rate": Range(5e-4, 2e-2, log=True),
        "epochs": Range(5, 60, log=True),
        "regularization": Range(1e-6, 1e-2, log=True),
        "n_negatives": Range(2, 20, log=True),
        "n_factors": Doubling(32, 256),
    },
)


@dataclass(frozen=True, eq=False)
class _Side:
    """Rows of users or items, and Adam's memory of them."""

    rows: Float32
    first: Float32
    second: Float32
    steps: npt.NDArray[np.int32]

    @classmethod
    def of(cls, n_rows: int, n_factors: int, one_at: int, scale: float, rng: np.random.Generator) -> Self:
        """Random factors, a bias of 0, and a 1 at place `one_at` of the two after them."""
        rows = np.zeros((n_rows, n_factors + 2), np.float32)
        rows[:, :n_factors] = rng.normal(0.0, scale / np.sqrt(n_factors), (n_rows, n_factors))
        rows[:, n_factors + one_at] = 1.0
        return cls(rows, np.zeros_like(rows), np.zeros_like(rows), np.zeros(n_rows, np.int32))

    def arrays(self) -> tuple[Any, ...]:
        """As the kernel takes them."""
        return self.rows, self.first, self.second, self.steps


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> BiasedFactors:
    """Train on `matrix`.

    Parameters
    ----------
    matrix
        Grouped matrix of users x items. Where it has ratings, what a user rated low is no negative: it is not unseen.
    config
        Parameters of the model.
    rng
        Source of the first factors, of the parts and of all samples.
    progress
        Called after each epoch with ``loss``, the mean log loss of a pair and its negatives together.

    Returns
    -------
    BiasedFactors whose score is the log odds. A user without entries has a zero row: the biases then order the items.

    Raises
    ------
    ValueError
        If the matrix has no entries, values that are negative, NaN or infinite, or if training diverges.

    """
    check_matrix(matrix)
    n_items, n_factors = matrix.n_items_with_events, config.n_factors
    weights = value_weights(matrix.by_user.values, config.weighting)
    pairs = Pairs.of(matrix.by_user, weights, n_items, had=matrix.ratings)
    users = _Side.of(matrix.n_users, n_factors, 1, config.init_scale, rng)
    items = _Side.of(matrix.n_items, n_factors, 0, config.init_scale, rng)
    # What cannot be learned from stays in the middle: no taste, no bias.
    users.rows[matrix.by_user.lengths() == 0, :n_factors] = 0.0
    items.rows[n_items:, :n_factors] = 0.0
    # The log odds of a pair among its negatives, so that biases begin at 0.
    offset = np.float32(-np.log(config.n_negatives))
    cells, before = Cells(pairs, pairs.n_parts), np.inf
    for epoch in range(config.epochs):
        rate = np.float32(config.learning_rate * config.learning_rate_decay**epoch)
        loss = _run_epoch(cells, users, items, offset, config, rate, rng)
        if not np.isfinite(items.rows).all():
            raise ValueError(
                f"logistic_mf diverged in epoch {epoch + 1}; lower learning_rate, which is {config.learning_rate}"
            )
        stops = config.early_stop > 0 and before - loss < config.early_stop * before < np.inf
        if progress is not None:
            progress(epoch + 1, epoch + 1 if stops else config.epochs, {"loss": loss})
        if stops:
            break
        before = loss
    bias = items.rows[:, -1] + offset
    bias[n_items:] = min(0.0, float(bias[:n_items].min(initial=0.0)))
    width = n_factors + 1
    return BiasedFactors(users.rows[:, :width].copy(), items.rows[:, :width].copy(), bias)


def _run_epoch(
    cells: Cells,
    users: _Side,
    items: _Side,
    offset: np.float32,
    config: Config,
    rate: np.float32,
    rng: np.random.Generator,
) -> float:
    """One pass; mean loss of a pair."""
    done = np.zeros((cells.pairs.n_parts, cells.n_item_parts, 2))
    had = cells.pairs.had.indptr, cells.pairs.had.indices
    decay = np.float32(config.regularization)
    bias_decay = np.float32(config.bias_regularization)

    def work(cell: Cell) -> None:
        done[cell.place] = descend(
            cell.n_samples,
            cell.seed,
            cell.users,
            cell.items,
            cell.drawn,
            cell.candidates,
            had,
            config.n_negatives,
            offset,
            rate,
            decay,
            bias_decay,
            users.arrays(),
            items.arrays(),
        )

    cells.each(rng, work)
    return float(done[..., 0].sum() / max(done[..., 1].sum(), 1.0))


def explain(
    scorer: BiasedFactors, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Name the past items most like each item."""
    return by_likeness(scorer, by_user, user_code, item_codes, n)
