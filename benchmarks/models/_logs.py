"""Logs cut in two without a run: what was known, as a matrix, and what came next, by the protocol of papers.

A log is a frame with the columns user, item (text), basket (one number per basket of all users) and day
(float64, days since any moment), in any order of rows.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from benchmarks.models._rows import Row
from data_contracts.evaluation import Interval
from data_contracts.interactions import Csr, GroupedMatrix, History, ItemTimeline
from data_contracts.scoring import Scorer
from tasks import models
from tasks.numeric.bootstrap import intervals
from tasks.numeric.ranking import recommend


@dataclass(frozen=True, eq=False)
class Cut:
    """Both sides of a cut; users and items are those of either side.

    Parameters
    ----------
    known
        With timeline, history and baskets; ages are days before the cut-off, as in a run.
    later
        Csr (n_users, n_items): number of events of each pair after the cut.

    """

    known: GroupedMatrix
    later: Csr


def ta_feng(data: Path) -> Any:
    """Ta-Feng: baskets have an order and no dates, so they are taken as weeks which end with everybody's last."""
    import pandas as pd

    log = pd.read_parquet(data / "ta_feng_baskets.parquet")
    log["day"] = 7.0 * (log["basket"] - log.groupby("user")["basket"].transform("max"))
    log["basket"] = log.groupby(["user", "basket"]).ngroup()
    return log[["user", "item", "basket", "day"]]


