"""What is compared, how it is named, and what the gate may say about it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

Scenario = Literal["repeat", "discovery"]

SCENARIOS: Final[tuple[Scenario, ...]] = ("repeat", "discovery")
"""repeat: anything may be recommended; discovery: what the user had before the cut-off leaves the lists
and the truth."""

METRICS: Final[Mapping[str, str]] = {
    "precision": "relevant items among the first k of the list / k, also where the list is shorter than k",
    "recall": "relevant items among the first k / min(k, relevant items of the user)",
    "hit_rate": "1 if any of the first k is relevant, else 0",
    "map": "sum over relevant ranks r <= k of (relevant among the first r) / r, / min(k, relevant items)",
    "ndcg": "sum over relevant ranks r <= k of 1 / log2(r + 1), / the same sum over ranks 1 to "
    "min(k, relevant items)",
    "mrr": "1 / rank of the first relevant item, 0 if it is not among the first k",
    "basket_precision": "rows of the basket whose item is among the first k / k, mean over baskets; baskets "
    "without a user are scored with the cold-start list",
    "novelty": "mean of -log2((events of the item + 1) / (all events + items)) over the first k of the list",
    "full_lists": "1 if the list holds k items, else 0",
    "coverage": "share of the catalogue that stands among the first k of at least one holdout user's list; "
    "a fact about these lists, not an estimate, so its interval is the value itself",
}
"""Every metric and its definition. All are plain means over holdout users (baskets where it says so);
relevant items of a user are the distinct items taken in the hold-out, also those that no list can hold
because they are new. Intervals: 95 %, Poisson bootstrap over users."""


def metric_name(base: str, k: int) -> str:
    """Name of a metric at a list length: ``precision@5``.

    Raises
    ------
    ValueError
        If `base` is unknown or `k` is not positive.

    """
    if base not in METRICS or k < 1:
        raise ValueError(
            f"metric {base!r} at {k} is unknown; k must be >= 1 and the name one of {list(METRICS)}"
        )
    return f"{base}@{k}"


def parse_metric(name: str) -> tuple[str, int]:
    """Split ``precision@5`` into ``("precision", 5)``; ValueError says which names exist."""
    base, _, k = name.partition("@")
    if base not in METRICS or not k.isdecimal() or int(k) < 1:
        raise ValueError(f"unknown metric {name!r}; write NAME@K with NAME one of {', '.join(METRICS)}")
    return base, int(k)


@dataclass(frozen=True, eq=False)
class Holdout:
    """The events after the cut-off, mapped by the vocabularies from before it.

    Users here are the *holdout users*: everybody with a user id and at least one event after the
    cut-off. Row j of the truth belongs to ``user_codes[j]``, which is -1 for a user who came after the
    cut-off (a cold user, served with the cold-start list).

    Parameters
    ----------
    user_codes
        int32 (n_rows,): code of each holdout user, -1 = cold; codes rise, cold users come last.
    indptr, items
        int64 (n_rows + 1,), int32: the distinct known items of each holdout user, rising within a row.
    n_relevant
        int32 (n_rows,): distinct items the user took, including those that came after the cut-off and
        that no list can hold.
    basket_rows
        int32 (n_baskets,): the holdout row whose list a basket is scored with, -1 = anonymous
        (cold-start list). Empty where the dataset has no baskets.
    basket_indptr, basket_items
        int64 (n_baskets + 1,), int32: known items of each basket, one entry per log row (an item on two
        rows of an invoice stands twice), rising within a basket.
    n_items
        Size of the catalogue.

    Raises
    ------
    ValueError
        If lengths do not fit together.

    """

    user_codes: npt.NDArray[np.int32]
    indptr: npt.NDArray[np.int64]
    items: npt.NDArray[np.int32]
    n_relevant: npt.NDArray[np.int32]
    basket_rows: npt.NDArray[np.int32]
    basket_indptr: npt.NDArray[np.int64]
    basket_items: npt.NDArray[np.int32]
    n_items: int

    def __post_init__(self) -> None:
        """Check that the parts belong together."""
        n_rows, n_baskets = len(self.user_codes), len(self.basket_rows)
        lengths = (len(self.indptr), len(self.n_relevant), len(self.basket_indptr))
        if lengths != (n_rows + 1, n_rows, n_baskets + 1):
            raise ValueError(
                f"holdout parts of {n_rows} users and {n_baskets} baskets have lengths {lengths}"
            )
        if self.indptr[-1] != len(self.items) or self.basket_indptr[-1] != len(self.basket_items):
            raise ValueError("holdout indptr does not end at the number of its items")
        short = np.flatnonzero(self.n_relevant < np.maximum(np.diff(self.indptr), 1))
        if len(short):
            raise ValueError(
                f"holdout row {short[0]} says n_relevant = {self.n_relevant[short[0]]}; every row needs at "
                f"least 1 and no fewer than its {np.diff(self.indptr)[short[0]]} known items"
            )

    @property
    def n_rows(self) -> int:
        """Number of holdout users."""
        return len(self.user_codes)

    @property
    def n_baskets(self) -> int:
        """Number of baskets, anonymous ones included."""
        return len(self.basket_rows)


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """``{"value", "low", "high"}``."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one model's lists are worth on one hold-out.

    Parameters
    ----------
    summary
        Ready for JSON: ``{scenario: {metric: {"value", "low", "high"}}}`` for both scenarios, and beside
        them ``"slices": {scenario: {slice: {metric: {...}}}}`` and ``"lists": {scenario: {fact: number}}``.
    arrays
        The values behind the summary, one array per ``scenario.metric`` (float32, one value per user or
        per basket), and int32 ``scenario.clusters`` (n_baskets,): baskets with one number are one user's.

    """

    summary: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]

    def units(self, scenario: str, metric: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
        """Values of a metric per unit, and the clusters that units belong to (None: each its own).

        Raises
        ------
        ValueError
            If the metric has no values per unit; names those that have.

        """
        key = f"{scenario}.{metric}"
        if key not in self.arrays:
            raise ValueError(f"no values per user or basket for {key!r}; there are {sorted(self.arrays)}")
        clusters = self.arrays[f"{scenario}.clusters"] if metric.startswith("basket_") else None
        return self.arrays[key], clusters


class RuleResult(BaseModel):
    """One rule of the gate after it was applied."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Short name, e.g. ``beats_best_baseline``."""
    value: float | str | None
    """What was found; None where there was nothing to compare with."""
    limit: float | str | None
    """What it was held against; None where the rule does not apply."""
    passed: bool
    """The verdict."""
    meaning: str
    """The rule in words, with the names that were compared."""
    level: Literal["fail", "warn"] = "fail"
    """``fail``: closes the gate when broken; ``warn``: is only shown."""


class GateDecision(BaseModel):
    """May the winner replace what is live: the verdict and every rule behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    open: bool
    """True when every rule passed, those that only warn aside."""
    winner: str
    """Name of the model that would be published."""
    rules: tuple[RuleResult, ...]
    """All rules, passed or not, in the order they were applied."""
