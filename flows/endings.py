"""The two ways a run ends well: published, or honestly rejected."""

from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed

from data_contracts.predictions import PREDICTIONS, SIMILAR_ITEMS, STRANGERS, USERS_PER_ITEM
from flows import evidence
from tasks import store
from tasks.explaining import HISTORY, HISTORY_FILES
from tasks.gates import DECISION, Verdict
from tasks.publication import Publication, publish_run, reject
from tasks.report import REPORT
from tasks.selecting import ITEMS_FILE, USERS_FILE
from tasks.summary import rejection_reason

REJECTED = "Rejected"
TITLES = "titles.parquet"


def rejected(
    summary: dict[str, Any], publication: Publication, verdict: Verdict, page: store.ArtifactRef
) -> State[Any]:
    """Keep the evidence, publish nothing, and end as Completed under the name "Rejected"."""
    reject(publication, summary, page.folder / REPORT)
    evidence.leave(summary)
    return Completed(name=REJECTED, message=rejection_reason(verdict), data=summary)


def published(
    summary: dict[str, Any],
    publication: Publication,
    *,
    model: store.ArtifactRef,
    ids: store.ArtifactRef,
    matrix: store.ArtifactRef,
    predictions: store.ArtifactRef,
    events: store.ArtifactRef,
    judged: store.ArtifactRef,
    page: store.ArtifactRef,
    dry_run: bool,
) -> dict[str, Any]:
    """Put the publication together, make it live, and return the summary."""
    if dry_run:
        summary |= {"path": str(predictions.folder), "report": str(page.folder / REPORT)}
    else:
        folder = publication.folder
        summary |= {"published": True, "path": str(folder), "report": str(folder / REPORT)}
        tables = (PREDICTIONS, USERS_PER_ITEM, STRANGERS, SIMILAR_ITEMS)
        files = {name: (predictions, name) for name in tables}
        files |= {name: (ids, name) for name in (USERS_FILE, ITEMS_FILE)}
        files |= {f"{HISTORY}/{name}": (matrix, name) for name in HISTORY_FILES}
        files |= {TITLES: (events, ITEMS_FILE), "decision.json": (judged, DECISION), REPORT: (page, REPORT)}
        summary["live"] = publish_run(publication, summary, model, {}, files)
    evidence.leave(summary)
    return summary
