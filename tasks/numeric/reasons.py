"""Which past items speak for a recommendation: contributions per past item, and the strongest of them."""

import numpy as np
import numpy.typing as npt

from tasks.numeric.wals_side import Side

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer]
Shares = list[tuple[int, float]]
"""Codes of past items and their shares of all that speaks for an item, strongest first."""


def wals_contributions(
    side: Side, row: int, fixed: Float32, wanted: Codes, factors: Float32 | None = None
) -> Float64:
    """Split the WALS scores of one user into what each past item adds.

    The user's factors solve ``A x = sum over past items j of (w0 + w_j) a_j y_j``, so the score ``y_i . x``
    is the sum over j of ``(w0 + w_j) a_j y_i . A^-1 y_j`` (Hu, Koren, Volinsky 2008, section 5).

    Parameters
    ----------
    side
        The users' side of the problem.
    row
        The user's row there.
    fixed
        float32 (n_items, n_factors).
    wanted
        Codes of the items whose scores are split, (n_wanted,).
    factors
        float32 (more items, n_factors): what `wanted` are codes of, where that is not `fixed`.

    Returns
    -------
    float64 (n_wanted, n_past): rows add up to the scores of the exact half step. Past items are in the
    order of the user's row.

    """
    part = slice(int(side.rows.indptr[row]), int(side.rows.indptr[row + 1]))
    past = fixed[side.rows.indices[part]].astype(np.float64)
    extra = side.extra[part].astype(np.float64)
    targets = side.targets[part].astype(np.float64) if len(side.targets) else np.ones(len(extra))
    everything = fixed.astype(np.float64)
    equations = side.unobserved_weight * (everything.T @ everything) + (past.T * extra) @ past
    equations[np.diag_indices_from(equations)] += float(side.regularization[row])
    # Least squares, because nothing regularised means that there may be many solutions.
    split = (fixed if factors is None else factors)[wanted].astype(np.float64)
    turned = np.linalg.lstsq(equations, split.T, rcond=None)[0]
    pull: Float64 = (side.unobserved_weight + extra) * targets
    contributions: Float64 = (turned.T @ past.T) * pull
    return contributions


def cosine_contributions(item_factors: Float32, past: Codes, values: Float32, wanted: Codes) -> Float64:
    """How much each past item is like a wanted one, times its value: the cosine of their factors.

    It is no part of the score of a model that does not add up past items, only a hint.

    Parameters
    ----------
    item_factors
        float32 (n_items, n_factors).
    past, values
        Codes (n_past,) and values, float32 (n_past,), of the user's items.
    wanted
        Codes of the items to explain, (n_wanted,).

    Returns
    -------
    float64 (n_wanted, n_past).

    """
    cosines = _unit(item_factors[wanted]) @ _unit(item_factors[past]).T
    contributions: Float64 = cosines * values
    return contributions


def strongest(contributions: Float64, past: Codes, n: int) -> list[Shares]:
    """Take the past items that speak most for each item.

    Parameters
    ----------
    contributions
        float64 (n_wanted, n_past); what is not positive speaks against the item and is left out.
    past
        Codes of the past items, (n_past,).
    n
        At most so many of them.

    Returns
    -------
    For each item, codes and shares; the shares of all past items that speak for it would add up to 1.

    """
    found = []
    for row in np.maximum(contributions, 0.0):
        order = np.lexsort((past, -row))[:n]
        total = row.sum()
        found.append([(int(past[at]), float(row[at] / total)) for at in order if row[at] > 0])
    return found


def _unit(factors: Float32) -> Float64:
    wide = factors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.maximum(norms, np.finfo(np.float64).tiny)
