"""How far predicted ratings are from given ones, pair by pair."""

import numpy as np
import numpy.typing as npt

from data_contracts.holdout import HeldOutRatings
from data_contracts.interactions import Csr
from data_contracts.scoring import RatingScorer
from tasks.numeric.metrics import UnitValues
from tasks.numeric.slices import mark_new


def rating_errors(scorer: RatingScorer, ratings: HeldOutRatings) -> UnitValues:
    """Squared and absolute errors of a model's predictions of held-out ratings.

    Parameters
    ----------
    scorer
        Predicts ratings.
    ratings
        What was given; pairs of unknown users are asked for with code -1.

    Returns
    -------
    UnitValues
        ``rmse`` holds the squared errors, ``mae`` the absolute ones.

    Raises
    ------
    ValueError
        If the predictions have another shape, or are not finite.

    """
    predicted = np.asarray(scorer.predict_ratings(ratings.user_codes, ratings.items), dtype=np.float64)
    if predicted.shape != ratings.values.shape or not np.isfinite(predicted).all():
        bad = int((~np.isfinite(predicted)).sum())
        raise ValueError(
            f"predicted ratings must be {ratings.values.shape} finite numbers; got {predicted.shape}, {bad} of "
            "them not finite"
        )
    errors = np.abs(predicted - ratings.values)
    columns = {"rmse": (errors**2).astype(np.float32), "mae": errors.astype(np.float32)}
    return UnitValues(columns, ratings.owners)


def new_pairs(ratings: HeldOutRatings, seen: Csr) -> npt.NDArray[np.bool_]:
    """Pairs whose user did not have the item before, bool (n_pairs,)."""
    new = np.empty(len(ratings.items), dtype=np.bool_)
    each = np.arange(len(ratings.items) + 1, dtype=np.int64)
    mark_new(ratings.past_rows, each, ratings.items, seen.indptr, seen.indices, new)
    return new


def only(found: UnitValues, wanted: npt.NDArray[np.bool_]) -> UnitValues:
    """Keep only some of the units."""
    return UnitValues(
        {name: column[wanted] for name, column in found.columns.items()}, found.clusters[wanted]
    )
