"""What a trained model is to every later step: something that ranks items for users, and what else it may offer.

A model declares in its ``SPEC`` (:mod:`tasks.models`) which of the protocols below its scorer keeps. Concrete
scorers are in :mod:`tasks.numeric.scorers` and in the files of their models.
"""

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr

MORE_MODELS: Final = "SHELFTALKER_MODELS"
"""Environment variable: folders of more model files, as in PATH, for models that do not belong to this project."""

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Codes = npt.NDArray[np.integer]
Scores = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]

Lists = tuple[Int32, Float32]
"""Codes int32 (n_rows, k), best first, padded with -1, and scores float32 (n_rows, k), padded with -inf."""


@runtime_checkable
class Scorer(Protocol):
    """A trained model. Implementations are frozen dataclasses of arrays, numbers and other scorers.

    Such a dataclass is saved and loaded field by field, so a new kind of scorer needs no code for
    persistence. How a scorer is ranked is its own business; :class:`tasks.numeric.dense.DenseScorer` ranks
    whatever can fill a block of scores.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        ...

    @property
    def cold_start(self) -> Scores | None:
        """Item scores for an unknown user, (n_items,), or None where the model has no opinion."""
        ...

    def scores(self, user_codes: Codes) -> Scores:
        """Scores of all items for some known users, (len(user_codes), n_items), higher is better."""
        ...

    def top_k(
        self, user_codes: Codes, k: int, *, exclude: Csr | None = None, allow: Mask | None = None
    ) -> Lists:
        """Best items of some known users, ties by the lower code.

        Parameters
        ----------
        user_codes
            (n_rows,), each from 0 to n_users - 1.
        k
            Length of the lists, 1 to n_items.
        exclude
            (n_users, n_items), by USER CODE: items that user must not get.
        allow
            bool (n_items,): items that anybody may get; None allows all.

        """
        ...

    def top_users(self, item_codes: Codes, k: int, *, exclude: Csr | None = None) -> Lists:
        """Best users of some items, ties by the lower code.

        `k` is at most n_users; `exclude` (n_items, n_users) says by ITEM CODE who must not be listed.
        """
        ...


class SimilarityScorer(Scorer, Protocol):
    """Capability ``similar_items``: the model has an opinion of its own on which items are alike."""

    def similar_items(self, item_codes: Codes, k: int) -> Lists:
        """The k items most like each of some items, without the item itself, with a cosine as score."""
        ...


class RatingScorer(Scorer, Protocol):
    """Capability ``ratings``: the model predicts the value that a user would give to an item."""

    def predict_ratings(self, user_codes: Codes, item_codes: Codes) -> Float32:
        """Predicted values of some pairs, (n_pairs,), on the scale of the log; code -1 = unknown user."""
        ...


@dataclass(frozen=True, eq=False)
class Sequences:
    """Some users' items in order, oldest first.

    Parameters
    ----------
    indptr
        int64 (n_sequences + 1,).
    items
        int32: item codes, one after the other; an item may come again.
    user_codes
        int32 (n_sequences,): whose sequence it is, -1 = an unknown user.

    """

    indptr: Int64
    items: Int32
    user_codes: Int32


class SequenceScorer(Scorer, Protocol):
    """Capability ``sequences``: the model ranks what follows a sequence of items, whoever it belongs to."""

    def next_scores(self, sequences: Sequences) -> Scores:
        """Scores of all items as the next one of each sequence, (n_sequences, n_items); an empty one is allowed."""
        ...
