"""Why an item stands on a user's list: the model's own answer, or the best that can be said without one."""

from typing import Any

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from data_contracts.scoring import Factors, ItemScores, Scorer
from tasks.models import Reason, load
from tasks.numeric.reasons import cosine_contributions, strongest

Codes = npt.NDArray[np.integer]


def explain(
    kind: str,
    scorer: Scorer,
    by_user: Csr,
    user_code: int,
    item_codes: Codes,
    config: Any,
    n: int = 3,
) -> list[Reason]:
    """Reasons for some items on one user's list.

    Parameters
    ----------
    kind
        Name of the model.
    scorer
        What its ``fit`` returned.
    by_user
        Csr (n_users, n_items) that it was trained on.
    user_code
        The user.
    item_codes
        The items, (n_wanted,).
    config
        Its ``Config``.
    n
        Past items per item at most.

    Returns
    -------
    One reason an item.

    """
    module = load(kind)
    if hasattr(module, "explain"):
        reasons: list[Reason] = module.explain(scorer, by_user, user_code, item_codes, config, n)
        return reasons
    if isinstance(scorer, ItemScores):
        return [Reason([], f"popular: counts {scorer.items[item]:,.4g} events") for item in item_codes]
    if isinstance(scorer, Factors):
        past, values = by_user.row(user_code)
        likeness = cosine_contributions(scorer.item_factors, past, values, item_codes)
        how = "likeness to past items, not a part of the score"
        return [Reason(found, how) for found in strongest(likeness, past, n)]
    return [Reason([], f"model {kind} gives no reasons")] * len(item_codes)
