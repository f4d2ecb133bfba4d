"""Reasons that several models give, each in its ``explain``."""

import numpy as np

from data_contracts.interactions import Csr
from data_contracts.scoring import Codes
from tasks.models import Reason
from tasks.numeric.reasons import cosine_contributions, strongest
from tasks.numeric.scorers import Factors, ItemScores


def popular(scorer: ItemScores, item_codes: Codes) -> list[Reason]:
    """Items that are listed because they are popular."""
    return [
        Reason([], f"popular: counts {scorer.items[item]:,.4g} events")
        for item in np.asarray(item_codes).tolist()
    ]


def by_likeness(scorer: Factors, by_user: Csr, user_code: int, item_codes: Codes, n: int) -> list[Reason]:
    """Past items by the cosine of their factors: all that can be said of factors without their solver."""
    past, values = by_user.row(user_code)
    likeness = cosine_contributions(scorer.item_factors, past, values, item_codes)
    how = "likeness to past items, not a part of the score"
    return [Reason(found, how) for found in strongest(likeness, past, n)]
