"""Cold start: users and items whose first event lies after one cut in time, and what knowing them costs everybody else.

Defaults were chosen on earlier windows of the same logs: from 50 to 80 % of the events of MovieLens, and from July to
October 2011 of Online Retail. Words are weighed among all items on offer, also the new ones, whose titles are known
before anybody takes them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, diags

from benchmarks.models._rows import Row
from benchmarks.models._time_splits import GIVEN, Split, movies, shop, split
from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Mask, Scorer
from tasks import models
from tasks.numeric.exclusion import take_rows
from tasks.numeric.ranking import recommend
from tasks.numeric.scorers import ItemScores

TITLE: Final = "Cold start: MovieLens small from its last fifth on, Online Retail from 2011-10-09 on"
MODELS: Final = ("recent_popularity", "popularity", "content_cosine", "wals", "feature_wals", "hybrid")
BESIDE: Final = "wals"
"""What warm users' lists are held against."""
K: Final = 10
RESAMPLES: Final = 1_000

Floats = npt.NDArray[np.floating]


class Part(NamedTuple):
    """One thing that is measured."""

    metric: str
    values: Floats
    """(n_users,)."""
    paired: bool = False
    """Whether the difference to WALS is of interest."""


def measure(data: Path, seed: int) -> list[Row]:
    """Train the models on what was known before each cut, and judge new users, new items, and all others."""
    films, goods = movies(data), shop(data)
    cut = float(np.quantile(films.days, 0.8))
    return [
        *rows_of("MovieLens", split(films, cut, np.inf), seed),
        *rows_of("Online Retail", split(goods, _day("2011-10-09"), _day("2011-11-09")), seed),
    ]


def rows_of(log: str, given: Split, seed: int) -> list[Row]:
    """All figures of one log."""
    random = Part(f"{log}: recall@{K} among new items", _of_random(given))
    found = {"random": [random]} | {name: list(parts(log, name, given, seed)) for name in MODELS}
    rng = np.random.default_rng(seed)
    rows = [_row(name, part.metric, part.values, rng) for name, each in found.items() for part in each]
    base = {part.metric: part.values for part in found[BESIDE]}
    rows += [
        _row(name, f"{part.metric}, minus {BESIDE}", part.values - base[part.metric], rng)
        for name, each in found.items()
        for part in each
        if part.paired and name != BESIDE
    ]
    return sorted(rows, key=lambda row: row.metric)


def parts(log: str, name: str, given: Split, seed: int) -> Iterator[Part]:
    """What one model is worth to warm users, to new users, and for new items."""
    model, rng = models.load(name), np.random.default_rng(seed)
    matrix = given.matrix
    config = model.Config().settled(matrix, rng=rng)
    scorer = model.fit(matrix, config, rng=rng)
    folded = _folded(model, scorer, given.given, config)
    allow = models.allowed_items(name, matrix)
    known = np.arange(matrix.n_items) < matrix.n_items_with_events
    past = matrix.by_user
    unseen = _without(given.truth, past)
    for truth, what, exclude in ((unseen, "discovery", past), (given.truth, "repeat", None)):
        wanted = _columns(truth, known)
        values = ndcg(scorer, wanted, exclude, known)
        yield Part(f"{log}: {what} ndcg@{K} of known users and items", values, paired=True)
    lists, values = _lists(scorer, unseen, past, allow)
    yield Part(f"{log}: discovery ndcg@{K} of known users, all items", values, paired=True)
    yield Part(f"{log}: share of new items in these lists", (lists >= known.sum()).mean(axis=1))
    values = ndcg(folded, given.rest, given.given, allow)
    yield Part(f"{log}: ndcg@{K} of new users with {GIVEN} items", values)
    if models.Capability.NEW_ITEMS in model.SPEC.offers:
        values = np.concatenate([_recall(scorer, given.truth, ~known), _recall(folded, given.rest, ~known)])
        yield Part(f"{log}: recall@{K} among new items", values)


def ndcg(scorer: Scorer, truth: Csr, exclude: Csr | None, allow: Mask | None) -> Floats:
    """NDCG of each user who has a truth."""
    return _lists(scorer, truth, exclude, allow)[1]


def _lists(
    scorer: Scorer, truth: Csr, exclude: Csr | None, allow: Mask | None
) -> tuple[npt.NDArray[np.int32], Floats]:
    users = np.flatnonzero(truth.lengths() > 0)
    lists, _ = recommend(scorer, users, K, exclude=exclude, allow=allow)
    hits, sizes = _hits(lists, take_rows(truth, users))
    discounts = 1 / np.log2(np.arange(2, K + 2))
    return lists, (hits @ discounts) / np.cumsum(discounts)[np.minimum(sizes, K) - 1]


def _recall(scorer: Scorer, truth: Csr, allow: Mask) -> Floats:
    """Recall of each user who took an allowed item; of more than K, K is all."""
    wanted = _columns(truth, allow)
    users = np.flatnonzero(wanted.lengths() > 0)
    lists, _ = recommend(scorer, users, K, allow=allow)
    hits, sizes = _hits(lists, take_rows(wanted, users))
    found: Floats = hits.sum(axis=1) / np.minimum(sizes, K)
    return found


def _of_random(given: Split) -> Floats:
    """What a random order of the new items is expected to reach."""
    new = np.arange(given.matrix.n_items) >= given.matrix.n_items_with_events
    sizes = np.concatenate([_columns(truth, new).lengths() for truth in (given.truth, given.rest)])
    sizes = sizes[sizes > 0]
    found: Floats = sizes * min(1.0, K / float(new.sum())) / np.minimum(sizes, K)
    return found


def _hits(lists: npt.NDArray[np.int32], truth: Csr) -> tuple[Floats, npt.NDArray[np.int64]]:
    """(hits by place, number of true items) of each row."""
    rows = np.arange(len(lists))[:, None] * np.int64(truth.n_cols)
    wanted = np.repeat(rows[:, 0], truth.lengths()) + truth.indices
    return (np.isin(rows + lists, wanted) & (lists >= 0)).astype(np.float64), truth.lengths()


def _folded(model: Any, scorer: Scorer, given: Csr, config: Any) -> Scorer:
    if models.Capability.FOLD_IN in model.SPEC.offers:
        folded: Scorer = model.fold_in(scorer, given, config)
        return folded
    assert isinstance(scorer, ItemScores)  # everybody gets the same list
    return ItemScores(scorer.items, given.shape[0])


def _columns(rows: Csr, those: Mask) -> Csr:
    return _kept((rows.to_scipy() @ diags(those.astype(np.float32))).tocsr())


def _without(rows: Csr, others: Csr) -> Csr:
    own = rows.to_scipy()
    return _kept((own - own.multiply(others.to_scipy() != 0)).tocsr())


def _kept(rows: csr_matrix) -> Csr:
    rows.eliminate_zeros()
    return GroupedMatrix.from_csr(rows).by_user


def _row(name: str, metric: str, values: Floats, rng: np.random.Generator) -> Row:
    drawn = rng.integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    value = float(values.mean())
    return Row(
        model=name, metric=metric, value=value, low=float(low), high=float(high), note=f"{len(values)} users"
    )


def _day(date: str) -> float:
    return datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() / 86_400
