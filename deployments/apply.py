"""`python -m deployments.apply [FILE]`: make the work pool and its queues, and deploy a file to the server.

Without FILE that is ``prefect.yaml`` and what :mod:`deployments.drop_ins` adds to it.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from data_contracts.errors import ConfigurationError
from deployments.description import DeploymentFile, describe
from deployments.drop_ins import DROP_IN, at_option, dataset_files_option, served_datasets, with_drop_ins
from deployments.stack import DEPLOYMENTS, POOL, refusals_explained
from deployments.workspace import ROOT
from flows.cli_common import exits

QUEUES = {"nightly": 1, "upkeep": 2, "backfill": 3}
"""Queues of the pool and their priority: 1 goes first."""
PAGE = 200
"""Objects that a server gives at once."""

ENVIRONMENT = (
    r"^(DASK_SCHEDULER_ADDRESS|DO_NOT_TRACK|GX_ANALYTICS_ENABLED|SHELFTALKER_MEMORY_LIMIT|(OMP|MKL|NUMBA|OPENBLAS)_NUM_THREADS"
    r"|PREFECT_(LOGGING_LEVEL|RUNNER_AUTO_INSTALL_DEPENDENCIES|SERVER_ANALYTICS_ENABLED|TASKS_REFRESH_CACHE))$"
)
"""Variables that a deployment or a run may set. Others could make the worker run another program; what all runs need,
such as the URL of a database, is set where the worker starts."""


def job_template() -> dict[str, Any]:
    """What a run may ask of the process that works on it: a few variables, and nothing of what it executes.

    Prefect's own template would let whoever starts a run choose the command, its folder and its whole environment.
    """
    return {
        "job_configuration": {"env": "{{ env }}", "working_dir": str(ROOT), "stream_output": True},
        "variables": {
            "type": "object",
            "properties": {
                "env": {
                    "title": "Environment variables",
                    "type": "object",
                    "default": {},
                    "patternProperties": {ENVIRONMENT: {"type": ["string", "null"]}},
                    "additionalProperties": False,
                },
                # Deployment files say it: no other folder is taken.
                "working_dir": {"title": "Checkout", "enum": [str(ROOT)], "default": str(ROOT)},
            },
            "additionalProperties": False,
        },
    }


async def ensure_pool() -> None:
    """Make the pool with its queues, and lock what its runs may ask for; of queues what is there stays as it is."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    async with get_client() as client:
        template = job_template()
        try:
            await client.create_work_pool(
                WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template)
            )
        except ObjectAlreadyExists:
            await client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template))
        for name, priority in QUEUES.items():
            with suppress(ObjectAlreadyExists):
                await client.create_work_queue(name, work_pool_name=POOL, priority=priority)


FORMER = frozenset({"nightly/sample", "tune/sample", "backfill/by-hand"})
"""What ``prefect.yaml`` called its deployments in version 0.1.0: left on a server, their schedules would run beside the new ones."""


async def remove_former(file: DeploymentFile) -> list[str]:
    """Remove deployments of dropped-in datasets that are there no longer, and those of former names.

    Returns
    -------
    Names of what was removed, as ``flow/deployment``.

    """
    from prefect.client.orchestration import get_client

    described = {f"{each.load().name}/{each.name}" for each in file.deployments}
    removed = []
    async with get_client() as client:
        flows = {flow.id: flow.name for flow in await _all_pages(client.read_flows)}
        for each in await _all_pages(client.read_deployments):
            name = f"{flows.get(each.flow_id)}/{each.name}"
            ours = each.work_pool_name == POOL and (DROP_IN in each.tags or name in FORMER)
            if ours and name not in described:
                await client.delete_deployment(each.id)
                removed.append(name)
    return removed


async def _all_pages(read: Callable[..., Awaitable[list[Any]]]) -> list[Any]:
    found: list[Any] = []
    while page := await read(limit=PAGE, offset=len(found)):
        found += page
    return found


def deploy(file: Path) -> list[str]:
    """Deploy what a file describes to the server; returns the names.

    Raises
    ------
    ConfigurationError
        If `prefect deploy` refuses it.

    """
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
    return names


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@dataset_files_option
@at_option
@exits
def main(file: Path | None, datasets: tuple[Path, ...], at: str | None) -> None:
    """Make the work pool and its queues, and deploy; again and again changes nothing.

    Without FILE, deploys deployments/prefect.yaml and each dataset of the home's folder `datasets`, and takes back what
    belonged to datasets that are there no longer.
    """
    if file is not None:
        click.echo(f"deployed {', '.join(deploy(file))}")
        return
    served = served_datasets(datasets)
    with tempfile.TemporaryDirectory() as folder:
        made = with_drop_ins(DEPLOYMENTS, served.datasets, at, Path(folder) / "prefect.yaml")
        names = deploy(made)
        with refusals_explained():
            removed = asyncio.run(remove_former(describe(made)))
    click.echo(f"deployed {', '.join(names)}")
    for name in removed:
        click.echo(f"removed {name}: its dataset is not served any more, or it has another name")
    for problem in served.problems:
        click.echo(f"! {problem}")


if __name__ == "__main__":
    main()
