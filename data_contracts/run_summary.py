"""The summary of a run: what ``shelftalker run --json`` prints and a publication keeps as summary.json.

:class:`RunSummary` is what programs may rely on. Its JSON schema is docs/run-summary.schema.json, written by
``python -m data_contracts.run_summary``.
"""

import json
import sys
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Self

from data_contracts.evaluation import GateVerdict, Interval, RuleResult, Scenario
from data_contracts.rules_result import RulesResult
from data_contracts.summary_part import SummaryPart

Metrics = dict[str, Interval]
"""Values by metric name, such as ``precision@5``, with their 95 % intervals."""


class HoldoutCounts(SummaryPart):
    """Sizes of the hold-out."""

    LEFT_OUT_IF_NONE: ClassVar[frozenset[str]] = frozenset({"n_forbidden_pairs", "n_users_left_out"})

    n_users: int
    """Users with an event in the hold-out who are scored."""
    n_users_in_all: int = 0
    """The same before a sample was drawn of them; 0 in summaries of earlier versions."""
    n_known_users: int
    """Of those scored, users with an event before the cut."""
    n_baskets: int
    """Baskets, those without a user included; 0 for a log without baskets."""
    n_known_baskets: int
    """Of them, baskets of users with an event before the cut."""
    n_items: int
    """Items that the models know."""
    n_events: int = 0
    """Events of users in the hold-out, in order, those that are only looked back on, too; 0 where the split has no order."""
    n_guessed_events: int = 0
    """Of them, events that next_item_accuracy asks for: all, or a seeded sample."""
    n_ratings: int = 0
    """Pairs in the hold-out with a rating and a known item; 0 for a log without ratings."""
    n_forbidden_pairs: int | None = None
    """Pairs of a user and an item that could not have been shown under the shop's rules, and are no truth; absent
    without rules."""
    n_users_left_out: int | None = None
    """Users who took nothing else and are not scored; absent without rules."""


class Counts(SummaryPart):
    """Rows read and rejected, sizes of the hold-out and, unless the gate is closed, of the lists."""

    LEFT_OUT_IF_NONE: ClassVar[frozenset[str]] = frozenset(
        {
            "events",
            "event_types",
            "capped_events",
            "capped_users",
            "prediction_rows",
            "users",
            "users_without_history",
            "items",
            "late_outliers",
            "last_regular_event_time",
        }
    )

    rows_read: int
    """Rows of the log."""
    rows_accepted: int
    """Rows that became events."""
    rows_rejected: int
    """Rows in quarantine."""
    anonymous: int
    """Accepted rows without a user."""
    rejected: dict[str, int]
    """Rows in quarantine by reason; a row may have several."""
    counted: dict[str, int]
    """Rows that were noticed, by reason, and kept."""
    normalised: dict[str, int]
    """Rows that were changed on reading, by what was done."""
    first_event_time: str | None
    """ISO 8601, UTC; null for a log without times."""
    last_event_time: str | None
    """ISO 8601, UTC; null for a log without times."""
    late_outliers: int | None = None
    """Events so far behind all others that they look mistyped; they do not decide the day of a run. Absent where
    there are none."""
    last_regular_event_time: str | None = None
    """Time of the newest event that is none of these, ISO 8601, UTC; absent where there are none."""
    files: int
    """Files that were read."""
    described_items: int
    """Items with a title or other metadata."""
    seconds: float
    """Time that reading took, when it was done."""
    holdout: HoldoutCounts
    """How much is held out."""
    events: int | None = None
    """Events that the published lists were made from; absent where the gate is closed."""
    event_types: dict[str, int] | None = None
    """Accepted rows by the type of their event; absent where events have no types."""
    capped_events: int | None = None
    """Accepted rows, known to have been had, that are not trained on because their user has too many of one day;
    absent where no limit is set."""
    capped_users: int | None = None
    """Their users; absent where no limit is set."""
    prediction_rows: int | None = None
    """Rows of predictions.parquet; absent where the gate is closed."""
    users: int | None = None
    """Users with a list; absent where the gate is closed."""
    users_without_history: int | None = None
    """Of them, users who get the cold-start list; absent where the gate is closed."""
    items: int | None = None
    """Items that lists may hold; absent where the gate is closed."""


class Seconds(SummaryPart):
    """Time that one model took, when the work was done; a reused step keeps its time."""

    fit: float
    """Training."""
    score: float
    """Making the lists of the hold-out and evaluating them."""


class ModelResult(SummaryPart):
    """What one model reaches on the hold-out, and what it is."""

    repeat: Metrics
    """Metrics where anything may be recommended."""
    discovery: Metrics
    """Metrics where only items that are new to the user may be recommended."""
    kind: str
    """Name of the model's module."""
    parameters: dict[str, Any]
    """All parameters, defaults included."""
    seconds: Seconds
    """Time of training and of evaluation."""
    parameters_from: str
    """Where the parameters came from: ``dataset file`` or ``study NAME``."""

    def metrics(self, scenario: Scenario) -> Metrics:
        """Metrics of one scenario."""
        return self.repeat if scenario == "repeat" else self.discovery


