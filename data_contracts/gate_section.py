"""The ``[gate]`` section of a dataset file: limits of the built-in rules, and rules of the shop's own."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from data_contracts.dataset_sections import Section, Share
from data_contracts.evaluation import Scenario, parse_metric

BEST_BASELINE = "best_baseline"
LIVE = "live"


class CustomRule(Section):
    """``[[gate.rules]]``: one more demand on the winner.

    With `versus` the low end of the interval of (winner - versus) must lie above ``-margin``; with
    `at_least` the winner's metric itself must reach a floor.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """How the rule is called in the decision."""
    scenario: Scenario = "repeat"
    """Where the metric is taken."""
    metric: str
    """Such as ``recall@10``; its k must be among the ks of ``[evaluation]``."""
    versus: str | None = None
    """``best_baseline``, ``live`` (passes while nothing is live) or the name of a model of the dataset."""
    margin: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Of `versus`: how much of the metric (absolute) the winner may lose."""
    at_least: float | None = Field(default=None, allow_inf_nan=False)
    """Instead of `versus`: the smallest value that is good enough."""
    level: Literal["fail", "warn"] = "fail"
    """``fail``: a broken rule closes the gate; ``warn``: it is only shown."""

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, value: str) -> str:
        parse_metric(value)
        return value

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.versus is None) == (self.at_least is None):
            raise ValueError(f"rule {self.name!r}: write exactly one of versus and at_least")
        if self.versus is None and self.margin:
            raise ValueError(
                f"rule {self.name!r}: margin belongs to versus; with at_least, lower that instead"
            )
        if self.versus is not None and self.metric.startswith("coverage@"):
            raise ValueError(
                f"rule {self.name!r}: coverage has no values per user to compare; use at_least instead of versus"
            )
        return self


class GateSection(Section):
    """``[gate]``: limits of the rules that a winner must pass."""

    margin_live: float = Field(default=0.02, ge=0)
    """The interval of (winner - live publication) must lie above minus this share of the live metric."""
    min_coverage: Share = Field(default=0.01, ge=0, le=1)
    """Share of the catalogue that must be on somebody's list."""
    max_identical_share: Share = Field(default=0.95, ge=0, le=1)
    """Share of users with a history who may get one and the same list."""
    rules: tuple[CustomRule, ...] = ()
    """``[[gate.rules]]``: applied after the built-in ones."""

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, value: tuple[CustomRule, ...]) -> tuple[CustomRule, ...]:
        names = [rule.name for rule in value]
        if len(set(names)) != len(names):
            raise ValueError(f"two rules share a name; got {names}")
        return value
