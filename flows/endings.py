"""The two ways a run ends well: published, or honestly rejected."""

from datetime import date
from typing import Any, NamedTuple

from prefect.client.schemas.objects import State
from prefect.states import Completed

from data_contracts.dataset import DatasetSpec
from data_contracts.predictions import PREDICTIONS, SIMILAR_ITEMS, STRANGERS, USERS_PER_ITEM
from data_contracts.selection import Selection
from flows import evidence
from tasks import store
from tasks.explaining import HISTORY, HISTORY_FILES
from tasks.gates import DECISION, Verdict
from tasks.lookup import TITLES
from tasks.publication import Publication, publish_run, reject
from tasks.report import REPORT, report_on
from tasks.selecting import ITEMS_FILE, USERS_FILE
from tasks.summary import published_counts, rejection_reason, run_id

REJECTED = "Rejected"
TABLES = (PREDICTIONS, USERS_PER_ITEM, STRANGERS, SIMILAR_ITEMS)


class Run(NamedTuple):
    """What a run has found when the gate has spoken."""

    spec: DatasetSpec
    as_of: date | None
    events: store.ArtifactRef
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
        self, publication: Publication, window: Selection, others: dict[str, store.ArtifactRef]
    ) -> store.ArtifactRef:
        """The page for people; `others` are shown as its lineage."""
        evidence_of = {**others, "decision": self.judged}
        return report_on(
            self.summary, publication, window, self.events, self.models, self.evaluations, evidence_of
        )


class Refit(NamedTuple):
    """The winner, trained on everything up to the run's day, and its lists."""

    window: Selection
    ids: store.ArtifactRef
    matrix: store.ArtifactRef
    model: store.ArtifactRef
    predictions: store.ArtifactRef


def rejected(run: Run, window: Selection, ids: store.ArtifactRef, matrix: store.ArtifactRef) -> State[Any]:
    """Keep the evidence, publish nothing, and end as Completed under the name "Rejected"."""
    publication = run.publication()
    page = run.report(publication, window, {"vocabularies": ids, "matrix": matrix})
    reject(publication, run.summary, page.folder / REPORT)
    evidence.leave(run.summary)
    return Completed(name=REJECTED, message=rejection_reason(run.verdict), data=run.summary)


def published(run: Run, refit: Refit, *, dry_run: bool) -> dict[str, Any]:
    """Put the publication together, make it live, and return the summary."""
    summary = run.summary
    summary["counts"] |= published_counts(refit.predictions, refit.matrix)
    publication = run.publication(refit.predictions)
    others = {
        "vocabularies": refit.ids,
        "matrix": refit.matrix,
        "published model": refit.model,
        "predictions": refit.predictions,
    }
    page = run.report(publication, refit.window, others)
    if dry_run:
        summary |= {"path": str(refit.predictions.folder), "report": str(page.folder / REPORT)}
    else:
        folder = publication.folder
        summary |= {"published": True, "path": str(folder), "report": str(folder / REPORT)}
        files = {name: (refit.predictions, name) for name in TABLES}
        files |= {name: (refit.ids, name) for name in (USERS_FILE, ITEMS_FILE)}
        files |= {f"{HISTORY}/{name}": (refit.matrix, name) for name in HISTORY_FILES}
        files |= {
            TITLES: (run.events, ITEMS_FILE),
            DECISION: (run.judged, DECISION),
            REPORT: (page, REPORT),
        }
        summary["live"] = publish_run(publication, summary, refit.model, files)
    evidence.leave(summary)
    return summary
