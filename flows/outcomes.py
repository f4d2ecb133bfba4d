"""The outcomes of a run: published, rejected by the gate, undecided, or a dry run. Each ends with one summary."""

from datetime import date
from typing import Any, NamedTuple

from prefect.client.schemas.objects import State
from prefect.states import Completed

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from data_contracts.parameters import NightlyParameters
from data_contracts.predictions import PER_CATEGORY, TABLES
from data_contracts.published_files import HISTORY, HISTORY_FILES, LOOKUP, RULES_FILE, TITLES
from data_contracts.run_summary import LeftOutModel, RunFindings, RunSummary
from data_contracts.tuned import Tuned
from flows import diary, notifying, run_events, tracking, ui_artifacts
from flows.comparison import look_closer_at
from flows.engines import Engine
from tasks.evaluation.gate import DECISION, Verdict
from tasks.evaluation.task import EvaluatedModel
from tasks.prediction.lookup_index import index_lists
from tasks.prediction.task import export
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.select_events import ITEMS_FILE, USERS_FILE
from tasks.publication.delivery import deliver
from tasks.publication.registry import Publication
from tasks.publication.run_receipts import Outcome, Receipt
from tasks.publication.task import keep_rejected, publish_run, rejection_path
from tasks.report.headline import headline
from tasks.report.run_summary import (
    counts_of,
    describe_split,
    gate_result,
    model_results,
    rules_result,
    run_id,
    warnings_of,
)
from tasks.report.task import CLOSER_LOOK, REPORT, report_on
from tasks.rules.task import RulesOfRun
from tasks.runtime import store
from tasks.runtime.progress import Renamed, listener, listening
from tasks.runtime.step import untagged
from tasks.training.trained_model import TrainedModel

REJECTED, UNDECIDED = "Rejected", "Undecided"


class Run(NamedTuple):
    """A run when the gate has decided."""

    spec: DatasetSpec
    as_of: date | None
    given: NightlyParameters
    tuned: Tuned | None
    engine: Engine
    key: str
    """Hash of everything that decides the run, by which its receipt is found."""
    data: PreparedEvents
    """The training window."""
    holdout: store.ArtifactRef
    models: tuple[EvaluatedModel, ...]
    decision: store.ArtifactRef
    verdict: Verdict
    left_out: tuple[LeftOutModel, ...] = ()
    remarks: tuple[store.ArtifactRef, ...] = ()
    """Steps beside the way of the data that may have something to warn of."""
    rules: RulesOfRun | None = None
    """The shop's own rules; None where it has none."""
    ruled: store.ArtifactRef | None = None
    """Which items of the training window may be shown."""
    cold_start: str = ""
    """Name of the model whose list unknown users get."""


class Refit(NamedTuple):
    """The models to publish, trained on everything before the run's day, and the lists."""

    data: PreparedEvents
    models: dict[str, TrainedModel]
    predictions: store.ArtifactRef
    lookup: store.ArtifactRef
    ruled: store.ArtifactRef | None = None
    """Which items of the whole window may be shown."""


def refit(run: Run, sections: dict[str, ModelSection], cold_start: str, everything: PreparedEvents) -> Refit:
    """Train the winner and the cold-start model on everything, and make the lists."""
    winner = run.verdict.decision.winner
    earlier = {each.name: each.model for each in run.models}
    # The same step as before, on all events: people read it as another one.
    with listening(Renamed(listener(), "train ", "refit on everything: ")):
        models = {
            name: run.engine.train(name, sections[name], everything, run.given.seed, earlier.get(name))
            for name in dict.fromkeys((winner, cold_start))
        }
    exclude_seen = run.spec.evaluation.decides == "discovery"
    rules, ruled = run.rules, None
    if rules is not None:
        ruled = rules.of_items(everything, everything.window)
    predictions = export(
        models[winner],
        models[cold_start],
        everything,
        run.spec.export,
        exclude_seen=exclude_seen,
        rules=None if rules is None else rules.rules,
        ruled=ruled,
        places=None if rules is None else rules.rules.places,
        cluster=run.engine.cluster,
    )
    lookup = index_lists(predictions, everything, run.spec.item_attributes, rules, exclude_seen=exclude_seen)
    return Refit(everything, models, predictions, lookup, ruled)


def findings_of(run: Run, refit: Refit | None) -> RunFindings:
    """Sum up what a run found; the name of the run is a hash of that."""
    predictions = None if refit is None else refit.predictions
    ruled = run.ruled if refit is None else refit.ruled
    matrix = (refit.data if refit else run.data).matrix
    warned = [each for each in (ruled, predictions) if each is not None]
    return RunFindings(
        run_id=run_id(run.decision, *([] if refit is None else [refit.predictions])),
        dataset=run.spec.name,
        as_of=run.as_of,
        split=describe_split(run.spec.window, run.holdout),
        counts=counts_of(run.data.events, matrix, run.holdout, predictions),
        models=model_results(run.models, run.tuned),
        left_out=run.left_out,
        gate=gate_result(run.verdict),
        warnings=warnings_of((run.data.events, matrix, *run.remarks, *warned)),
        rules=rules_result(ruled, predictions),
        tuned=run.given.tuned,
    )


def reject(run: Run) -> State[Any]:
    """Keep the decision and the report, publish nothing, and end as Completed under the name "Rejected"."""
    return _end_unpublished(run, REJECTED)


