"""Pairs of a user and an item that must not meet, beside what users had. Pure."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.columns import USER_ID
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr
from tasks.numeric.csr import entry_rows, marked
from tasks.numeric.exclusion import union
from tasks.preparation.seen import Seen


def of_pairs(pairs: pa.Table, users: Vocabulary, items: Vocabulary) -> Seen:
    """Blocked pairs as codes.

    Parameters
    ----------
    pairs
        user_id and item_id; pairs of unknown items are left out.
    users, items
        Vocabularies of the window.

    Returns
    -------
    Rows of users as :class:`tasks.preparation.seen.Seen` has them: `former` are blocked users whom the vocabulary
    lacks.

    """
    codes = items.codes(pairs.column(1), missing="negative")
    pairs, codes = pairs.filter(pa.array(codes >= 0)), codes[codes >= 0]
    owners = users.codes(pairs.column(0), missing="negative")
    former = Vocabulary.from_ids(USER_ID, pairs.column(0).filter(pa.array(owners < 0)).to_pylist())
    of_former = former.codes(pairs.column(0), missing="negative") + len(users)
    rows = np.where(owners >= 0, owners, of_former)
    return Seen(marked(rows, codes, len(users) + len(former), len(items)), former)


def joined(one: Seen, other: Seen) -> Seen:
    """What stands in either, of the same user and item vocabularies."""
    if not other.by_row.nnz:
        return one
    former = Vocabulary.from_ids(USER_ID, [*one.former.ids.to_pylist(), *other.former.ids.to_pylist()])
    n_rows = one.n_users + len(former)
    rows = np.concatenate([_rows(each, former) for each in (one, other)])
    codes = np.concatenate([each.by_row.indices for each in (one, other)])
    return Seen(marked(rows, codes, n_rows, one.by_row.n_cols), former)


def of_rows(blocked: Seen, former: Vocabulary) -> Csr:
    """The blocked items of the users of the vocabulary, then of `former`; others are left out."""
    rows = _rows(blocked, former)
    there = rows >= 0
    n_rows = blocked.n_users + len(former)
    return marked(rows[there], blocked.by_row.indices[there], n_rows, blocked.by_row.n_cols)


def in_either(one: Csr | None, other: Csr | None) -> Csr | None:
    """What stands in either of two matrices that need not be there."""
    if one is None or other is None:
        return one if other is None else other
    return union(one, other)


def _rows(seen: Seen, former: Vocabulary) -> npt.NDArray[np.int64]:
    """Row of each entry where users outside the vocabulary are those of `former`; -1 where it lacks them."""
    places = former.codes(seen.former.ids, missing="negative").astype(np.int64)
    new = np.concatenate([np.arange(seen.n_users), np.where(places >= 0, places + seen.n_users, -1)])
    return np.asarray(new[entry_rows(seen.by_row)], dtype=np.int64)
