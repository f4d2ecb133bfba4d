"""The two ways a run ends well: published, or honestly rejected."""

from datetime import date
from typing import Any, NamedTuple

from prefect.client.schemas.objects import State
from prefect.states import Completed

from data_contracts.dataset import DatasetSpec
from data_contracts.predictions import TABLES
from data_contracts.selection import Selection
from flows import announcing, evidence
from flows.announcing import announce_ending
from tasks.evaluation.gate import DECISION, Verdict
from tasks.lookup.explanations import HISTORY, HISTORY_FILES
from tasks.lookup.queries import TITLES
from tasks.preparation.select_events import ITEMS_FILE, USERS_FILE
from tasks.publication.delivery import deliver
from tasks.publication.registry import Publication
from tasks.publication.run_receipts import Receipt
from tasks.publication.task import publish_run, reject
from tasks.report.run_summary import published_counts, rejection_reason, run_id
from tasks.report.task import REPORT, report_on
from tasks.runtime import store
from tasks.runtime.step import untagged

REJECTED = "Rejected"


class Data(NamedTuple):
    """Events of one window, ready for models."""

    window: Selection
    ids: store.ArtifactRef
    matrix: store.ArtifactRef


class Run(NamedTuple):
    """What a run has found when the gate has spoken."""

    spec: DatasetSpec
    as_of: date | None
    key: str
    events: store.ArtifactRef
    data: Data
    holdout: store.ArtifactRef
    models: dict[str, store.ArtifactRef]
    evaluations: dict[str, store.ArtifactRef]
    judged: store.ArtifactRef
    verdict: Verdict
    summary: dict[str, Any]

    def publication(self, *decisive: store.ArtifactRef) -> Publication:
        """Where the run goes; its name is decided by what it found."""
        self.summary["run_id"] = run_id(self.judged, *decisive)
        return Publication(dataset=self.spec.name, as_of=self.as_of, run=self.summary["run_id"])

    def report(
        self, publication: Publication, data: Data, others: dict[str, store.ArtifactRef]
    ) -> store.ArtifactRef:
        """The page for people; `others` are shown as its lineage."""
        evidence_of = {"vocabularies": data.ids, "matrix": data.matrix, **others, "decision": self.judged}
        return report_on(
            self.summary, publication, data.window, self.events, self.models, self.evaluations, evidence_of
        )

    def end(self, event: str, page: store.ArtifactRef, *more: store.ArtifactRef) -> None:
        """Leave the evidence, the receipt and the news of a run whose last file is written."""
        evidence.leave(self.summary, page)
        used = (self.events, *self.data[1:], self.holdout, self.judged, page, *more)
        every = [*used, *self.models.values(), *self.evaluations.values()]
        Receipt(
            key=self.key,
            dataset=self.spec.name,
            as_of=self.as_of,
            run=self.summary["run_id"],
            outcome="published" if self.summary["published"] else "rejected",
            winner=self.verdict.decision.winner,
            artifacts=tuple(dict.fromkeys(each.path for each in every)),
        ).keep()
        announce_ending(event, self.summary)


class Refit(NamedTuple):
    """The models to publish, trained on everything up to the run's day, and the lists."""

    data: Data
    models: dict[str, store.ArtifactRef]
    predictions: store.ArtifactRef


def rejected(run: Run) -> State[Any]:
    """Keep the evidence, publish nothing, and end as Completed under the name "Rejected"."""
    publication = run.publication()
    page = run.report(publication, run.data, {})
    reject(publication, run.summary, page.folder / REPORT)
    run.end(announcing.REJECTED, page)
    return Completed(name=REJECTED, message=rejection_reason(run.verdict), data=run.summary)


def published(run: Run, refit: Refit, *, dry_run: bool) -> dict[str, Any]:
    """Put the publication together, make it live, and return the summary."""
    summary, data, winner = run.summary, refit.data, refit.models[run.verdict.decision.winner]
    summary["counts"] |= published_counts(refit.predictions, data.matrix)
    publication = run.publication(refit.predictions)
    page = run.report(publication, data, {"published model": winner, "predictions": refit.predictions})
    if dry_run:
        summary |= {"path": str(refit.predictions.folder), "report": str(page.folder / REPORT)}
        evidence.leave(summary, page)
        return summary
    folder = publication.folder
    summary |= {"published": True, "path": str(folder), "report": str(folder / REPORT)}
    files = {name: (refit.predictions, name) for name in TABLES.values()}
    files |= {name: (data.ids, name) for name in (USERS_FILE, ITEMS_FILE)}
    files |= {f"{HISTORY}/{name}": (data.matrix, name) for name in HISTORY_FILES}
    files |= {
        TITLES: (run.events, ITEMS_FILE),
        DECISION: (run.judged, DECISION),
        REPORT: (page, REPORT),
    }
    with untagged():
        summary["live"] = publish_run(publication, summary, winner, files)
        deliver(publication, run.spec)
    run.end(announcing.PUBLISHED, page, refit.predictions, *data[1:], *refit.models.values())
    return summary
