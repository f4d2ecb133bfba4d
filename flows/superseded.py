"""Skip a scheduled run that a newer one supersedes: after downtime every missed run of a schedule starts."""

from collections.abc import Iterable
from datetime import UTC, datetime

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.states import Completed

SKIPPED = "Skipped"
SUPERSEDING = (StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING, StateType.COMPLETED)
"""States in which a newer run supersedes older ones; failed and cancelled runs do not."""
N_NEWEST = 50
"""Runs of the deployment that are looked at, newest first."""


def superseded() -> State[None] | None:
    """State "Skipped" if a newer scheduled run supersedes this one, else None.

    Runs that were started or retried by hand, and runs without a deployment, are never superseded.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or not run.auto_scheduled or run.run_count > 1:
        return None
    newer = newest_due(run, _runs_since(run))
    if newer is None:
        return None
    reason = f"the run scheduled for {newer.expected_start_time:%Y-%m-%d %H:%M %Z} sees all events that this one would"
    return Completed(name=SKIPPED, message=f"{reason}: {newer.name}")


def newest_due(run: FlowRun, others: Iterable[FlowRun]) -> FlowRun | None:
    """The newest of `others` that was scheduled after `run` and is due, at work or done; None if there is none."""
    due = [
        other
        for other in others
        if other.auto_scheduled
        and other.id != run.id
        and _start(run) < _start(other) <= datetime.now(UTC)
        and other.state_type in SUPERSEDING
        and other.state_name != SKIPPED
    ]
    return max(due, key=_start, default=None)


def _start(run: FlowRun) -> datetime:
    return run.expected_start_time or datetime.min.replace(tzinfo=UTC)


def _runs_since(run: FlowRun) -> list[FlowRun]:
    wanted = FlowRunFilter.model_validate(
        {
            "deployment_id": {"any_": [run.deployment_id]},
            "expected_start_time": {"after_": run.expected_start_time, "before_": datetime.now(UTC)},
        }
    )
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(
            flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=N_NEWEST
        )
