"""Bayesian personalised ranking: for every user, what was taken should score above what was not.

S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme: BPR, Bayesian Personalized Ranking from
Implicit Feedback, UAI 2009. To run in parallel without races, users and items are cut into parts and only
pairs of parts that share neither are worked on at a time, as in R. Gemulla et al.: Large-Scale Matrix
Factorization with Distributed Stochastic Gradient Descent, KDD 2011.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Codes
from tasks.models import Capability, ModelConfig, ModelSpec, Progress, Reason
from tasks.models._explanations import by_likeness
from tasks.models._search_space import Doubling, Range
from tasks.numeric.csr import Weighting, check_matrix, value_weights
from tasks.numeric.pairwise import ascend
from tasks.numeric.parallel import for_each_block
from tasks.numeric.scorers import Factors

Float32 = npt.NDArray[np.float32]

MOST_PARTS = 32
"""Of the users, and as many of the items: no more threads than this can help."""

PAIRS_PER_CELL = 3_072
"""A millisecond or two of work at 256 factors; with less, handing it to a thread would show."""

ITEMS_PER_PART = 64
"""Fewer items in a part would make a poor choice of negatives."""


class Config(ModelConfig):
    """Size of the model and schedule of its training."""

    n_factors: int = Field(default=256, ge=1)
    """Length of a factor row."""
    epochs: int = Field(default=50, ge=1)
    """Passes; each draws as many samples as there are (user, item) pairs."""
    learning_rate: float = Field(default=0.03, gt=0, allow_inf_nan=False)
    """Length of a step in the first epoch."""
    learning_rate_decay: float = Field(default=0.98, gt=0, le=1)
    """The learning rate is multiplied by this after every epoch."""
    user_regularization: float = Field(default=3e-3, ge=0, allow_inf_nan=False)
    """Pull of user factors towards 0 at each step."""
    item_regularization: float = Field(default=3e-4, ge=0, allow_inf_nan=False)
    """Pull of item factors towards 0 at each step."""
    bias_regularization: float = Field(default=0.03, ge=0, allow_inf_nan=False)
    """Pull of item biases towards 0: strong, so that popularity does not drown personal taste."""
    init_scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Expected length of a factor row at the start."""
    weighting: Weighting = "count"
    """How often a pair is drawn: evenly, by its value, or by log(1 + value)."""
    deterministic: bool = True
    """The same factors on any number of threads. False lets threads write the same item at the same time."""


