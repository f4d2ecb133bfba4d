"""Tuning: search parameters on windows inside the training side, and write the best to a file."""

import time
from collections.abc import Iterator
from typing import Any

from prefect import flow

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.parameters import TuneParameters
from flows.planning import decide_as_of, run_name
from flows.superseded import superseded
from tasks.ingestion.task import find_source, ingest_at_rest
from tasks.preparation.holdout import split
from tasks.preparation.prepared_events import prepare as prepare_events
from tasks.preparation.splitting import Windows, inner_windows
from tasks.rules.task import RulesOfRun, permitted, rules_at_rest
from tasks.runtime import store
from tasks.training.requirements import matrix_parts
from tasks.training.task import train
from tasks.tuning.search import Budget
from tasks.tuning.studies import shown, sqlite_url
from tasks.tuning.task import Destination, Prepared, tunable, tune_model
from tasks.tuning.tuned_files import tuned_path


@flow(name="tune", flow_run_name=run_name)
def tune(parameters: TuneParameters) -> Any:
    """Tune models of one dataset one after the other; returns the best parameters and their values.

    Trials are kept in the study's storage: a call that was stopped resumes.
    """
    if (skipped := superseded()) is not None:
        return skipped
    store.sweep()
    spec = DatasetSpec.load(parameters.dataset)
    names = tunable(spec, parameters.models)
    source = find_source(spec, parameters.source)
    rules = rules_at_rest(spec, source.path)
    source, events = ingest_at_rest(source, lambda: find_source(spec, parameters.source))
    as_of = decide_as_of(spec, parameters.as_of, events)
    inner = inner_windows(spec, as_of, parameters.seed, parameters.windows)
    prepared = [prepare(spec, events, window, parameters.seed, rules) for window in inner]
    destination = Destination(
        parameters.study or sqlite_url(store.home() / "studies", spec.name),
        tuned_path(parameters.output or spec.name),
    )
    results = {}
    for name, deadline in zip(names, deadlines(parameters.minutes, len(names)), strict=True):
        budget = Budget(parameters.trials, deadline)
        results[name] = tune_model(name, spec, prepared, source.sha256, destination, budget, parameters.seed)
    if not any("value" in found for found in results.values()):
        raise ConfigurationError(
            f"no trial was finished in {parameters.minutes} minutes; give more --minutes"
        )
    return {
        "dataset": spec.name,
        "as_of": as_of.isoformat() if as_of else None,
        "path": str(destination.file),
        "storage": shown(destination.storage),
        "models": results,
    }


def prepare(
    spec: DatasetSpec, events: store.ArtifactRef, window: Windows, seed: int, rules: RulesOfRun | None = None
) -> Prepared:
    """Map, group and split the events of one inner window, by the steps of the nightly run."""
    data = prepare_events(events, window.train, spec, matrix_parts(spec, spec.models.values()))
    holdout = split(
        events, data, window.holdout, spec.columns, spec.feedback, spec.evaluation.max_users, seed
    )
    ruled = None if rules is None else rules.of_items(data, window.train)
    if ruled is not None:
        holdout = permitted(holdout, ruled, data)
    cold = spec.evaluation.cold_start
    trained = train(cold, spec.models[cold], data.matrix, seed)
    return Prepared(window.holdout, data, holdout, trained, ruled)


def deadlines(minutes: float | None, n: int) -> Iterator[float | None]:
    """Deadline of each of `n` models; time that one model leaves is shared by those after it."""
    end = time.monotonic() + 60 * (minutes or 0)
    for left in range(n, 0, -1):
        now = time.monotonic()
        yield None if minutes is None else now + (end - now) / left
