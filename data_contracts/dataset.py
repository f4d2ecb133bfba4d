"""A dataset file: everything the program must know about one log, checked before anything is read."""

import re
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from data_contracts.cluster_section import ClusterSection
from data_contracts.column_sections import ColumnsSection, ItemAttributes, ItemsSection, Section
from data_contracts.database_url import masked
from data_contracts.dataset_files import find_dataset, must_be_named_alike
from data_contracts.dataset_sections import (
    CancellationSection,
    CleaningSection,
    ContractSection,
    EvaluationSection,
    ExportSection,
    GroupingSection,
    LimitsSection,
    ModelSection,
    WindowSection,
)
from data_contracts.errors import ConfigurationError
from data_contracts.feedback_section import FeedbackSection
from data_contracts.gate_section import BEST_BASELINE, LIVE, GateSection
from data_contracts.metrics import parse_metric
from data_contracts.notify_section import NotifySection
from data_contracts.report_section import ReportSection
from data_contracts.rules_section import RulesSection
from data_contracts.schedule_section import ScheduleSection
from data_contracts.source_section import SourceSection
from data_contracts.tracking_section import TrackingSection
from data_contracts.variants_section import VariantsSection

DEFAULT_MODELS = Path(__file__).parent / "default_models.toml"
"""Models of a dataset file that names none, as such a file would name them."""

UNSAID = re.compile(r"url|sink|dsn|pas+w|pwd|secret|token|credential", re.IGNORECASE)
"""Keys, misspelt ones too, whose value no error repeats: somebody may have put a password there."""


LONGEST_VALUE, LONGEST_PROBLEM = 200, 600
"""Characters of a wrong value, and of what is said about it: either may hold what the file does."""


def default_models() -> dict[str, ModelSection]:
    """Models of a dataset file that names none."""
    named = tomllib.loads(DEFAULT_MODELS.read_text(encoding="utf-8"))["models"]
    return {name: ModelSection.model_validate(_model_section(name, keys)) for name, keys in named.items()}


