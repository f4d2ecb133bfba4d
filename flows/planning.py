"""Small decisions of a run before its steps begin: which day, which models, what it is called."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from prefect import runtime

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelChoice
from data_contracts.errors import ConfigurationError
from data_contracts.tuned import Tuned
from tasks import publication, store
from tasks.training import configure


def run_name() -> str:
    """Name of a flow run: dataset and day."""
    parameters = runtime.flow_run.parameters["parameters"]
    given = parameters if isinstance(parameters, dict) else parameters.model_dump()
    return f"{given.get('dataset', 'sample')} as of {given.get('as_of') or 'now'}".replace("/", "_")


def decide_as_of(spec: DatasetSpec, given: date | None, events: store.ArtifactRef) -> date | None:
    """Day that bounds what the run sees.

    What the caller says comes first, then the day of the scheduled start, then the dataset's own default,
    then the day after the last event. A log without times has none.
    """
    if spec.columns.time is None:
        return None
    if given:
        return given
    zone = ZoneInfo(spec.source.timezone)
    if runtime.deployment.id:
        scheduled: datetime = runtime.flow_run.scheduled_start_time
        return scheduled.astimezone(zone).date()
    if spec.window.default_as_of:
        return spec.window.default_as_of
    last = datetime.fromisoformat(events.facts["last_event_time"]).astimezone(zone)
    return last.date() + timedelta(days=1)


def contenders(spec: DatasetSpec, tuned: Tuned | None = None) -> tuple[dict[str, ModelChoice], str | None]:
    """Models of the run, and the name of the one that stands for what is live now.

    What is live competes by its recipe: the same kind and parameters, trained on the same window as the
    others. Its published lists have seen most of the hold-out and would win unfairly.
    """
    choices = tuned.applied(spec.models) if tuned else dict(spec.models)
    configs = {name: configure(name, choice) for name, choice in choices.items()}
    live = publication.latest(spec.name)
    if live is None:
        return choices, None
    kind, parameters = live.manifest["model"]["kind"], live.manifest["model"]["parameters"]
    for name, config in configs.items():
        if choices[name].kind == kind and config.model_dump(mode="json") == parameters:
            return choices, name
    name, recipe = f"live_{kind}", ModelChoice(kind=kind, parameters=parameters)
    try:
        configure(name, recipe)
    except (
        ConfigurationError
    ):  # made by a version whose model or parameters are gone: nothing to compare with
        return choices, None
    return {**choices, name: recipe}, name


def tell_origin(summary: dict[str, Any], given: str | None, tuned: Tuned | None) -> None:
    """Write into a run's summary where the parameters of each model came from."""
    for name, model in summary["models"].items():
        found = tuned.models.get(name) if tuned else None
        model["parameters_from"] = f"study {found.study}" if found else "dataset file"
    summary["tuned"] = given
