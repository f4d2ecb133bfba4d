"""Remote files as a task of a run."""

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.runtime.step import IO_RETRIES
from tasks.sources import remote_copies


@task(
    name="fetch-remote-files",
    task_run_name="fetch {url}",
    cache_policy=NO_CACHE,
    persist_result=False,
    **IO_RETRIES,
)
def fetch(url: str, doing: str, pattern: str | None = None) -> Path:
    """Copy what lies at a URL, always looking anew: only the store knows whether it changed."""
    return remote_copies.copy_of(url, doing, pattern)
