"""`python -m deployments.apply [FILE]`: make the work pool and its queues, and deploy a file to the server."""

import asyncio
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click

from data_contracts.errors import ConfigurationError
from deployments.description import describe
from deployments.stack import DEPLOYMENTS, POOL, refusals_explained
from deployments.workspace import ROOT
from flows.cli_common import exits

QUEUES = {"nightly": 1, "upkeep": 2, "backfill": 3}
"""Queues of the pool and their priority: 1 goes first."""


async def ensure_pool() -> None:
    """Make the pool and those of its queues that are missing; what is there stays as it is."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    async with get_client() as client:
        template = ProcessWorker.get_default_base_job_template()
        pool = WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template)
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(pool)
        for name, priority in QUEUES.items():
            with suppress(ObjectAlreadyExists):
                await client.create_work_queue(name, work_pool_name=POOL, priority=priority)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=DEPLOYMENTS)
@exits
def main(file: Path) -> None:
    """Make the work pool and its queues, and deploy what FILE describes; again and again changes nothing."""
    names = [each.name for each in describe(file).deployments]
    with refusals_explained():
        asyncio.run(ensure_pool())
    # Flows run where this checkout lies; Prefect puts the variable into the job's working folder.
    environment = {**os.environ, "SHELFTALKER_ROOT": str(ROOT)}
    command = ["-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file.absolute())]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ConfigurationError(f"`prefect deploy` refused {file}:\n{done.stdout}{done.stderr}")
    click.echo(f"deployed {', '.join(names)}")


if __name__ == "__main__":
    main()
