"""What rules changed: places of the lists without rules that each of them takes. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_contracts.scoring import Mask, Scorer
from tasks.numeric.ranking import recommend
from tasks.numeric.slices import mark_new
from tasks.preparation.seen import Seen
from tasks.rules.applied import ItemRules

COMPARED_USERS = 10_000
"""Users whose lists without rules are made, spread evenly over all."""


@dataclass(frozen=True)
class Effects:
    """Places that rules take.

    Parameters
    ----------
    users
        Users who were compared.
    places
        Places of their lists without rules.
    taken
        Of them, places that each rule by itself would take.

    """

    users: int
    places: int
    taken: dict[str, int]


def rule_effects(
    scorer: Scorer, rules: ItemRules, k: int, *, seen: Seen | None, allow: Mask | None
) -> Effects:
    """Rank known users once without rules, and count what each rule would take off.

    Parameters
    ----------
    scorer
        The model.
    rules
        The rules, by item code.
    k
        Length of the lists.
    seen
        Items to leave out whatever the rules, or None.
    allow
        bool (n_items,): items that the model may list; None allows all.

    """
    n_users = scorer.shape[0]
    chosen = np.unique(np.linspace(0, max(n_users - 1, 0), min(n_users, COMPARED_USERS)).astype(np.int64))
    exclude = None if seen is None else seen.by_user
    lists = recommend(scorer, chosen, k, exclude=exclude, allow=allow)[0]
    there = lists >= 0
    taken = {name: int((mask[lists] & there).sum()) for name, mask in rules.forbidden.items()}
    if rules.blocked is not None:
        taken["blocks"] = _blocked(lists, chosen, rules.blocked)
    if rules.limits is not None:
        taken["at_most"] = int((there & ~rules.limits.kept(lists)).sum())
    return Effects(len(chosen), int(there.sum()), taken)


def _blocked(lists: npt.NDArray[np.int32], users: npt.NDArray[np.int64], blocked: Seen) -> int:
    starts = np.arange(len(users) + 1, dtype=np.int64) * lists.shape[1]
    new = np.empty(lists.size, np.bool_)
    of_users = blocked.by_user
    mark_new(
        users.astype(np.int32),
        starts,
        np.ascontiguousarray(lists).ravel(),
        of_users.indptr,
        of_users.indices,
        new,
    )
    return int((~new).sum())
