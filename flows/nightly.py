"""The nightly run: ingest, map, group, train, evaluate, decide, refit, export, publish."""

from functools import partial
from typing import Any

from prefect import flow

from data_contracts.parameters import NightlyParameters
from flows.attempts import Attempts
from flows.comparison import compare
from flows.diary import in_the_log
from flows.engines import engine_of
from flows.notifying import on_failure as tell_on_failure
from flows.old_log import nothing_new
from flows.outcomes import Run, leave_undecided, publish, refit, rehearse, reject
from flows.planning import (
    anything_live,
    asked_for,
    chosen_models,
    compare_with_live,
    contenders,
    decide_as_of,
    rename_run,
    run_name,
    stated_day,
)
from flows.run_events import on_failure
from flows.superseded import superseded
from tasks.evaluation.gate import Standing, gate, load_verdict
from tasks.ingestion.task import find_holdout_source, find_source
from tasks.preparation.holdout import split
from tasks.preparation.splitting import windows
from tasks.publication.delivery import check_delivery
from tasks.publication.registry import mend
from tasks.publication.run_receipts import key_of_run
from tasks.rules.task import permitted, rules_at_rest
from tasks.runtime import store
from tasks.training.requirements import matrix_parts
from tasks.tuning.tuned_files import check_tuned_before, load_tuned


@flow(name="nightly", flow_run_name=run_name, on_failure=[on_failure, tell_on_failure])
@in_the_log
def nightly(parameters: NightlyParameters) -> Any:
    """Make, evaluate and publish the recommendations of one dataset as of one day.

    Ends as Completed with the run's summary and a line about it. A closed gate ends as Completed under the name "Rejected" and publishes
    nothing; one that knows too little ends as "Undecided" where what is live stays; a broken contract ends as Failed; a scheduled run that a newer one supersedes, or whose log
    has nothing new for it, ends as Completed under the name "Skipped".
    """
    if (skipped := superseded()) is not None:
        return skipped
    store.sweep()
    (spec, lacking), seed = asked_for(parameters), parameters.seed
    tuned = load_tuned(parameters.tuned, spec)
    chosen, engine = chosen_models(spec, tuned), engine_of(spec)
    check_delivery(spec)
    mend(spec.name)

    finders = [partial(find_source, spec, parameters.source)]
    if spec.window.test_path:
        finders.append(partial(find_holdout_source, spec))
    found = [find() for find in finders]
    rules = rules_at_rest(spec, found[0].path)
    sources, ingested = zip(*map(engine.ingest, found, finders), strict=True)
    events, newest = ingested[0], ingested[-1]
    as_of = decide_as_of(spec, parameters.as_of, events)
    rename_run(spec.name, as_of)
    if (skipped := nothing_new(spec, parameters, as_of, events)) is not None:
        return skipped
    choices, live = contenders(spec.name, as_of, chosen)

    remarks = compare_with_live(spec.name, as_of, events)
    window = windows(spec, as_of, seed, whole_test_file=stated_day(spec, parameters.as_of) is None)
    check_tuned_before(tuned, window.train)
    parts = matrix_parts(spec, choices.values())
    data = engine.prepare(events, window.train, parts)
    holdout = split(
        newest, data, window.holdout, spec.columns, spec.feedback, spec.evaluation.max_users, seed
    )
    ruled = None if rules is None else rules.of_items(data, window.train)
    if ruled is not None:
        holdout = permitted(holdout, ruled, data)

    attempts = Attempts(spec.name, lacking)
    models, cold = compare(attempts, choices, data, holdout, spec, seed, engine, ruled)
    standing = Standing(
        live=live, anything_live=anything_live(spec.name, as_of), age_days=holdout.facts["age_days"]
    )
    key = key_of_run(spec, sources, as_of, seed, tuned, None if rules is None else rules.rules)
    while True:
        left = attempts.still_there(models)
        decision = gate(left, data.vocabularies, spec.evaluation, spec.gate, standing, seed)
        verdict, out = load_verdict(decision), tuple(attempts.left_out)
        evidence = (data, holdout, left, decision, verdict, out, remarks)
        run = Run(spec, as_of, parameters, tuned, engine, key, *evidence, rules, ruled, cold)
        if verdict.decision.verdict == "closed":
            return reject(run)
        if not verdict.decision.publishes:
            return leave_undecided(run)
        everything = engine.prepare(events, window.full, parts)
        made = attempts.one(verdict.decision.winner, "refit", refit, run, choices, cold, everything)
        if made is not None:
            return rehearse(run, made) if parameters.dry_run else publish(run, made)