SPEC = ModelSpec(
    offers=frozenset({Capability.SIMILAR_ITEMS, Capability.EXPLANATIONS}),
    # A decade or so around defaults that suit purchases.
    search={
        "learning_rate": Range(0.005, 0.2, log=True),
        "epochs": Range(10, 100, log=True),
        "user_regularization": Range(1e-4, 3e-2, log=True),
        "item_regularization": Range(1e-5, 1e-2, log=True),
        "bias_regularization": Range(1e-3, 0.3, log=True),
        "n_factors": Doubling(64, 256),
    },
)


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> Factors:
    """Train on `matrix`.

    Parameters
    ----------
    matrix
        Grouped matrix of users x items.
    config
        Parameters of the model.
    rng
        Source of the first factors, of the parts and of all samples.
    progress
        Called after each epoch with ``train_auc``, the share of the epoch's samples that were already in the
        right order, and ``used``, the share of samples for which a negative was found.

    Returns
    -------
    Factors with item bias. A user without entries has a zero row: the biases then order the items.

    Raises
    ------
    ValueError
        If the matrix has no entries, values that are negative, NaN or infinite, or if training diverges.

    """
    check_matrix(matrix)
    # Items of the catalogue alone are no negatives: nobody could have taken them.
    n_items = matrix.n_items_with_events
    pairs = _Pairs.of(matrix.by_user, value_weights(matrix.by_user.values, config.weighting), n_items)
    start = config.init_scale / np.sqrt(config.n_factors)
    item_factors = np.zeros((matrix.n_items, config.n_factors), dtype=np.float32)
    model = Factors(
        rng.normal(0.0, start, (matrix.n_users, config.n_factors)).astype(np.float32),
        item_factors,
        np.zeros(matrix.n_items, dtype=np.float32),
    )
    item_factors[:n_items] = rng.normal(0.0, start, (n_items, config.n_factors))
    model.user_factors[matrix.by_user.lengths() == 0] = 0.0
    for epoch in range(config.epochs):
        rate = config.learning_rate * config.learning_rate_decay**epoch
        used, right = _run_epoch(pairs, model, config, rate, rng)
        if not np.isfinite(model.item_factors).all():
            raise ValueError(
                f"BPR diverged in epoch {epoch + 1}; lower learning_rate, which is {config.learning_rate}"
            )
        if progress is not None:
            figures = {"train_auc": right / max(used, 1), "used": used / matrix.nnz}
            progress(epoch + 1, config.epochs, figures)
    return Factors(model.user_factors, model.item_factors, model.item_bias)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """What is drawn from: every stored pair with its weight, and the part of the users it belongs to."""

    by_user: Csr
    users: npt.NDArray[np.int32]
    weights: Float32
    parts: npt.NDArray[np.int64]
    n_parts: int
    n_items: int

    @classmethod
    def of(cls, by_user: Csr, weights: Float32, n_items: int) -> "_Pairs":
        """Cut users into parts of about equal numbers of pairs; how many depends on the data alone."""
        square = math.isqrt(by_user.nnz // PAIRS_PER_CELL)
        n_parts = max(1, min(MOST_PARTS, square, n_items // ITEMS_PER_PART))
        users = np.repeat(np.arange(by_user.shape[0], dtype=np.int32), by_user.lengths())
        parts = by_user.indptr[users] * n_parts // max(by_user.nnz, 1)
        return cls(by_user, users, weights, parts, n_parts, n_items)


@dataclass(frozen=True, eq=False)
class _Cells:
    """The pairs of one epoch, ordered by cell: a part of the users times a part of the items."""

    users: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float64]
    edges: npt.NDArray[np.int64]
    shuffled: npt.NDArray[np.int32]
    bounds: npt.NDArray[np.int64]

    @classmethod
    def of(cls, pairs: _Pairs, n_item_parts: int, rng: np.random.Generator) -> "_Cells":
        """Cut the items anew: a negative comes from the part of its positive, another one each epoch."""
        n_items = pairs.n_items
        shuffled = rng.permutation(n_items).astype(np.int32)
        bounds = np.arange(n_item_parts + 1) * n_items // n_item_parts
        item_part = np.empty(n_items, dtype=np.int64)
        item_part[shuffled] = np.repeat(np.arange(n_item_parts), np.diff(bounds))
        cell = (pairs.parts * n_item_parts + item_part[pairs.by_user.indices]).astype(np.int16)
        order = np.argsort(cell, kind="stable")
        edges = np.searchsorted(cell[order], np.arange(pairs.n_parts * n_item_parts + 1))
        weights = pairs.weights[order].astype(np.float64)
        return cls(pairs.users[order], pairs.by_user.indices[order], weights, edges, shuffled, bounds)

    def draws(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """How many samples each cell gives: as many in all as there are pairs, drawn by their weights."""
        totals = np.concatenate([[0.0], np.cumsum(self.weights)])[self.edges]
        if totals[-1] <= 0:
            raise ValueError("matrix values are all 0, so that no pair can be drawn; expected a positive one")
        return rng.multinomial(len(self.users), np.diff(totals) / totals[-1])


def _run_epoch(
    pairs: _Pairs, model: Factors, config: Config, rate: float, rng: np.random.Generator
) -> tuple[int, int]:
    """One pass; (samples used, samples already in the right order)."""
    n_item_parts = pairs.n_parts if config.deterministic else 1
    cells = _Cells.of(pairs, n_item_parts, rng)
    draws = cells.draws(rng)
    seeds = rng.integers(2**63, size=len(draws))
    rates = np.array(
        [rate, config.user_regularization, config.item_regularization, config.bias_regularization],
        dtype=np.float32,
    )
    done = np.zeros((len(draws), 2), dtype=np.int64)
    for turn in range(n_item_parts):
        # In one turn no two cells share a user part, nor, unless there is only one, an item part.
        def work(part: int, turn: int = turn) -> None:
            item_part = (part + turn) % n_item_parts
            cell = part * n_item_parts + item_part
            if draws[cell]:
                done[cell] = _ascend_in(cells, cell, item_part, draws[cell], seeds[cell], rates, pairs, model)

        for_each_block(work, pairs.n_parts)
    return int(done[:, 0].sum()), int(done[:, 1].sum())


def _ascend_in(
    cells: _Cells,
    cell: int,
    item_part: int,
    n_samples: int,
    seed: int,
    rates: Float32,
    pairs: _Pairs,
    model: Factors,
) -> tuple[int, int]:
    part = slice(cells.edges[cell], cells.edges[cell + 1])
    return ascend(
        n_samples,
        seed,
        cells.users[part],
        cells.items[part],
        np.cumsum(cells.weights[part]),
        cells.shuffled[cells.bounds[item_part] : cells.bounds[item_part + 1]],
        pairs.by_user.indptr,
        pairs.by_user.indices,
        rates,
        model.user_factors,
        model.item_factors,
        model.item_bias,
    )


def explain(
    scorer: Factors, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Name the past items most like each item."""
    return by_likeness(scorer, by_user, user_code, item_codes, n)
