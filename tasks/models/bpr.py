"""Bayesian personalised ranking: for every user, what was taken should score above what was not.

S. Rendle, C. Freudenthaler, Z. Gantner, L. Schmidt-Thieme: BPR, Bayesian Personalized Ranking from
Implicit Feedback, UAI 2009. It runs in parallel without races: see :mod:`tasks.models._sample_cells`.
"""

from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Codes
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason
from tasks.models._cost import Cost, Sizes, factorisation
from tasks.models._explanations import by_likeness
from tasks.models._sample_cells import Cell, Cells, Pairs
from tasks.models._search_space import Doubling, Range
from tasks.numeric.csr import Weighting, check_matrix, value_weights
from tasks.numeric.pairwise import ascend
from tasks.numeric.scorers import Factors

Float32 = npt.NDArray[np.float32]

EPOCHS, MOST_SAMPLES = (10, 50), 200_000_000
"""Fewest and most epochs of "auto", and the samples it stops at. On four logs 50 were better than 20 by a tenth; a
night has a minute or two for them."""

Auto = Literal["auto"]


class Config(ModelConfig):
    """Size of the model and schedule of its training."""

    n_factors: int = Field(default=256, ge=1, le=4096)
    """Length of a factor row."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | Auto = "auto"
    """Passes; each draws as many samples as there are (user, item) pairs. "auto" is 50, and less where that would be
    more than 200 million samples, but never less than 10."""
    learning_rate: float = Field(default=0.06, gt=0, le=1e6, allow_inf_nan=False)
    """Length of a step in the first epoch."""
    learning_rate_decay: float = Field(default=0.98, gt=0, le=1)
    """The learning rate is multiplied by this after every epoch."""
    user_regularization: float = Field(default=3e-3, ge=0, le=1e6, allow_inf_nan=False)
    """Pull of user factors towards 0 at each step."""
    item_regularization: float = Field(default=3e-4, ge=0, le=1e6, allow_inf_nan=False)
    """Pull of item factors towards 0 at each step."""
    bias_regularization: float = Field(default=0.03, ge=0, le=1e6, allow_inf_nan=False)
    """Pull of item biases towards 0: strong, so that popularity does not drown personal taste."""
    init_scale: float = Field(default=1.0, gt=0, le=1e6, allow_inf_nan=False)
    """Expected length of a factor row at the start."""
    weighting: Weighting = "count"
    """How often a pair is drawn: evenly, by its value, or by log(1 + value)."""
    deterministic: bool = True
    """The same factors on any number of threads. False lets threads write the same item at the same time."""

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Replace "auto" by a number of epochs; nothing is drawn."""
        return self.model_copy(update={"epochs": self.epochs_for(matrix.nnz)})

    def epochs_for(self, n_pairs: int) -> int:
        """The number of epochs, for so many pairs where it is "auto"."""
        if self.epochs != "auto":
            return self.epochs
        return max(EPOCHS[0], min(EPOCHS[1], MOST_SAMPLES // max(1, n_pairs)))


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes."""
    epochs = config.epochs_for(sizes.n_entries)
    # Drawing a sample takes as long as some thirty factors.
    return factorisation(sizes, config.n_factors + 30, epochs, 2.5e-9, 0.0, 60, 2.0)


SPEC = ModelSpec(
    cost=cost,
    uses=frozenset({Need.RATINGS}),
    offers=frozenset({Capability.FACTORS, Capability.SIMILAR_ITEMS, Capability.EXPLANATIONS}),
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
        Grouped matrix of users x items. Where it has ratings, what a user rated low is no negative: it is not unseen.
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
    epochs = config.epochs_for(matrix.nnz)
    # Items of the catalogue alone are no negatives: nobody could have taken them.
    n_items = matrix.n_items_with_events
    weights = value_weights(matrix.by_user.values, config.weighting)
    pairs = Pairs.of(matrix.by_user, weights, n_items, had=matrix.ratings)
    start = config.init_scale / np.sqrt(config.n_factors)
    item_factors = np.zeros((matrix.n_items, config.n_factors), dtype=np.float32)
    model = Factors(
        rng.normal(0.0, start, (matrix.n_users, config.n_factors)).astype(np.float32),
        item_factors,
        np.zeros(matrix.n_items, dtype=np.float32),
    )
    item_factors[:n_items] = rng.normal(0.0, start, (n_items, config.n_factors))
    model.user_factors[matrix.by_user.lengths() == 0] = 0.0
    cells = Cells(pairs, pairs.n_parts if config.deterministic else 1)
    for epoch in range(epochs):
        rate = config.learning_rate * config.learning_rate_decay**epoch
        used, right = _run_epoch(cells, model, config, rate, rng)
        if not np.isfinite(model.item_factors).all():
            raise ValueError(
                f"BPR diverged in epoch {epoch + 1}; lower learning_rate, which is {config.learning_rate}"
            )
        if progress is not None:
            figures = {"train_auc": right / max(used, 1), "used": used / matrix.nnz}
            progress(epoch + 1, epochs, figures)
    return Factors(model.user_factors, model.item_factors, model.item_bias)


def _run_epoch(
    cells: Cells, model: Factors, config: Config, rate: float, rng: np.random.Generator
) -> tuple[int, int]:
    """One pass; (samples used, samples already in the right order)."""
    rates = np.array(
        [rate, config.user_regularization, config.item_regularization, config.bias_regularization],
        dtype=np.float32,
    )
    done = np.zeros((cells.pairs.n_parts, cells.n_item_parts, 2), dtype=np.int64)
    had = cells.pairs.had

    def work(cell: Cell) -> None:
        done[cell.place] = ascend(
            cell.n_samples,
            cell.seed,
            cell.users,
            cell.items,
            cell.drawn,
            cell.candidates,
            had.indptr,
            had.indices,
            rates,
            model.user_factors,
            model.item_factors,
            model.item_bias,
        )

    cells.each(rng, work)
    return int(done[..., 0].sum()), int(done[..., 1].sum())


def explain(
    scorer: Factors, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Name the past items most like each item."""
    return by_likeness(scorer, by_user, user_code, item_codes, n)
