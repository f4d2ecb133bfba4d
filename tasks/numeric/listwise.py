"""Learn the weights of a linear ranker from lists of candidates and how often each was taken."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrainingExamples:
    """Candidates of many users.

    Parameters
    ----------
    features
        float64 (n_pairs, n_features), the candidates of one user side by side.
    taken
        float64 (n_pairs,): how often each candidate was taken.
    starts
        int64 (n_lists,): first row of each user's candidates.

    """

    features: Float64
    targets: Float64
    starts: npt.NDArray[np.int64]


def fit_listwise(choices: TrainingExamples, prior: Float64, *, prior_events: float) -> Float64:
    """Weights under which what users took is likeliest among their candidates.

    Each event is a choice from the user's candidates with probability softmax(features . weights)
    (conditional logit, D. McFadden 1974; ListNet's loss for top-1, Z. Cao et al. 2007). What is the same
    for all candidates of a user has no influence. A normal prior holds the weights near `prior`; it is
    as strong as `prior_events` events, measured in standard deviations of each feature.

    Parameters
    ----------
    choices
        What was offered and taken.
    prior
        float64 (n_features,).
    prior_events
        Strength of the prior, > 0.

    Returns
    -------
    float64 (n_features,)

    """
    scale = choices.features.std(axis=0)
    scale[scale < 1e-9] = 1.0
    table = choices.features / scale
    centre = prior * scale
    owner = np.repeat(
        np.arange(len(choices.starts)), np.diff(np.append(choices.starts, len(choices.targets)))
    )
    totals = np.add.reduceat(choices.targets, choices.starts)
    weight = max(float(totals.sum()), 1.0)

    def loss(weights: Float64) -> tuple[float, Float64]:
        scores = table @ weights
        scores -= np.maximum.reduceat(scores, choices.starts)[owner]
        odds = np.exp(scores)
        sums = np.add.reduceat(odds, choices.starts)
        surprise = float(totals @ np.log(sums) - choices.targets @ scores)
        expected = odds / sums[owner] * totals[owner]
        off = weights - centre
        value = surprise + prior_events * float(off @ off) / 2.0
        slope = table.T @ (expected - choices.targets) + prior_events * off
        return value / weight, slope / weight

    found = minimize(loss, centre, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return np.asarray(found.x / scale, dtype=np.float64)
