"""A fit of WALS that came to nothing or to too much, noticed and named."""

import numpy as np
import numpy.typing as npt

from tasks.numeric.gramian import peak
from tasks.numeric.wals_side import Side

Float32 = npt.NDArray[np.float32]

SAMPLED = 20_000
"""Observed entries looked at, evenly spread."""

NOTHING = 1e-4
"""A fit whose mean score of observed entries is below this share of what they are fitted to has shrunk."""


def check_finite_factors(factors: Float32, side: Side) -> None:
    """Refuse factors that left the range of float32.

    Raises
    ------
    ValueError
        Naming the parameters to change.

    """
    if not np.isfinite(peak(factors)):
        raise ValueError(
            "WALS exploded: factors left the range of float32; raise regularization or unobserved_weight, which is "
            f"{side.unobserved_weight:g}, or look for extreme values: the heaviest entry weighs "
            f"{side.extra.max(initial=0):g}"
        )


def check_fitted(users: Side, user_factors: Float32, item_factors: Float32) -> None:
    """Refuse factors that shrank to nothing.

    Zero is where a fit ends, and stays, when what pulls a row to zero outweighs its entries.

    Raises
    ------
    ValueError
        Naming the parameters to change and how strong they pull.

    """
    reached, wanted = sampled_scores(users, user_factors, item_factors)
    if reached >= NOTHING * wanted or wanted == 0:
        return
    rows = users.rows
    empty = users.unobserved_weight * rows.n_cols
    entries = rows.nnz / max(1, int(np.count_nonzero(rows.lengths())))
    raise ValueError(
        f"WALS shrank to nothing: the mean score of what was observed is {reached / wanted:.1e} of its target; "
        f"lower unobserved_weight, which is {users.unobserved_weight:g} (a user has {entries:.1f} entries, and the "
        f"{rows.n_cols} items weigh {empty:.3g} together), or regularization, which pulls a user by "
        f'{float(users.regularization.mean()):.3g}; "auto" tries what suits the log'
    )


def sampled_scores(users: Side, user_factors: Float32, item_factors: Float32) -> tuple[float, float]:
    """Weighted sizes of scores, and of targets, summed over some observed entries."""
    rows = users.rows
    if not rows.nnz:
        return 0.0, 0.0
    at = np.unique(np.linspace(0, rows.nnz - 1, SAMPLED).astype(np.int64))
    owner = np.searchsorted(rows.indptr, at, side="right") - 1
    scores = np.einsum("ij,ij->i", user_factors[owner], item_factors[rows.indices[at]], dtype=np.float64)
    targets = users.targets[at] if len(users.targets) else np.ones(len(at))
    weights = users.extra[at].astype(np.float64) + users.unobserved_weight
    wanted = float((weights * np.abs(targets)).sum())
    reached = float((weights * np.abs(scores)).sum())
    return reached, wanted
