"""The task that publishes a run, and the files that are kept of a rejected run."""

from pathlib import Path

from prefect import task

from data_contracts.run_summary import RunSummary
from tasks.publication.registry import UNDATED, Publication, publish
from tasks.runtime import store
from tasks.runtime.files import replace_copy, replace_json, write_json
from tasks.runtime.step import IO_RETRIES


@task(
    name="publish",
    task_run_name="publish {publication.path}",
    persist_result=False,
    **IO_RETRIES,
)
def publish_run(
    publication: Publication,
    summary: RunSummary,
    model: store.ArtifactRef,
    files: dict[str, tuple[store.ArtifactRef, str]],
) -> bool:
    """Publish a run's predictions, model, vocabularies and report; returns whether they are live."""
    described = store.scratch() / f"{publication.run}.summary.json"
    write_json(described, summary.to_json())
    parts = {"summary.json": described, "model": model.folder}
    parts |= {name: ref.folder / file for name, (ref, file) in files.items()}
    try:
        return publish(publication, parts, {"model": model.facts, "summary": "summary.json"})
    finally:
        described.unlink()


def rejection_path(publication: Publication) -> Path:
    """Where the summary of a rejected run is kept, given what would have been published."""
    folder = store.home() / "rejected" / publication.dataset / str(publication.as_of or UNDATED)
    return folder / f"{publication.run}.json"


def keep_rejected(summary: RunSummary, page: Path) -> None:
    """Keep the summary and the report of a rejected run where the summary says; nothing becomes live."""
    path = Path(summary.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_copy(page, Path(summary.report))
    replace_json(path, summary.to_json())
