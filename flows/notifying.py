"""Tell those whom the dataset file names how a run ended."""

import time
from typing import Any

from prefect.context import FlowRunContext
from prefect.logging.loggers import flow_run_logger

from data_contracts.database_url import masked
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ShelftalkerError, UnfinishedError
from data_contracts.notify_section import Ending, NotifySection
from data_contracts.parameters import BackfillParameters, NightlyParameters
from data_contracts.run_summary import RunSummary
from flows.ui_artifacts import address
from tasks.notification.notice import Notice
from tasks.notification.send import send
from tasks.report.headline import headline
from tasks.runtime.progress import listener

BACKFILL = "backfill"
"""Tag of the dates of a backfill, which tells once, at its end: nobody is told of each."""
STEP = "notify"


def tell(summary: RunSummary, receivers: tuple[NotifySection, ...]) -> None:
    """Tell how a run ended that has a summary; what cannot be sent is a warning."""
    context = FlowRunContext.get()
    if context and context.flow_run and BACKFILL in context.flow_run.tags:
        return
    gate, began = summary.gate, time.monotonic()
    notice = Notice(
        event=_ending(summary),
        dataset=summary.dataset,
        as_of=summary.as_of,
        text=headline(summary),
        run_id=summary.run_id,
        verdict=gate.verdict,
        winner=gate.winner,
        metric=gate.metric,
        value=summary.deciding_metrics[gate.winner].get(gate.metric),
        report=address(summary.report),
    )
    if any(notice.event in each.on for each in receivers):
        warnings = send(notice, receivers)
        listener().finished(STEP, time.monotonic() - began, reused=False, facts={"warnings": warnings})


def _ending(summary: RunSummary) -> Ending:
    if summary.published:
        return "published"
    return "undecided" if summary.gate.verdict == "undecided" else "rejected"


def tell_failed(given: NightlyParameters | BackfillParameters, error: BaseException) -> list[str]:
    """Tell that a run, or a backfill as a whole, failed; returns what could not be sent.

    A dataset file that cannot be read names nobody who could be told.
    """
    try:
        spec = DatasetSpec.load(given.dataset)
    except ShelftalkerError:
        return []
    said = (str(error).splitlines() or ["no more is known"])[0]
    text = masked(f"{type(error).__name__.removesuffix('Error')}: {said}")
    about: dict[str, Any] = (
        {"as_of": given.as_of} if isinstance(given, NightlyParameters) else {"as_of": None, "dates": {}}
    )
    notice = Notice(event="failed", dataset=spec.name, text=text, **about)
    return [] if given.dry_run else send(notice, spec.notify)


def on_failure(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell why a flow run failed; a hook of the nightly flow."""
    if BACKFILL not in flow_run.tags:
        _tell_of_failure(NightlyParameters, flow_run, state)


def on_backfill_failure(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell why a backfill failed as a whole; of dates that failed it has told by then."""
    if not isinstance(state.result(raise_on_failure=False), UnfinishedError):
        _tell_of_failure(BackfillParameters, flow_run, state)


def _tell_of_failure(
    kind: type[NightlyParameters] | type[BackfillParameters], flow_run: Any, state: Any
) -> None:
    error = state.result(raise_on_failure=False)
    if not isinstance(error, BaseException):
        return
    warnings = tell_failed(kind.model_validate(flow_run.parameters["parameters"]), error)
    for warning in warnings:
        flow_run_logger(flow_run).warning("%s", warning)
    if warnings:
        listener().finished(STEP, 0.0, reused=False, facts={"warnings": warnings})
