"""A look at a server from outside: what drills, tests and benchmarks ask it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, DeploymentFilter, FlowRunFilter
from prefect.client.schemas.objects import DeploymentSchedule, FlowRun
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from deployments.workspace import Workspace

UNDER_WAY = ("PENDING", "RUNNING", "CANCELLING")


class Observer:
    """Asks one server about deployments by name, such as ``nightly/small``."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self._client = client

    @classmethod
    @contextmanager
    def of(cls, workspace: Workspace) -> Iterator[Self]:
        """Look at the server of a place."""
        secret = workspace.environment().get("PREFECT_API_AUTH_STRING")
        with (
            temporary_settings({PREFECT_API_URL: workspace.api, PREFECT_API_AUTH_STRING: secret}),
            get_client(sync_client=True) as client,
        ):
            yield cls(client)

    def start(self, deployment: str, parameters: dict[str, Any]) -> UUID:
        """Create a run, as the form of the UI does; returns its id."""
        known = self._client.read_deployment_by_name(deployment)
        run = self._client.create_flow_run_from_deployment(known.id, parameters={"parameters": parameters})
        return run.id

    def pause(self, deployment: str) -> None:
        """Stop the schedules of a deployment; runs that were planned go with them."""
        known = self._client.read_deployment_by_name(deployment)
        self._client.pause_deployment(known.id)

    def schedules(self, deployment: str) -> list[DeploymentSchedule]:
        """Return the schedules of a deployment."""
        return self._client.read_deployment_by_name(deployment).schedules

    def slots(self, deployment: str) -> int:
        """Return how many runs of a deployment hold a place of its concurrency limit."""
        limit = self._client.read_deployment_by_name(deployment).global_concurrency_limit
        return limit.active_slots if limit else 0

    def artifact(self, run_id: UUID, key: str) -> Any:
        """Return the data of an artifact of a run."""
        wanted = ArtifactFilter.model_validate({"flow_run_id": {"any_": [run_id]}, "key": {"any_": [key]}})
        return self._client.read_artifacts(artifact_filter=wanted)[0].data

    def run(self, run_id: UUID) -> FlowRun:
        """Return a flow run."""
        return self._client.read_flow_run(run_id)

    def runs(self, deployment: str) -> list[FlowRun]:
        """Return the runs of a deployment."""
        known = self._client.read_deployment_by_name(deployment)
        wanted = DeploymentFilter.model_validate({"id": {"any_": [known.id]}})
        return self._client.read_flow_runs(deployment_filter=wanted, limit=200)

    def under_way(self, run_id: UUID) -> set[UUID]:
        """Return which of a run and those that run inside of it have begun and not ended."""
        state = {"type": {"any_": UNDER_WAY}}
        found = [
            self._client.read_flow_runs(
                flow_run_filter=FlowRunFilter.model_validate({"state": state, **which})
            )
            for which in ({"id": {"any_": [run_id]}}, {"parent_flow_run_id": {"any_": [run_id]}})
        ]
        return {run.id for runs in found for run in runs}

    def due(self, deployment: str) -> list[FlowRun]:
        """Return the runs of a deployment that should have begun and have not ended."""
        now = datetime.now(UTC)
        return [
            run
            for run in self.runs(deployment)
            if run.state and not run.state.is_final() and (run.expected_start_time or now) <= now
        ]

    def task_states(self, run_id: UUID) -> dict[str, str]:
        """Return the name of the last state of each task of a run."""
        wanted = FlowRunFilter.model_validate({"id": {"any_": [run_id]}})
        tasks = self._client.read_task_runs(flow_run_filter=wanted, limit=200)
        return {
            each.name: each.state_name or "" for each in sorted(tasks, key=lambda task: str(task.start_time))
        }
