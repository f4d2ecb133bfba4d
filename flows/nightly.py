"""The nightly run: ingest, map, group, train, evaluate, decide, refit, export, publish."""

from typing import Any

from prefect import flow

from data_contracts.dataset import DatasetSpec
from data_contracts.parameters import NightlyParameters
from flows.attempts import Attempts
from flows.outcomes import Run, publish, refit, rehearse, reject
from flows.planning import chosen_models, contenders, decide_as_of, rename_run, run_name
from flows.run_events import on_failure
from flows.superseded import superseded
from tasks.evaluation.gate import gate, load_verdict
from tasks.evaluation.task import EvaluatedModel, evaluate
from tasks.ingestion.task import find_holdout_source, find_source, ingest
from tasks.preparation.prepared_events import prepare
from tasks.preparation.splitting import split, windows
from tasks.publication.delivery import check_delivery
from tasks.publication.run_receipts import key_of_run
from tasks.runtime import store
from tasks.training.task import train_model
from tasks.tuning.tuned_files import check_tuned_before, load_tuned


@flow(name="nightly", flow_run_name=run_name, on_failure=[on_failure])
def nightly(parameters: NightlyParameters) -> Any:
    """Make, evaluate and publish the recommendations of one dataset as of one day.

    Returns the run's summary. A closed gate ends as Completed under the name "Rejected" and publishes
    nothing; a broken contract ends as Failed; a scheduled run that a newer one supersedes ends as
    Completed under the name "Skipped".
    """
    if (skipped := superseded()) is not None:
        return skipped
    store.sweep()
    spec, seed = DatasetSpec.load(parameters.dataset), parameters.seed
    tuned = load_tuned(parameters.tuned, spec)
    chosen = chosen_models(spec, tuned)
    check_delivery(spec)

    sources = [find_source(spec, parameters.source)]
    if spec.window.test_path:
        sources.append(find_holdout_source(spec))
    ingested = [ingest(source) for source in sources]
    events, newest = ingested[0], ingested[-1]
    as_of = decide_as_of(spec, parameters.as_of, events)
    rename_run(spec.name, as_of)
    choices, live = contenders(spec.name, as_of, chosen)

    window = windows(spec, as_of, seed)
    check_tuned_before(tuned, window.train)
    data = prepare(events, window.train, spec)
    holdout = split(newest, data.vocabularies, window.holdout, baskets=spec.columns.basket is not None)

    attempts = Attempts(spec.name)
    trained = attempts.each(
        choices, "training", lambda name: train_model(name, choices[name], data.matrix, seed)
    )
    cold = attempts.cold_start(spec.evaluation.cold_start, trained, choices)
    evaluations = attempts.each(
        trained,
        "evaluation",
        lambda name: evaluate(
            trained[name], trained[cold].artifact, holdout, data.matrix, spec.evaluation, seed
        ),
    )
    models = [EvaluatedModel(trained[name], evaluation) for name, evaluation in evaluations.items()]
    key = key_of_run(spec, sources, as_of, seed, tuned)
    while True:
        left = attempts.still_there(models)
        judged = live if any(each.name == live for each in left) else None
        decision = gate(left, data.vocabularies, spec.evaluation, spec.gate, judged, seed)
        verdict = load_verdict(decision)
        found = (decision, verdict, tuple(attempts.left_out))
        run = Run(spec, as_of, parameters, tuned, key, data, holdout, left, *found)
        if not verdict.decision.open:
            return reject(run)
        winner = verdict.decision.winner
        everything = prepare(events, window.full, spec)
        made = attempts.one(winner, "refit", refit, run, choices, cold, everything)
        if made is not None:
            return rehearse(run, made) if parameters.dry_run else publish(run, made)
