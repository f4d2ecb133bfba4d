"""What an evaluation found, and what the gate may say about it."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from data_contracts.metrics import Reads, parse_metric

Scenario = Literal["repeat", "discovery"]

SCENARIOS: Final[tuple[Scenario, ...]] = ("repeat", "discovery")
"""repeat: anything may be recommended; discovery: what the user had before the cut-off leaves the lists
and the truth."""


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
        The values behind the summary, one array per ``scenario.metric`` (float32, one value per user,
        basket, pair or event; of rmse the squared errors). What is not one value per user has its owners
        beside it, int32 ``scenario.clusters`` of baskets, ``scenario.ratings_clusters`` of pairs and
        ``scenario.next_items_clusters`` of events: units with one number are one user's.

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
            raise ValueError(f"no values per unit for {key!r}; there are {sorted(self.arrays)}")
        reads = parse_metric(metric).metric.reads
        return self.arrays[key], None if reads == "lists" else self.arrays[clusters_of(scenario, reads)]

    def has_units(self, scenario: str, metric: str) -> bool:
        """Whether the metric has a value for at least one unit."""
        return len(self.arrays.get(f"{scenario}.{metric}", ())) > 0


def clusters_of(scenario: str, reads: Reads) -> str:
    """Name of the array that says whose the units of a metric are."""
    return f"{scenario}.clusters" if reads == "baskets" else f"{scenario}.{reads}_clusters"


GateVerdict = Literal["open", "closed", "undecided"]
"""``open``: the winner may replace what is live; ``closed``: it may not; ``undecided``: there is too little
evidence to say."""


class RuleResult(BaseModel):
    """One rule of the gate after it was applied."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Short name, e.g. ``beats_best_baseline``."""
    value: float | str | None
    """What was found; None where there was nothing to compare with."""
    limit: float | str | None
    """What it was held against; None where the rule does not apply."""
    passed: bool | None
    """The verdict; None where the rule does not apply, which is not the same as passed."""
    meaning: str
    """The rule in words, with the names that were compared."""
    level: Literal["fail", "warn", "evidence"] = "fail"
    """``fail``: closes the gate when broken; ``warn``: is only shown; ``evidence``: when broken, too little is
    known to decide."""

    @property
    def broken(self) -> bool:
        """Whether the rule applies and was not kept."""
        return self.passed is False


class GateDecision(BaseModel):
    """May the winner replace what is live: the verdict and every rule behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    verdict: GateVerdict
    """``closed`` when a rule of level fail is broken, else ``undecided`` when one of level evidence is, else
    ``open``."""
    open: bool
    """Whether the verdict is ``open``."""
    winner: str
    """The model that would be published; without enough evidence the dataset's fallback baseline."""
    rules: tuple[RuleResult, ...]
    """All rules, kept, broken or not applicable, in the order they were applied."""
    publishes: bool
    """Whether lists go out: always when open, never when closed; when undecided only where nothing is live and
    the dataset says ``undecided = "publish_baseline"``."""