def online_retail(data: Path) -> Any:
    """Online Retail: invoices of known customers, cancellations left out."""
    import pandas as pd

    rows = pd.read_parquet(data / "online_retail.parquet")
    rows = rows[~rows["InvoiceNo"].astype(str).str.startswith("C") & rows["CustomerID"].notna()]
    day = (rows["InvoiceDate"] - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    basket = pd.factorize(rows["InvoiceNo"].astype(str))[0]
    user, item = rows["CustomerID"].astype(int).astype(str), rows["StockCode"].astype(str)
    return pd.DataFrame({"user": user, "item": item, "basket": basket, "day": day})


def movielens_small(data: Path) -> Any:
    """MovieLens small: every rating counts, those of one second are one basket."""
    import pandas as pd

    rows = pd.read_csv(data / "movielens_small_ratings.csv")
    log = pd.DataFrame({"user": rows["userId"].astype(str), "item": rows["movieId"].astype(str)})
    log["day"] = rows["timestamp"] / 86_400.0
    log["basket"] = log.groupby(["user", "day"]).ngroup()
    return log


def last_baskets(log: Any, n: int = 1) -> Cut:
    """Hold out the last n baskets of every user."""
    order = log[["user", "basket", "day"]].groupby(["user", "basket"], as_index=False)["day"].min()
    order = order.sort_values(["user", "day", "basket"])
    back = order.groupby("user").cumcount(ascending=False)
    held = log["basket"].isin(order.loc[back < n, "basket"]).to_numpy()
    return cut(log, held)


def last_events(log: Any, n: int) -> Cut:
    """Hold out the last n events of every user."""
    back = log.sort_values(["user", "day"], kind="stable").groupby("user").cumcount(ascending=False)
    return cut(log, (back.reindex(log.index) < n).to_numpy())


def since(log: Any, day: float) -> Cut:
    """Hold out what happened from a day on."""
    return cut(log, (log["day"] >= day).to_numpy(), day)


def cut(log: Any, held: npt.NDArray[np.bool_], cut_off: float | None = None) -> Cut:
    """Cut a log in two.

    Parameters
    ----------
    log
        The events.
    held
        bool (n_rows,): what came next.
    cut_off
        Day that ages are counted from; None is the day after the newest event of the whole log. Counted from the
        newest known event instead, last baskets would be of age 0, and windows of days hold one basket more.

    """
    users, user = np.unique(log["user"].to_numpy(str), return_inverse=True)
    items, item = np.unique(log["item"].to_numpy(str), return_inverse=True)
    shape = len(users), len(items)
    day, basket = log["day"].to_numpy(np.float64), log["basket"].to_numpy(np.int64)
    # Baskets in the order of their first events: two that begin together stay apart.
    number, place = np.unique(basket, return_inverse=True)
    begin = np.full(len(number), np.inf)
    np.minimum.at(begin, place, day)
    order = np.lexsort((item, place, begin[place], user))
    rows = order[~held[order]]
    age = (np.floor(day.max()) + 1.0 if cut_off is None else cut_off) - day[rows]
    pairs = GroupedMatrix.from_csr(csr_matrix((np.ones(len(rows)), (user[rows], item[rows])), shape=shape))
    known = GroupedMatrix(
        pairs.by_user,
        pairs.by_item,
        _timeline(item[rows], age, shape[1]),
        _history(user[rows], item[rows], place[rows], age, shape[0]),
    )
    ones = np.ones(int(held.sum()))
    later = GroupedMatrix.from_csr(csr_matrix((ones, (user[held], item[held])), shape=shape)).by_user
    return Cut(known, later)


def _history(user: Any, item: Any, basket: Any, age: npt.NDArray[np.float64], n_users: int) -> History:
    starts = np.searchsorted(user, np.arange(n_users + 1)).astype(np.int64)
    begins = np.ones(len(user), np.int64)
    begins[1:] = (user[1:] != user[:-1]) | (basket[1:] != basket[:-1])
    number = np.cumsum(begins)
    first = number[np.minimum(starts[:-1], max(0, len(number) - 1))] if len(number) else starts[:-1]
    numbers = number - np.repeat(first, np.diff(starts))
    ones = np.ones(len(user), np.float32)
    return History(starts, item.astype(np.int32), age.astype(np.float32), ones, numbers.astype(np.int32))


def _timeline(item: Any, age: npt.NDArray[np.float64], n_items: int) -> ItemTimeline:
    whole = np.floor(age).astype(np.int64)
    width = int(whole.max(initial=0)) + 1
    days, counts = np.unique(item * width + whole, return_counts=True)
    starts = np.searchsorted(days // width, np.arange(n_items + 1)).astype(np.int64)
    return ItemTimeline(starts, (days % width).astype(np.int32), counts.astype(np.float32))


def accuracy(
    scorer: Scorer, both: Cut, k: int, *, seed: int, new_only: bool = False
) -> Mapping[str, Interval]:
    """Means over all users of whom something is held out, with 95 % intervals.

    Parameters
    ----------
    scorer
        Ranks the whole catalogue.
    both
        What it was trained on, and the truth.
    k
        Length of the lists.
    seed
        Of the bootstrap.
    new_only
        What users had is neither listed nor looked for.

    Returns
    -------
    ``ndcg``, ``recall`` (hits over the size of the whole truth) and ``precision``, each ``@k``.

    """
    truth = both.later.to_scipy()
    past = both.known.by_user
    if new_only:
        truth = truth - truth.multiply(past.to_scipy() != 0)
        truth.eliminate_zeros()
    users = np.flatnonzero(np.diff(truth.indptr) > 0)
    lists = recommend(scorer, users, k, exclude=past if new_only else None)[0]
    found = np.asarray(truth[np.repeat(users, k), np.maximum(lists, 0).ravel()]).reshape(lists.shape)
    hits = (found > 0) & (lists >= 0)
    sizes = np.diff(truth.indptr)[users]
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    best = np.cumsum(discounts)[np.minimum(sizes, k) - 1]
    values = np.column_stack([hits @ discounts / best, hits.sum(axis=1) / sizes, hits.mean(axis=1)])
    means = intervals(values, seed=seed)
    return dict(zip((f"ndcg@{k}", f"recall@{k}", f"precision@{k}"), means, strict=True))


Candidates = Mapping[str, tuple[str, Mapping[str, Any]]]
"""Name of each row to a model and what its ``Config`` is given."""
Published = Mapping[tuple[str, str], tuple[float, str]]
"""(Name of the row, metric) to the figure and who published it."""


def rows_of_cut(
    both: Cut, candidates: Candidates, published: Published, *, k: int, seed: int, new_only: bool = False
) -> list[Row]:
    """Train each candidate on what was known, and score it by :func:`accuracy`; by metric, best first."""
    rows = []
    for name, (kind, parameters) in candidates.items():
        model = models.load(kind)
        began = time.perf_counter()
        scorer = model.fit(both.known, model.Config(**parameters), rng=np.random.default_rng(seed))
        trained = time.perf_counter()
        found = accuracy(scorer, both, k, seed=seed, new_only=new_only)
        note = f"scored in {time.perf_counter() - trained:.1f} s"
        rows += [
            _row(name, metric, figure, published, trained - began, note) for metric, figure in found.items()
        ]
    metrics = list(dict.fromkeys(row.metric for row in rows))
    return sorted(rows, key=lambda row: (metrics.index(row.metric), -row.value))


def _row(name: str, metric: str, figure: Interval, published: Published, seconds: float, note: str) -> Row:
    theirs, who = published.get((name, metric), (None, ""))
    return Row(
        model=name,
        metric=metric,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        published=theirs,
        published_by=who,
        seconds=seconds,
        note=note,
    )
