"""Decisions before the steps of a run: its day, its models, its name."""

from contextlib import suppress
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from prefect import get_client, runtime
from prefect.context import FlowRunContext

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ConfigurationError
from data_contracts.parameters import DatasetParameters, EngineParameters
from data_contracts.remote_url import check_remote, is_remote
from data_contracts.run_summary import LeftOutModel
from data_contracts.suite_files import find_suite
from data_contracts.tuned import Tuned
from flows.engines import engine_of
from tasks.publication import registry
from tasks.publication.familiar import familiar
from tasks.runtime import store
from tasks.training.requirements import check_metric, check_needs, with_models
from tasks.training.task import configure
from tasks.tuning.tuned_files import load_tuned
from tasks.validation.suites import Suite


def run_name() -> str:
    """Name of a flow run: dataset, and the day if it is known before anything is read."""
    parameters = runtime.flow_run.parameters["parameters"]
    given = parameters if isinstance(parameters, dict) else parameters.model_dump()
    dataset = given.get("dataset", "sample")
    with suppress(ConfigurationError):  # the run itself will say what is wrong with the file
        spec = DatasetSpec.load(dataset)
        day = given.get("as_of") or scheduled_day(spec) or spec.window.default_as_of
        return name_of(spec.name, day)
    return name_of(dataset, given.get("as_of"))


def name_of(dataset: str, day: date | str | None) -> str:
    """Name of a run as people read it in the UI."""
    return f"{dataset} as of {day or 'the newest event'}".replace("/", "_")


def rename_run(dataset: str, as_of: date | None) -> None:
    """Rename the flow run if its name does not have the day that was decided."""
    context, name = FlowRunContext.get(), name_of(dataset, as_of or "no date")
    if context and context.flow_run and context.flow_run.name != name:
        with get_client(sync_client=True) as client:
            client.update_flow_run(context.flow_run.id, name=name)


def decide_as_of(spec: DatasetSpec, given: date | None, events: store.ArtifactRef) -> date | None:
    """The day before which a run sees events.

    The first of these that is known: the day that was given, the day of the scheduled start, the default of the
    dataset file, the day after the newest event that is no outlier
    (:func:`tasks.ingestion.late_outliers.last_regular_day`). A log without times has none.
    """
    if spec.columns.time is None:
        return None
    known = stated_day(spec, given)
    if known:
        return known
    return newest_day(spec, events) + timedelta(days=1)


def newest_day(spec: DatasetSpec, events: store.ArtifactRef) -> date:
    """Day of the newest event that is no outlier, by the dataset's clock."""
    facts = events.facts
    newest = str(facts.get("last_regular_event_time", facts["last_event_time"]))
    return datetime.fromisoformat(newest).astimezone(ZoneInfo(spec.source.timezone)).date()


def stated_day(spec: DatasetSpec, given: date | None) -> date | None:
    """Day that somebody named: the caller, the schedule or the dataset file; None where the log decides."""
    return given or scheduled_day(spec) or spec.window.default_as_of


def compare_with_live(
    dataset: str, as_of: date | None, events: store.ArtifactRef
) -> tuple[store.ArtifactRef, ...]:
    """What there is to say of tonight's ids beside those that were live before; empty where nothing was."""
    live = registry.champion(dataset, as_of)
    return () if live is None else (familiar(events, live),)


def anything_live(dataset: str, as_of: date | None) -> bool:
    """Whether something was live before a run as of that day, whether or not its model still exists."""
    return registry.champion(dataset, as_of) is not None


def scheduled_day(spec: DatasetSpec) -> date | None:
    """Day of a deployment run's scheduled start, in the dataset's timezone; None outside a deployment."""
    if not runtime.deployment.id:
        return None
    scheduled: datetime = runtime.flow_run.scheduled_start_time
    return scheduled.astimezone(ZoneInfo(spec.source.timezone)).date()


def asked_for(parameters: DatasetParameters) -> tuple[DatasetSpec, list[LeftOutModel]]:
    """The dataset with the models that the parameters ask for, and the kinds that it cannot feed.

    Raises
    ------
    ConfigurationError
        Naming the file and what is wrong in it, or the model that does not exist.

    """
    named = on_engine(DatasetSpec.load(parameters.dataset), parameters)
    spec, lacking = with_models(named, getattr(parameters, "models", ()))
    return spec, [LeftOutModel(name=name, stage="requirements", reason=why) for name, why in lacking.items()]


def on_engine(spec: DatasetSpec, parameters: DatasetParameters) -> DatasetSpec:
    """The dataset with what the parameters say of the engine, which goes before ``[cluster]``."""
    given = {name: getattr(parameters, name, None) for name in EngineParameters.model_fields}
    said = {name: value for name, value in given.items() if value is not None}
    return spec.model_copy(update={"cluster": spec.cluster.model_copy(update=said)})


def chosen_models(spec: DatasetSpec, tuned: Tuned | None = None) -> dict[str, ModelSection]:
    """Models that the dataset file or the tuned file names, checked before anything is read.

    Raises
    ------
    ConfigurationError
        Naming a model's wrong parameter, or what it needs and this log lacks.

    """
    choices = tuned.applied(spec.models) if tuned else dict(spec.models)
    for name, choice in choices.items():
        configure(name, choice)
        check_needs(name, choice, spec)
    check_metric(spec, choices)
    return choices


def check_before(parameters: DatasetParameters) -> None:
    """Refuse a dataset file, tuned file or suite that no run could use, before a server or a log is asked.

    Raises
    ------
    ConfigurationError
        Naming the file and what is wrong in it.

    """
    spec, _ = asked_for(parameters)
    store.must_be_plain("dataset", spec.name)
    chosen_models(spec, load_tuned(getattr(parameters, "tuned", None), spec))
    engine_of(spec)
    Suite(find_suite(spec.contract.suite, spec.folder))
    places = (parameters.source or spec.source.path, spec.items and spec.items.path, spec.window.test_path)
    for place in places:
        if place and is_remote(place):
            check_remote(place)


def contenders(
    dataset: str, as_of: date | None, choices: dict[str, ModelSection]
) -> tuple[dict[str, ModelSection], str | None]:
    """Models of the run, and the name of the one that represents the live publication.

    The live publication is represented by a model of the same kind and parameters, trained on the same window as
    the others. Its published lists were made from most of the hold-out and would win unfairly.
    """
    configs = {name: configure(name, choice) for name, choice in choices.items()}
    live = registry.champion(dataset, as_of)
    if live is None:
        return choices, None
    kind, parameters = live.manifest["model"]["kind"], live.manifest["model"]["parameters"]
    # Where a parameter is "auto", the recipe is to choose it anew.
    asked = live.manifest["model"].get("asked", parameters)
    for name, config in configs.items():
        if choices[name].kind == kind and config.model_dump(mode="json") == asked:
            return choices, name
    name, recipe = f"live_{kind}", ModelSection(kind=kind, parameters=parameters)
    try:
        configure(name, recipe)
    except ConfigurationError:
        # Made by a version whose model or parameters are gone: nothing to compare with.
        return choices, None
    return {**choices, name: recipe}, name
