"""`python -m deployments.recover`: end the runs whose process is gone, so that they can be retried.

A worker tells the server when a run's process dies. When the worker dies too, nobody does: the run stays
Running for ever, cannot be retried, and may hold the only slot of its deployment.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import click
import psutil
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType, WorkerStatus
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings
from prefect.states import Cancelled, Crashed

from deployments.stack import POOL, START_SECONDS, refusals_explained, wait_for_api, worker_name
from flows.cli_common import exits

UNDER_WAY = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
PAGE = 200
RUN_ID = "PREFECT__FLOW_RUN_ID"
"""Variable that Prefect gives to the process of a run."""


class Processes:
    """What runs on this machine right now, as far as this user may look."""

    def __init__(self, api: str) -> None:
        self._runs: set[str] = set()
        self._hidden: set[str] = set()
        self.worker = False
        """Whether a worker of the pool is at work for this API."""
        for each in psutil.process_iter():
            try:
                variables, command = each.environ(), each.cmdline()
            except psutil.AccessDenied:
                self._hidden.add(str(each.pid))
            except psutil.NoSuchProcess:  # it has just ended
                continue
            else:
                self._runs |= {variables[RUN_ID]} if RUN_ID in variables else set()
                mine = variables.get("PREFECT_API_URL") == api
                self.worker |= mine and {"worker", "start", POOL} <= set(command)

    def may_hold(self, run: FlowRun) -> bool:
        """Whether the process of a run lives; a number that another process has got since does not count."""
        if str(run.id) in self._runs or run.infrastructure_pid in self._hidden:
            return True
        # A worker at work has a pending run in hand before there is a process.
        return self.worker and run.state_type is StateType.PENDING


async def recover(client: PrefectClient) -> list[FlowRun]:
    """End all runs of the pool that are under way and have no process on this machine.

    Their slots are freed. Runs that ran inside of them, such as the days of a backfill, end with them.
    """
    here = Processes(get_current_settings().api.url or "")
    ended = []
    async for run in _under_way(client):
        owner = await _owner(client, run)
        if owner.work_pool_name == POOL and not here.may_hold(owner):
            await client.set_flow_run_state(run.id, _end_of(run, owner), force=True)
            ended.append(run)
    return ended


async def _under_way(client: PrefectClient) -> AsyncIterator[FlowRun]:
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=UNDER_WAY))
    found: list[FlowRun] = []
    while True:
        page = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(state=state), limit=PAGE, offset=len(found)
        )
        found += page
        if len(page) < PAGE:
            break
    for run in found:
        yield run


async def _owner(client: PrefectClient, run: FlowRun) -> FlowRun:
    """Return the run whose process a run lives in: itself, or the one that called it as a subflow."""
    while run.deployment_id is None and run.parent_task_run_id is not None:
        parent = await client.read_task_run(run.parent_task_run_id)
        if parent.flow_run_id is None:
            break
        run = await client.read_flow_run(parent.flow_run_id)
    return run


def _end_of(run: FlowRun, owner: FlowRun) -> Any:
    gone = f"process {owner.infrastructure_pid or 'of this run'} is gone from {os.uname().nodename}"
    if run.state_type is StateType.CANCELLING:
        return Cancelled(message=f"{gone}; it was being cancelled")
    return Crashed(
        message=f"{gone} and nobody said how it ended (killed, or the machine went down); "
        f"`prefect flow-run retry {owner.id}` reuses every step it finished"
    )


async def elsewhere(client: PrefectClient) -> list[str]:
    """Names of workers of other machines that are online: a run does not say which of them has it."""
    try:
        workers = await client.read_workers_for_work_pool(POOL)
    except PrefectHTTPStatusError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:  # nothing was deployed yet
            return []
        raise
    return [
        each.name for each in workers if each.status is WorkerStatus.ONLINE and each.name != worker_name()
    ]


async def _main(*, force: bool) -> None:
    async with get_client() as client:
        others = [] if force else await elsewhere(client)
        if others:
            click.echo(
                f"runs were left alone: worker {', '.join(others)} is online, and what runs there cannot be told "
                "from what is lost; stop it, or wait until it counts as offline, or say --force"
            )
            return
        ended = await recover(client)
    for run in ended:
        click.echo(f"{run.name} ({run.id}) was {run.state_name} and has no process: ended")
    if not ended:
        click.echo("no run was left behind")


@click.command()
@click.option("--force", is_flag=True, help="Even while a worker of another machine is online.")
@exits
def main(*, force: bool) -> None:
    """End the runs of the pool whose process on this machine is gone; waits for the server first."""
    wait_for_api(get_current_settings().api.url or "", seconds=START_SECONDS)
    with refusals_explained():
        asyncio.run(_main(force=force))


if __name__ == "__main__":
    main()