class DatasetSpec(Section):
    """One log: where it is, what its columns mean, what is allowed in it, and how it is evaluated.

    Examples
    --------
    >>> DatasetSpec.load("movielens_small").feedback.threshold
    4.0

    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Names the folder that its publications live in."""
    description: str = ""
    """One sentence for people."""
    file: Path = Field(default=Path(), exclude=True)
    """The .toml that this was read from; not part of what the dataset says."""
    source: SourceSection
    columns: ColumnsSection
    items: ItemsSection | None = None
    cleaning: CleaningSection = CleaningSection()
    cancellation: CancellationSection | None = None
    feedback: FeedbackSection = FeedbackSection()
    contract: ContractSection = ContractSection()
    window: WindowSection = WindowSection()
    grouping: GroupingSection = GroupingSection()
    evaluation: EvaluationSection = EvaluationSection()
    limits: LimitsSection = LimitsSection()
    models: dict[str, ModelSection] = Field(default_factory=default_models, min_length=1)
    gate: GateSection = GateSection()
    export: ExportSection = ExportSection()
    rules: RulesSection | None = None
    variants: VariantsSection | None = None
    cluster: ClusterSection = ClusterSection()
    report: ReportSection = ReportSection()
    schedule: ScheduleSection = ScheduleSection()
    notify: tuple[NotifySection, ...] = ()
    tracking: TrackingSection = TrackingSection()

    @model_validator(mode="before")
    @classmethod
    def _split_parameters(cls, data: Any) -> Any:
        """Sort the keys of each ``[models.NAME]`` into the two that are ours and the model's own."""
        if not isinstance(data, dict) or not isinstance(data.get("models"), dict):
            return data
        models = {name: _model_section(name, keys) for name, keys in data["models"].items()}
        return {**data, "models": models}

    @field_validator("notify", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        """Let ``[notify]`` be a ``[[notify]]`` that stands alone."""
        return (given,) if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _roles_are_there(self) -> Self:
        """Refuse what needs a column that the file does not name."""
        needs = {
            "value": self.feedback.kind not in {"count", "event_type"}
            and f"feedback kind {self.feedback.kind!r}",
            "event": self.feedback.kind == "event_type" and "feedback kind 'event_type'",
            "basket": self.window.split == "leave_last_basket" and "split 'leave_last_basket'",
            "time": self._needs_time(),
        }
        for role, reason in needs.items():
            if reason and getattr(self.columns, role) is None:
                raise ValueError(
                    f"{reason} needs {'an' if role == 'event' else 'a'} {role} column: write {role} = ... under [columns]"
                )
        if self.columns.event is not None and self.feedback.kind != "event_type":
            raise ValueError(
                'event under [columns] needs kind = "event_type" and weights = { TYPE = WEIGHT, ... } under [feedback]; '
                f"got kind {self.feedback.kind!r}"
            )
        judged = self.feedback.threshold is not None or self.feedback.as_weight
        if self.feedback.kind == "event_type" and judged != (self.columns.value is not None):
            raise ValueError(
                'with kind = "event_type" a value column needs threshold (of ratings) or as_weight = true (of quantities) '
                "under [feedback], and the other way round; where there is none, events are weighed by their type alone"
            )
        self._feeds(f"metric {self.evaluation.metric!r}", self.evaluation.metric)
        return self

    @model_validator(mode="after")
    def _attributes_agree(self) -> Self:
        """Refuse an attribute that the log and the item table have in two kinds."""
        self.item_attributes  # noqa: B018 - it raises
        return self

    @model_validator(mode="after")
    def _rules_can_be_answered(self) -> Self:
        """Refuse a rule about an attribute that is not there, and dates without a day to judge them by."""
        if self.rules is None:
            return self
        self.rules.check_columns(self.item_attributes)
        if any(self.rules.dates) and self.columns.time is None:
            raise ValueError(
                "rules.available_from and rules.available_until are judged as of a run's day, which a log without "
                "times does not have; write time = ... under [columns], or use rules.available"
            )
        return self

    @model_validator(mode="after")
    def _models_are_there(self) -> Self:
        """Refuse a run without a baseline, and a cold-start list that no model makes."""
        if not any(choice.baseline for choice in self.models.values()):
            raise ValueError("no model is a baseline: write baseline = true under one [models.NAME]")
        if self.evaluation.cold_start not in self.models:
            raise ValueError(
                f"evaluation.cold_start = {self.evaluation.cold_start!r} is none of the models: "
                f"{', '.join(self.models)}; name one of them, or add [models.{self.evaluation.cold_start}]"
            )
        return self

    @model_validator(mode="after")
    def _gate_rules_can_be_answered(self) -> Self:
        """Refuse a rule about a metric that is not computed or a model that is not trained."""
        for rule in self.gate.rules:
            k = parse_metric(rule.metric).k
            if k is not None and k not in self.evaluation.ks:
                raise ValueError(
                    f"gate rule {rule.name!r}: {rule.metric} needs its k in ks; got {list(self.evaluation.ks)}"
                )
            self._feeds(f"gate rule {rule.name!r}: {rule.metric}", rule.metric)
            if rule.versus not in {None, BEST_BASELINE, LIVE, *self.models}:
                raise ValueError(
                    f"gate rule {rule.name!r}: versus = {rule.versus!r} is neither {BEST_BASELINE!r} nor {LIVE!r} "
                    f"nor one of the models: {', '.join(self.models)}"
                )
        if self.gate.fallback is not None and self.gate.fallback not in self.models:
            raise ValueError(
                f"gate.fallback = {self.gate.fallback!r} is none of the models: {', '.join(self.models)}"
            )
        return self

    def _feeds(self, who: str, metric: str) -> None:
        """Refuse a metric that reads what this log does not have."""
        reads = parse_metric(metric).metric.reads
        if reads == "baskets" and self.columns.basket is None:
            raise ValueError(f"{who} needs a basket column: write basket = ... under [columns]")
        if reads == "ratings" and self.feedback.kind != "rating":
            raise ValueError(f'{who} needs ratings: write kind = "rating" under [feedback]')
        if reads == "next_items" and (self.columns.time is None or self.window.split == "random"):
            raise ValueError(f"{who} needs events in order: a time column, and a split other than 'random'")

    def _needs_time(self) -> str | None:
        if self.window.split in {"time", "leave_last", "leave_last_basket"}:
            return f"split {self.window.split!r} (or write split = 'random')"
        if self.window.lookback_days or self.grouping.half_life_days:
            return "lookback_days or half_life_days"
        if self.cleaning.caps_events:
            return "max_events_per_user or max_events_quantile, which are per day,"
        return None

    @property
    def item_attributes(self) -> ItemAttributes:
        """Attributes of items, those of the log and those of the item table."""
        return self.columns.joined(self.items or ItemAttributes())

    @property
    def with_rule_columns(self) -> "DatasetSpec":
        """The same with the columns of ``[rules]`` among the attributes, as ingestion reads them.

        They are no features: models are given :attr:`item_attributes` of the dataset itself.
        """
        text, dates = self.rules.more_columns(self.item_attributes.kinds()) if self.rules else ((), ())
        if not text and not dates:
            return self
        name = "columns" if self.items is None else "items"
        section: ColumnsSection | ItemsSection = self.items or self.columns
        more = {"attributes": section.attributes + text, "dates": section.dates + dates}
        return self.model_copy(update={name: section.model_copy(update=more)})

    @property
    def has_catalogue(self) -> bool:
        """Whether items without any event get codes."""
        return self.items is not None and self.items.catalogue

    @property
    def folder(self) -> Path:
        """What relative paths of the file are relative to."""
        return self.file.parent

    @classmethod
    def load(cls, name_or_path: str | Path) -> "DatasetSpec":
        """Read a dataset by its name, in data_contracts/datasets or the home's folder, or by the path of a .toml.

        Raises
        ------
        ConfigurationError
            Naming the file, the field, its value and what to do.

        """
        path = find_dataset(str(name_or_path))
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{path} is no readable TOML: {error}") from error
        try:
            found = cls.model_validate({**data, "file": path.absolute()})
        except ValidationError as error:
            raise ConfigurationError(_explain(path, error)) from error
        must_be_named_alike(path, found.name)
        return found


def _model_section(name: str, keys: Any) -> Any:
    if isinstance(keys, ModelSection) or not isinstance(keys, dict):
        return keys
    own = {"kind": keys.get("kind", name), "baseline": keys.get("baseline", False)}
    parameters = {key: value for key, value in keys.items() if key not in own}
    # TOML has no null: the text "none" stands for it.
    return {
        **own,
        "parameters": {key: None if value == "none" else value for key, value in parameters.items()},
    }


def _shortened(text: str, longest: int) -> str:
    shown = masked(text)
    return shown if len(shown) <= longest else f"{shown[:longest]}..."


def _explain(path: Path, error: ValidationError) -> str:
    """One line a problem: where in the file, what is there, what is wrong."""
    lines = [f"dataset file {path} has {error.error_count()} problem(s):"]
    for problem in error.errors(include_url=False):
        where = _shortened(".".join(str(part) for part in problem["loc"]), LONGEST_PROBLEM) or "the file"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "there is no such key; check its spelling and its section"
        shown = problem["input"]
        unsaid = problem["type"] == "missing" or isinstance(shown, dict) or UNSAID.search(where)
        value = "" if unsaid else f" = {_shortened(repr(shown), LONGEST_VALUE)}"
        lines.append(f"  {where}{value}: {_shortened(message, LONGEST_PROBLEM)}")
    return "\n".join(lines)