def leave_undecided(run: Run) -> State[Any]:
    """Too little is known: what is live stays, and the run ends as Completed under the name "Undecided"."""
    return _end_unpublished(run, UNDECIDED)


def _end_unpublished(run: Run, name: str) -> State[Any]:
    findings = findings_of(run, None)
    page, *looked = _report(run, findings, run.data, {})
    path = rejection_path(_publication(findings))
    summary = RunSummary.of(findings, published=False, path=str(path), report=str(path.with_suffix(".html")))
    keep_rejected(summary, page.folder / REPORT)
    _close(run, summary, page, *looked)
    return Completed(name=name, message=headline(summary), data=summary)


def publish(run: Run, refit: Refit) -> State[Any]:
    """Put the publication together, make it live, deliver it, and end as Completed with a line about it."""
    findings = findings_of(run, refit)
    page, *looked = _report_on_lists(run, findings, refit)
    publication = _publication(findings)
    folder = publication.folder
    summary = RunSummary.of(findings, published=True, path=str(folder), report=str(folder / REPORT))
    winner = refit.models[findings.gate.winner].artifact
    with untagged():
        live = publish_run(publication, summary, winner, _files(run, refit, page))
        deliver(publication, run.spec)
    summary = summary.model_copy(update={"live": live})
    refitted = [model.artifact for model in refit.models.values()]
    if refit.ruled is not None:
        refitted.append(refit.ruled)
    _close(
        run,
        summary,
        page,
        *looked,
        refit.predictions,
        refit.lookup,
        refit.data.vocabularies,
        refit.data.matrix,
        *refitted,
    )
    return Completed(message=headline(summary), data=summary)


def rehearse(run: Run, refit: Refit) -> State[Any]:
    """End a dry run: everything is made and shown, nothing is published."""
    findings = findings_of(run, refit)
    page, *_ = _report_on_lists(run, findings, refit)
    path, report = str(refit.predictions.folder), str(page.folder / REPORT)
    summary = RunSummary.of(findings, published=False, path=path, report=report)
    ui_artifacts.create(summary, page)
    diary.close(summary)
    return Completed(message=headline(summary), data=summary)


def _publication(findings: RunFindings) -> Publication:
    return Publication(dataset=findings.dataset, as_of=findings.as_of, run=findings.run_id)


def _report_on_lists(run: Run, findings: RunFindings, refit: Refit) -> list[store.ArtifactRef]:
    winner = refit.models[findings.gate.winner].artifact
    return _report(run, findings, refit.data, {"published model": winner, "predictions": refit.predictions})


def _report(
    run: Run, findings: RunFindings, data: PreparedEvents, more: dict[str, store.ArtifactRef]
) -> list[store.ArtifactRef]:
    """Write the page; `more` is added to the lineage that it shows. Gives it, and what was made for it alone."""
    others = {"vocabularies": data.vocabularies, "matrix": data.matrix, **more, "decision": run.decision}
    winner, asked = run.verdict.decision.winner, (run.spec, run.given.seed, run.ruled)
    looked = look_closer_at(winner, run.models, run.cold_start, run.data, run.holdout, *asked)
    alone = {} if looked is None else {CLOSER_LOOK: looked}
    lineage = {**others, **alone}
    page = report_on(findings, _publication(findings), data, run.models, lineage, run.spec.report)
    return [page, *alone.values()]


def _files(run: Run, refit: Refit, page: store.ArtifactRef) -> dict[str, tuple[store.ArtifactRef, str]]:
    """Files of a publication: for each name the artifact and its file."""
    files = {name: (refit.predictions, name) for name in TABLES.values()}
    files |= {name: (refit.data.vocabularies, name) for name in (USERS_FILE, ITEMS_FILE)}
    files |= {f"{HISTORY}/{name}": (refit.data.matrix, name) for name in HISTORY_FILES}
    if run.rules is not None:
        files[RULES_FILE] = (refit.predictions, RULES_FILE)
        if run.rules.rules.section.per_category is not None:
            files[PER_CATEGORY] = (refit.predictions, PER_CATEGORY)
    return files | {
        LOOKUP: (refit.lookup, ""),
        TITLES: (run.data.events, ITEMS_FILE),
        DECISION: (run.decision, DECISION),
        REPORT: (page, REPORT),
    }


def _outcome(summary: RunSummary) -> Outcome:
    if summary.published:
        return "published"
    return "undecided" if summary.gate.verdict == "undecided" else "rejected"


def _close(run: Run, summary: RunSummary, page: store.ArtifactRef, *more: store.ArtifactRef) -> None:
    """Create the UI's artifacts, keep the receipt and emit the event of a run whose last file is written."""
    ui_artifacts.create(summary, page)
    data = run.data
    used = [data.events, data.vocabularies, data.matrix, run.holdout, run.decision, page, *more]
    if run.rules is not None and run.ruled is not None:
        used += [run.rules.files, run.ruled]
    for each in run.models:
        used += [each.model.artifact, each.evaluation]
    Receipt(
        key=run.key,
        dataset=summary.dataset,
        as_of=summary.as_of,
        run=summary.run_id,
        outcome=_outcome(summary),
        winner=summary.gate.winner,
        artifacts=tuple(dict.fromkeys(each.path for each in used)),
    ).keep()
    run_events.emit_outcome(summary)
    notifying.tell(summary, run.spec.notify)
    tracking.track(summary, run.spec.tracking)
    diary.close(summary)
