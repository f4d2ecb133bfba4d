"""The task that publishes a run, and what is kept of a run that may not publish."""

from pathlib import Path

from prefect import task

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
    summary: store.Facts,
    model: store.ArtifactRef,
    files: dict[str, tuple[store.ArtifactRef, str]],
) -> bool:
    """Publish a run's predictions, model, vocabularies and evidence; returns whether they are live."""
    described = store.scratch() / f"{publication.run}.summary.json"
    write_json(described, summary)
    parts = {"summary.json": described, "model": model.folder}
    parts |= {name: ref.folder / file for name, (ref, file) in files.items()}
    try:
        return publish(publication, parts, {"model": model.facts, "summary": "summary.json"})
    finally:
        described.unlink()


def reject(publication: Publication, summary: store.Facts, report: Path) -> None:
    """Keep what a closed gate decided and why, beside the publications; nothing becomes live.

    Parameters
    ----------
    publication
        What would have been published.
    summary
        Gets ``path`` and ``report``: where itself and the report are kept.
    report
        The run's page, which is copied.

    """
    folder = store.home() / "rejected" / publication.dataset / str(publication.as_of or UNDATED)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{publication.run}.json"
    page = path.with_suffix(report.suffix)
    replace_copy(report, page)
    summary |= {"path": str(path), "report": str(page)}
    replace_json(path, summary)
