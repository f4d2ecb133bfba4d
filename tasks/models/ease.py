"""EASE: the weights between all pairs of items, in closed form.

H. Steck: Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019. With ``P = (X'X + regularization I)^-1`` the
weight of item i for item j is ``-P_ij / P_jj``, and an item has none for itself. Strong for its simplicity, but its time
grows with the cube of the number of items and its memory with the square: more than `max_items` are refused.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.linalg import lapack
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Codes, Lists, Scores
from tasks.models import Capability, ModelConfig, ModelSpec, Progress, Reason
from tasks.models._cost import Cost, Sizes
from tasks.models._search_space import Range
from tasks.numeric.csr import Weighting, check_matrix, weighed
from tasks.numeric.dense import DenseScorer
from tasks.numeric.parallel import single_threaded_blas
from tasks.numeric.reasons import strongest
from tasks.numeric.topk import select_top_k

Float32 = npt.NDArray[np.float32]

MOST_ITEMS = 20_000
"""Three minutes of one core and 7 GB, by :func:`cost`."""

BLOCK_ROWS = 512
"""Rows of weights that are copied from the inverse at once."""


class Config(ModelConfig):
    """The one parameter of the model, and its limit."""

    regularization: float = Field(default=100.0, gt=0, le=1e9, allow_inf_nan=False)
    """Added to the sum of each item's squared weights: what speaks for rarer items is drawn towards 0."""
    weighting: Weighting = "log"
    """What a user's item counts: 1, its value, or log(1 + value)."""
    max_items: int = Field(default=MOST_ITEMS, ge=1, le=100_000)
    """More items than this are refused before anything is computed."""


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: a Gramian and its inverse, in float64, and the weights in float32."""
    return Cost(2.5e-11 * sizes.n_items**3, 20.0 * sizes.n_items**2)


SPEC = ModelSpec(
    cost=cost,
    offers=frozenset({Capability.SIMILAR_ITEMS, Capability.FOLD_IN, Capability.EXPLANATIONS}),
    search={"regularization": Range(10.0, 5_000.0, log=True)},
)


@dataclass(frozen=True, eq=False)
class EaseScorer(DenseScorer):
    """The score is the sum of the weights of what the user has had.

    Parameters
    ----------
    past
        Csr (n_users, n_items): what users had, weighed.
    weights
        float32 (n_items, n_items): row i, column j is how much having i speaks for j.

    """

    past: Csr
    weights: Float32

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.past.shape

    def scores(self, user_codes: Codes) -> Scores:
        """Dense scores, float32 (len(user_codes), n_items)."""
        return np.asarray(self._rows[np.asarray(user_codes)] @ self.weights, dtype=np.float32)

    def similar_items(self, item_codes: Codes, k: int) -> Lists:
        """Items by their partial correlation with each, all other items being given: -1 to 1, as a cosine.

        With the weights ``-P_ij / P_jj`` and ``-P_ij / P_ii`` it is their geometric mean, with their sign.
        """
        codes = np.asarray(item_codes)
        ahead, back = self.weights[codes], self.weights[:, codes].T
        both = np.copysign(np.sqrt(np.maximum(ahead * back, 0.0)), ahead)
        both[np.arange(len(codes)), codes] = -np.inf
        return select_top_k(both, min(k, self.shape[1]))

    @cached_property
    def _rows(self) -> csr_matrix:
        return self.past.to_scipy()


def fit(
    matrix: GroupedMatrix, config: Config, *, rng: np.random.Generator, progress: Progress | None = None
) -> EaseScorer:
    """Invert the items' Gramian.

    Parameters
    ----------
    matrix
        Users x items.
    config
        Parameters of the model.
    rng
        Not used: there is one solution.
    progress
        Called after the Gramian and after the weights.

    Raises
    ------
    ValueError
        If there are more items than `max_items`, saying what they would take; if the matrix has no entries or a
        value that is negative or not finite.

    """
    check_matrix(matrix)
    n_items = matrix.n_items
    if n_items > config.max_items:
        needed = cost(config, Sizes(matrix.n_users, n_items, matrix.nnz, matrix.nnz))
        raise ValueError(
            f"ease takes the weights between all pairs of {n_items:,} items, {needed.memory_bytes / 2**30:.1f} GB and "
            f"{needed.seconds / 60:.0f} minutes; max_items = {config.max_items:,}: use item_knn, or leave rare items out "
            "by min_item_events under [cleaning]"
        )
    past = weighed(matrix.by_user, config.weighting)
    rows = past.to_scipy().astype(np.float64)
    gramian = (rows.T @ rows).toarray(order="F")
    gramian[np.diag_indices(n_items)] += config.regularization
    if progress is not None:
        progress(1, 2, {})
    weights = _weights(gramian)
    if progress is not None:
        progress(2, 2, {})
    return EaseScorer(past, weights)


def _weights(gramian: npt.NDArray[np.float64]) -> Float32:
    """Weights from a positive definite Gramian, which is overwritten."""
    # The last bits of the inverse depend on the number of BLAS threads.
    with single_threaded_blas():
        factor, failed = lapack.dpotrf(gramian, lower=1, overwrite_a=1)
        inverse, failed_too = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ValueError("the Gramian of the items has no inverse; raise regularization")
    found = np.empty(inverse.shape, dtype=np.float32)
    scale = -1.0 / inverse.diagonal()
    for first in range(0, len(found), BLOCK_ROWS):
        rows = slice(first, min(first + BLOCK_ROWS, len(found)))
        # Only the lower triangle is filled: what lies right of the diagonal stands below it.
        found[rows, : rows.stop] = inverse[rows, : rows.stop]
        found[rows, rows.stop :] = inverse[rows.stop :, rows].T
        square = np.tril(inverse[rows, rows], -1)
        found[rows, rows] = square + square.T
        found[rows] *= scale
    return found


def fold_in(scorer: EaseScorer, by_user: Csr, config: Config) -> EaseScorer:
    """A scorer of some new users, from what they had: `by_user` (n_new_users, n_items)."""
    return EaseScorer(weighed(by_user, config.weighting), scorer.weights)


def explain(
    scorer: EaseScorer, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Past items by the weights that add up to the score."""
    past, values = scorer.past.row(user_code)
    shares = scorer.weights[past][:, np.asarray(item_codes)].T.astype(np.float64) * values
    how = "weights of past items, learned together"
    return [Reason(found, how) for found in strongest(shares, past, n)]
