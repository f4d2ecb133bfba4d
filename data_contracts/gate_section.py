"""The ``[gate]`` section of a dataset file: limits of the built-in rules, and rules of the shop's own."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from data_contracts.column_sections import Section, Share
from data_contracts.evaluation import Scenario
from data_contracts.limits import MAX_DAYS, MAX_NUMBER, Count, Number
from data_contracts.metrics import parse_metric

BEST_BASELINE = "best_baseline"
LIVE = "live"


class CustomRule(Section):
    """``[[gate.rules]]``: one more demand on the winner.

    With `versus` the low end of the interval of the winner's gain over `versus` must lie above ``-margin``; a
    gain is positive where the winner is better, also for a metric of which less is better. With `at_least` or
    `at_most` the winner's metric itself must reach a limit; exactly reaching it is enough.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """How the rule is called in the decision."""
    scenario: Scenario = "repeat"
    """Where the metric is taken."""
    metric: str
    """Such as ``recall@10``; its k must be among the ks of ``[evaluation]``."""
    versus: str | None = None
    """``best_baseline``, ``live`` (does not apply while nothing is live) or the name of a model of the dataset."""
    margin: float = Field(default=0.0, ge=0, le=MAX_NUMBER, allow_inf_nan=False)
    """Of `versus`: how much of the metric (absolute) the winner may lose."""
    at_least: Number | None = None
    """Instead of `versus`: the smallest value that is good enough."""
    at_most: Number | None = None
    """Instead of `versus`: the largest value that is good enough, such as an rmse."""
    level: Literal["fail", "warn"] = "fail"
    """``fail``: a broken rule closes the gate; ``warn``: it is only shown."""

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, value: str) -> str:
        parse_metric(value)
        return value

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        asked = [self.versus, self.at_least, self.at_most]
        if sum(each is not None for each in asked) != 1:
            raise ValueError(f"rule {self.name!r}: write exactly one of versus, at_least and at_most")
        if self.versus is None and self.margin:
            raise ValueError(f"rule {self.name!r}: margin belongs to versus; change the limit itself instead")
        if self.versus is not None and not parse_metric(self.metric).metric.per_unit:
            raise ValueError(
                f"rule {self.name!r}: {self.metric} has no values per user to compare; use at_least or at_most "
                "instead of versus"
            )
        return self


class GateSection(Section):
    """``[gate]``: limits of the rules that a winner must pass."""

    margin_live: float = Field(default=0.02, ge=0, le=1, allow_inf_nan=False)
    """The interval of the winner's gain over the live model, trained again on the same window, must lie above
    minus this share of the live model's metric."""
    min_coverage: Share = Field(default=0.01, ge=0, le=1)
    """Share of the catalogue that must be on somebody's list."""
    max_identical_share: Share = Field(default=0.95, ge=0, le=1)
    """Share of users with a history who may get one and the same list."""
    max_short_lists: Share = Field(default=0.0, ge=0, le=1)
    """Share of users whose list may be shorter than it could be."""
    min_known_users: Count = 10
    """Evidence: so many users known before must be scored; fewer, and nothing is decided."""
    min_known_baskets: Count = 10
    """Evidence, of metrics that read baskets: so many baskets of known users must be scored."""
    max_interval_width: float = Field(default=2.0, gt=0, le=1e6, allow_inf_nan=False)
    """Evidence: the winner's 95 % interval may be so many times as wide as its value; 2 is reached with about
    three hits in all."""
    max_age_days: float = Field(default=7.0, gt=0, le=MAX_DAYS, allow_inf_nan=False)
    """Evidence: so old may the newest event be on the run's day; an older log is one whose export stopped."""
    undecided: Literal["keep", "publish_baseline"] = "publish_baseline"
    """With too little evidence what is live stays. Where nothing is: ``publish_baseline`` lets the fallback go
    out, for a shop's first page must show something, and bestsellers do no harm; ``keep`` publishes nothing."""
    fallback: str | None = None
    """The model of ``publish_baseline``; the cold-start model of ``[evaluation]`` if absent."""
    rules: tuple[CustomRule, ...] = ()
    """``[[gate.rules]]``: applied after the built-in ones."""

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, value: tuple[CustomRule, ...]) -> tuple[CustomRule, ...]:
        names = [rule.name for rule in value]
        if len(set(names)) != len(names):
            raise ValueError(f"two rules share a name; got {names}")
        return value