class LeftOutModel(SummaryPart):
    """A model that broke, and that the run went on without."""

    name: str
    """Name of the model."""
    stage: str
    """What failed: ``requirements`` for a kind that the log cannot feed, ``limits`` for one that would not have fitted,
    ``training``, ``evaluation`` or ``refit``."""
    reason: str
    """The first line of the error."""


class GateResult(SummaryPart):
    """What the gate decided and why."""

    verdict: GateVerdict
    """``undecided``: too little evidence to open or to close it."""
    open: bool
    """Whether the verdict is ``open``."""
    winner: str
    """Name of the model that is, or would be, published; of an undecided gate the fallback baseline."""
    publishes: bool
    """Whether lists go out: always when open, never when closed, and when undecided only where nothing is live."""
    metric: str
    """Name of the metric that decides."""
    scenario: Scenario
    """Scenario that decides."""
    best_baseline: str
    """Name of the best baseline by that metric."""
    differences: dict[str, Interval]
    """For each candidate its gain over the best baseline on the same users, baskets, pairs or events: positive is
    better, also for a metric of which less is."""
    rules: tuple[RuleResult, ...]
    """Every rule, passed, broken or not applicable, in the order in which they were applied."""


class RunFindings(SummaryPart):
    """What a run found, whatever becomes of it."""

    LEFT_OUT_IF_NONE: ClassVar[frozenset[str]] = frozenset({"rules"})

    run_id: str
    """Name of the run: decided by its content, so that the same run has the same name."""
    dataset: str
    """Name of the dataset."""
    as_of: date | None
    """The run saw events before this day; null for a log without times."""
    split: str
    """How the hold-out was cut, in words."""
    counts: Counts
    """Sizes."""
    models: dict[str, ModelResult]
    """Results by model name, in the order of the dataset file."""
    left_out: tuple[LeftOutModel, ...] = ()
    """Models that broke; the gate decided among the rest."""
    gate: GateResult
    """The decision."""
    warnings: tuple[str, ...] = ()
    """What somebody should look at though it did not stop the run: in the log, its ids, or what is left out."""
    rules: RulesResult | None = None
    """What the shop's own rules do; absent where it has none."""
    tuned: str | None
    """Name or path of the tuned file that was given; null without one."""

    @property
    def deciding_metrics(self) -> dict[str, Metrics]:
        """Metrics of each model in the scenario that decides."""
        return {name: model.metrics(self.gate.scenario) for name, model in self.models.items()}


class RunSummary(RunFindings):
    """What a run found, and where it is."""

    LEFT_OUT_IF_NONE: ClassVar[frozenset[str]] = frozenset({"rules", "live"})

    published: bool
    """Whether the run was published."""
    path: str
    """Folder of the publication; of a run that was not published, where its evidence is."""
    report: str
    """The report, an HTML page."""
    live: bool | None = None
    """Whether the publication is the live one: a run as of an older day does not replace a newer one.
    Absent where nothing was published, and in the publication's own summary.json."""

    @classmethod
    def of(cls, findings: RunFindings, *, published: bool, path: str, report: str) -> Self:
        """Complete what a run found by where it is."""
        return cls(**dict(findings), published=published, path=path, report=report)


class RunFigures(SummaryPart):
    """What is compared from run to run; None where a summary does not say."""

    as_of: str | None
    """Day of the run."""
    winner: str | None
    """Name of the model that won."""
    events: int | None
    """Events that the lists were made from."""
    users: int | None
    """Users with a list."""
    items: int | None
    """Items that lists may hold."""
    quarantine_share: float | None
    """Rejected rows / rows read."""
    metric: str | None
    """Name of the metric that decided."""
    scenario: str | None
    """Scenario that decided."""
    value: float | None
    """That metric of the winner."""

    @classmethod
    def read(cls, summary: Mapping[str, Any]) -> Self:
        """Take the figures out of a summary as JSON; one of an earlier version may lack any of them."""
        gate, counts = _section(summary, "gate"), _section(summary, "counts")
        winner, metric, scenario = (gate.get(name) for name in ("winner", "metric", "scenario"))
        rows_read, rejected = counts.get("rows_read"), counts.get("rows_rejected", 0)
        return cls(
            as_of=summary.get("as_of"),
            winner=winner,
            events=counts.get("events"),
            users=counts.get("users"),
            items=counts.get("items"),
            quarantine_share=rejected / rows_read if rows_read else None,
            metric=metric,
            scenario=scenario,
            value=_section(summary, "models", winner, scenario, metric).get("value"),
        )


def _section(summary: Mapping[str, Any], *names: Any) -> Mapping[str, Any]:
    """Part of a summary as JSON; empty where it has none."""
    found: Any = summary
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def schema_text() -> str:
    """JSON schema of :class:`RunSummary`, as docs/run-summary.schema.json holds it."""
    return json.dumps(RunSummary.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
