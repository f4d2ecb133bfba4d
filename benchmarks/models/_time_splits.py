"""Logs with item features, cut at one time: users and items whose first event lies after it are new."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix, History, ItemFeatures, ItemTimeline, Labels

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

GIVEN: Final = 5
"""Items that a new user is known by."""
LIKED: Final = 4.0
"""Stars from which on a film was liked."""


@dataclass(frozen=True)
class Log:
    """Events with what is known of the items.

    Parameters
    ----------
    users, items
        int64 (n_events,): codes, -1 for an anonymous user.
    days
        float64 (n_events,).
    titles, labels
        Of the items by code; labels are separated by ``|``.

    """

    users: Int64
    items: Int64
    days: Float64
    titles: pa.LargeStringArray
    labels: list[str] | None = None


@dataclass(frozen=True)
class Split:
    """What was known before a cut, and what came in a window after it.

    Parameters
    ----------
    matrix
        Before the cut; items that first appear in the window are its catalogue items.
    truth
        Csr (n_users, n_items): what known users took in the window.
    given, rest
        Csr (n_new_users, n_items): the first known items of new users, and what they took besides.

    """

    matrix: GroupedMatrix
    truth: Csr
    given: Csr
    rest: Csr


def movies(data: Path) -> Log:
    """Films that people liked, with titles and genres."""
    ratings = pv.read_csv(data / "movielens_small_ratings.csv")
    ratings = ratings.filter(pc.greater_equal(ratings["rating"], LIKED))
    films = pv.read_csv(data / "movielens_small_movies.csv")
    codes = pc.index_in(ratings["movieId"], films["movieId"].combine_chunks())
    return Log(
        np.unique(ratings["userId"].to_numpy(), return_inverse=True)[1],
        codes.to_numpy().astype(np.int64),
        ratings["timestamp"].to_numpy() / 86_400,
        films["title"].combine_chunks().cast(pa.large_string()),
        films["genres"].to_pylist(),
    )


def shop(data: Path) -> Log:
    """Online Retail without cancellations; an item's title is its first description."""
    columns = ["InvoiceNo", "StockCode", "Description", "InvoiceDate", "CustomerID"]
    rows = pq.read_table(data / "online_retail.parquet", columns=columns)
    rows = rows.filter(pc.invert(pc.starts_with(rows["InvoiceNo"].cast(pa.string()), "C")))
    # In order of the text: codes by first appearance would tell a model which new items came early.
    names, items = np.unique(rows["StockCode"].cast(pa.string()).to_pylist(), return_inverse=True)
    said = rows["Description"].to_pylist()
    titles: list[str | None] = [None] * len(names)
    for item, text in zip(items.tolist(), said, strict=True):
        titles[item] = titles[item] or text
    customers = rows["CustomerID"].cast(pa.float64()).fill_null(-1).to_numpy()
    users = np.unique(customers, return_inverse=True)[1] - (customers.min() < 0)
    days = rows["InvoiceDate"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy() / 86_400e6
    return Log(users, items, days, pa.array(titles, pa.large_string()))


def split(log: Log, begin: float, end: float) -> Split:
    """Cut a log at day `begin`; what comes until day `end` is the truth."""
    before, within = log.days < begin, (log.days >= begin) & (log.days < end)
    known = np.unique(log.items[before])
    new = np.setdiff1d(log.items[within], known)
    order = np.concatenate([known, new])
    code = np.full(len(log.titles), -1)
    code[order] = np.arange(len(order))
    users = np.setdiff1d(log.users[before], [-1])
    strangers = np.setdiff1d(log.users[within], np.append(users, -1))
    n_items = len(order)
    matrix = _grouped(log, before, users, code, n_items, begin)
    taken = _pairs(log, within, users, code, n_items)
    theirs = _pairs(log, within, strangers, code, n_items)
    first = _first(log, within, strangers, code, n_items, len(known))
    rest = theirs - theirs.multiply(first)
    rest.eliminate_zeros()
    judged = (np.diff(rest.indptr) > 0) & (np.diff(first.indptr) > 0)
    return Split(
        GroupedMatrix(
            matrix.by_user,
            matrix.by_item,
            matrix.timeline,
            matrix.history,
            item_features=_features(log, order),
            catalogue_items=len(new),
        ),
        _csr(taken),
        _csr(first[judged]),
        _csr(rest[judged]),
    )


def _csr(rows: csr_matrix) -> Csr:
    return GroupedMatrix.from_csr(rows).by_user


def _pairs(log: Log, those: npt.NDArray[np.bool_], users: Int64, code: Int64, n_items: int) -> csr_matrix:
    """(n_users, n_items): 1 where one of the users took an item."""
    mine = those & np.isin(log.users, users)
    rows = np.searchsorted(users, log.users[mine])
    pairs = csr_matrix((np.ones(len(rows), np.float32), (rows, code[log.items[mine]])), (len(users), n_items))
    pairs.data[:] = 1
    return pairs


def _first(
    log: Log, those: npt.NDArray[np.bool_], users: Int64, code: Int64, n_items: int, n_known: int
) -> csr_matrix:
    """The first :data:`GIVEN` items of each user that were known before the cut."""
    mine = np.flatnonzero(those & np.isin(log.users, users) & (code[log.items] < n_known))
    mine = mine[np.lexsort((log.days[mine], log.users[mine]))]
    rows, items = np.searchsorted(users, log.users[mine]), code[log.items[mine]]
    _, at = np.unique(rows * n_items + items, return_index=True)
    rows, items = rows[np.sort(at)], items[np.sort(at)]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    few = place < GIVEN
    return csr_matrix((np.ones(few.sum(), np.float32), (rows[few], items[few])), (len(users), n_items))


def _grouped(
    log: Log, those: npt.NDArray[np.bool_], users: Int64, code: Int64, n_items: int, cut: float
) -> GroupedMatrix:
    """Pairs with counts, timeline and history of what lies before the cut."""
    items, ages = code[log.items[those]], cut - log.days[those]
    days, counts = np.unique(items * 100_000 + np.ceil(ages).astype(np.int64) - 1, return_counts=True)
    timeline = ItemTimeline(
        np.searchsorted(days // 100_000, np.arange(n_items + 1)).astype(np.int64),
        (days % 100_000).astype(np.int32),
        counts.astype(np.float32),
    )
    named = log.users[those] >= 0
    owner, items, ages = np.searchsorted(users, log.users[those][named]), items[named], ages[named]
    order = np.lexsort((items, -ages, owner))
    history = History(
        np.searchsorted(owner[order], np.arange(len(users) + 1)).astype(np.int64),
        items[order].astype(np.int32),
        ages[order].astype(np.float32),
        np.ones(len(order), np.float32),
    )
    pairs = csr_matrix((np.ones(len(owner), np.float32), (owner, items)), (len(users), n_items))
    base = GroupedMatrix.from_csr(pairs)
    return GroupedMatrix(base.by_user, base.by_item, timeline, history)


def _features(log: Log, order: Int64) -> ItemFeatures:
    titles = log.titles.take(pa.array(order))
    if log.labels is None:
        return ItemFeatures(titles=titles)
    said = [log.labels[item].split("|") for item in order.tolist()]
    names = sorted({each for row in said for each in row})
    place = {name: at for at, name in enumerate(names)}
    rows = np.repeat(np.arange(len(said)), [len(row) for row in said])
    columns = [place[each] for row in said for each in row]
    has = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(said), len(names)))
    return ItemFeatures(titles=titles, labels={"genres": Labels(tuple(names), _csr(has))})
