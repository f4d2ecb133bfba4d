"""The metrics: what each one measures, what it reads, and in which direction it is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Direction = Literal["higher", "lower"]
Reads = Literal["lists", "baskets", "ratings", "next_items"]


@dataclass(frozen=True)
class Metric:
    """One metric of the registry.

    Parameters
    ----------
    name
        As it is written in a dataset file, without the list length.
    definition
        What it measures, in words, for every output.
    direction
        ``higher``: more is better; ``lower``: less is.
    reads
        What it is computed from: ``lists`` (one per holdout user), ``baskets`` (each scored with its user's
        list), ``ratings`` (predicted values of held-out pairs), ``next_items`` (guesses for each held-out
        event). Ratings need a model that predicts them.
    takes_k
        Whether it is taken at a list length and written ``NAME@K``.
    per_unit
        Whether it has a value for each user, basket, pair or event. Only such a metric can decide or be
        compared between models; the others are facts about all lists together.
    root
        The metric is the square root of the mean of its units, not their mean.

    """

    name: str
    definition: str
    direction: Direction = "higher"
    reads: Reads = "lists"
    takes_k: bool = True
    per_unit: bool = True
    root: bool = False

    def written(self, k: int | None = None) -> str:
        """Name with its list length, such as ``precision@5``; ``rmse`` where it takes none.

        Raises
        ------
        ValueError
            If k is missing, not positive, or not wanted.

        """
        if self.takes_k != (k is not None) or (k is not None and k < 1):
            wanted = "k >= 1" if self.takes_k else "no k"
            raise ValueError(f"metric {self.name!r} takes {wanted}; got {k}")
        return self.name if k is None else f"{self.name}@{k}"

    def gain(self, difference: float) -> float:
        """A difference of two values as a gain: positive is better, whatever the direction."""
        return difference if self.direction == "higher" else 0.0 - difference


_ALL = (
    Metric("precision", "relevant items among the first k of the list / k, also where the list is shorter"),
    Metric("recall", "relevant items among the first k / min(k, relevant items of the user)"),
    Metric("hit_rate", "1 if any of the first k is relevant, else 0"),
    Metric(
        "map",
        "sum over relevant ranks r <= k of (relevant among the first r) / r, / min(k, relevant items)",
    ),
    Metric(
        "ndcg",
        "sum over relevant ranks r <= k of 1 / log2(r + 1), / the same sum over ranks 1 to "
        "min(k, relevant items)",
    ),
    Metric("mrr", "1 / rank of the first relevant item, 0 if it is not among the first k"),
    Metric(
        "basket_precision",
        "rows of the basket whose item is among the first k / k, mean over baskets; baskets without a user "
        "are scored with the cold-start list",
        reads="baskets",
    ),
    Metric(
        "next_item_accuracy",
        "1 if a held-out event's item is among k guesses made from all events of its user before it, else 0; "
        "mean over held-out events in the order of their times (of one time: in the order of the items' codes). "
        "A model that ranks what follows a sequence guesses anew for each event, any other guesses its list "
        "for the user; of very many events a sample is guessed, the same for all models",
        reads="next_items",
    ),
    Metric(
        "rmse",
        "square root of the mean squared difference between predicted and given rating, over the held-out "
        "pairs whose item was known before; models that predict no ratings have none",
        direction="lower",
        reads="ratings",
        takes_k=False,
        root=True,
    ),
    Metric(
        "mae",
        "mean absolute difference between predicted and given rating, over the same pairs as rmse",
        direction="lower",
        reads="ratings",
        takes_k=False,
    ),
    Metric("novelty", "mean of -log2((events of the item + 1) / (all events + items)) over the first k"),
    Metric("full_lists", "1 if the list holds k items, else 0"),
    Metric(
        "coverage",
        "share of the catalogue that stands among the first k of at least one holdout user's list; "
        "a fact about these lists, not an estimate, so its interval is the value itself",
        per_unit=False,
    ),
)

METRICS: Final[Mapping[str, Metric]] = {metric.name: metric for metric in _ALL}
"""Every metric by name. All are plain means over their units, except the root of rmse; macro averages over holdout
users where they read lists. Relevant items of a user are the distinct items taken in the hold-out, also those that
no list can hold because they are new. Intervals: 95 %, Poisson bootstrap over users."""


class MetricAt(NamedTuple):
    """A metric at a list length; k is None where the metric takes none."""

    metric: Metric
    k: int | None

    @property
    def name(self) -> str:
        """As it is written."""
        return self.metric.written(self.k)


def metric_name(base: str, k: int | None = None) -> str:
    """Name of a metric at a list length: ``precision@5``; ``rmse``.

    Raises
    ------
    ValueError
        If `base` is unknown or `k` does not fit.

    """
    if base not in METRICS:
        raise ValueError(f"metric {base!r} is unknown; there are {', '.join(METRICS)}")
    return METRICS[base].written(k)


def parse_metric(name: str) -> MetricAt:
    """Split ``precision@5`` into the metric and 5.

    Raises
    ------
    ValueError
        Saying which names exist, and which of them take a list length.

    """
    base, at, k = name.partition("@")
    metric = METRICS.get(base)
    whole = k.isdecimal() and k.isascii() and int(k) >= 1
    if metric is None or (metric.takes_k and not whole) or (not metric.takes_k and at):
        with_k = ", ".join(each.name for each in METRICS.values() if each.takes_k)
        without = ", ".join(each.name for each in METRICS.values() if not each.takes_k)
        raise ValueError(f"unknown metric {name!r}; write NAME@K with NAME one of {with_k}; or {without}")
    return MetricAt(metric, int(k) if metric.takes_k else None)


def is_better(metric: Metric, value: float, other: float) -> bool:
    """Whether `value` is strictly better than `other`."""
    return metric.gain(value - other) > 0.0
