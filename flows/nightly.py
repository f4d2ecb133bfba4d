"""The nightly run: ingest, map, group, train, evaluate, decide, refit, export, publish."""

from typing import Any

from prefect import flow

from data_contracts.dataset import DatasetSpec
from data_contracts.parameters import NightlyParameters
from flows.announcing import on_failure
from flows.endings import Data, Refit, Run, published, rejected
from flows.lateness import superseded
from flows.planning import chosen_models, contenders, decide_as_of, rename_run, run_name, tell_origin
from tasks.evaluation.gate import gate, load_verdict
from tasks.evaluation.task import evaluate
from tasks.ingestion.task import find_holdout_source, find_source, ingest
from tasks.prediction.task import export
from tasks.preparation.grouping import grouping
from tasks.preparation.mapping import mapping
from tasks.preparation.splitting import split, windows
from tasks.publication.delivery import check_delivery
from tasks.publication.run_receipts import key_of_run
from tasks.report.run_summary import summarise
from tasks.runtime import store
from tasks.training.task import train
from tasks.tuning.tuned_files import check_tuned_before, load_tuned


@flow(name="nightly", flow_run_name=run_name, on_failure=[on_failure])
def nightly(parameters: NightlyParameters) -> Any:
    """Make, judge and publish the recommendations of one dataset as of one day.

    Returns the run's summary. A closed gate ends as Completed under the name "Rejected" and publishes
    nothing; a broken contract ends as Failed; a late scheduled run that a newer one makes needless ends as
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
    ids = mapping(events, window.train)
    matrix = grouping(events, ids, window.train, spec.feedback, spec.grouping)
    holdout = split(newest, ids, window.holdout, baskets=spec.columns.basket is not None)

    models = {name: train(name, choice, matrix, seed) for name, choice in choices.items()}
    cold = spec.evaluation.cold_start
    evaluations = {
        name: evaluate(name, choice, models[name], models[cold], holdout, matrix, spec.evaluation, seed)
        for name, choice in choices.items()
    }
    judged = gate(evaluations, choices, models, ids, spec.evaluation, spec.gate, live, seed)
    verdict = load_verdict(judged)
    summary = summarise(spec, as_of, events, holdout, models, evaluations, verdict)
    tell_origin(summary, parameters.tuned, tuned)
    key = key_of_run(spec, sources, as_of, seed, tuned)
    data = Data(window.train, ids, matrix)
    run = Run(spec, as_of, key, events, data, holdout, models, evaluations, judged, verdict, summary)
    if not verdict.decision.open:
        return rejected(run)

    all_ids = mapping(events, window.full)
    everything = grouping(events, all_ids, window.full, spec.feedback, spec.grouping)
    winner = verdict.decision.winner
    refitted = {
        name: train(name, choices[name], everything, seed, models[name].facts["parameters"])
        for name in dict.fromkeys((winner, cold))
    }
    predictions = export(
        winner,
        choices[winner],
        refitted[winner],
        cold,
        refitted[cold],
        events,
        window.full,
        all_ids,
        everything,
        spec.export,
        exclude_seen=spec.evaluation.decides == "discovery",
    )
    refit = Refit(Data(window.full, all_ids, everything), refitted, predictions)
    return published(run, refit, dry_run=parameters.dry_run)
