"""The user who is most alike: by the cosine of what two users have had."""

from typing import Final

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import Csr
from tasks.numeric.exclusion import take_rows

MOST_USERS: Final = 10_000
"""Users who are compared with, at most: of more, as many at even distances."""
BLOCK_USERS: Final = 512
"""Users compared at a time."""


def most_similar(past: Csr, by_user: Csr, among: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """The most similar of some users for each row of `past`, -1 where nobody had any of its items.

    Parameters
    ----------
    past
        Csr (n_rows, n_items); values are not used.
    by_user
        Csr (n_users, n_items): what everybody has had.
    among
        Codes of users of `by_user` who may be named, rising.

    Returns
    -------
    int32 (n_rows,): codes; ties go to the lower one.

    """
    if len(among) > MOST_USERS:
        among = among[np.linspace(0, len(among) - 1, MOST_USERS).astype(np.int64)]
    found = np.full(past.shape[0], -1, dtype=np.int32)
    if not len(among):
        return found
    theirs = take_rows(by_user, among)
    others = theirs.to_scipy().astype(bool).astype(np.float64).T.tocsr()
    length = 1 / np.sqrt(np.maximum(theirs.lengths(), 1))
    for first in range(0, len(found), BLOCK_USERS):
        rows = np.arange(first, min(first + BLOCK_USERS, len(found)))
        ours = take_rows(past, rows).to_scipy().astype(bool).astype(np.float64)
        cosines = (ours @ others).toarray() * length
        best = cosines.argmax(axis=1)
        alike = cosines[np.arange(len(rows)), best] > 0
        found[rows[alike]] = among[best[alike]]
    return found
