"""A scheduled run whose log ends before anything that it would hold out: nothing new is no failure, an old log is one."""

from datetime import date, timedelta

from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ContractError
from data_contracts.parameters import NightlyParameters
from flows.planning import newest_day, scheduled_day
from flows.superseded import SKIPPED
from tasks.publication import registry
from tasks.runtime import store


def nothing_new(
    spec: DatasetSpec, given: NightlyParameters, as_of: date | None, events: store.ArtifactRef
) -> State[None] | None:
    """State "Skipped" where a scheduled run would find nothing that what is live has not seen, else None.

    Runs whose day somebody named go on, and say what they lack.

    Parameters
    ----------
    spec
        The dataset.
    given
        The run's parameters; a day that they name is theirs, not that of a schedule.
    as_of
        The day that was decided.
    events
        What the log holds.

    Raises
    ------
    ContractError
        If nothing is live that saw the log's last day: with that day, the run's, and what to do.

    """
    days = _reach(spec)
    if as_of is None or given.as_of is not None or days is None or scheduled_day(spec) != as_of:
        return None
    newest = newest_day(spec, events)
    if newest >= as_of - timedelta(days=days):
        return None
    live = registry.latest(spec.name)
    ends = f"the log of {spec.name!r} ends on {newest}, {(as_of - newest).days} days before the run's day, {as_of}"
    if live is not None and live.as_of is not None and live.as_of > newest:
        get_run_logger().warning(
            "%s: if it should have gone on, its export has stopped; what is live stays", ends
        )
        return Completed(name=SKIPPED, message=f"nothing new since the lists as of {live.as_of}: {ends}")
    raise ContractError(
        f"{ends}, which is the day of its schedule, and only its last {days} days are held out or looked at. Deliver newer events; "
        f"or publish what there is by `shelftalker run --dataset {given.dataset} --as-of {newest + timedelta(days=1)}`, "
        "after which such nights end as Skipped until there is something new"
    )


def _reach(spec: DatasetSpec) -> int | None:
    """Days before a run's day of which at least one must have an event; None where a log of any age will do."""
    window = spec.window
    held_out = window.holdout_days if window.split == "time" else None
    return min((days for days in (held_out, window.lookback_days) if days is not None), default=None)
