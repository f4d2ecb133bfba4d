"""The nightly run for every date of a range, oldest first; dates that were done before are skipped."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import date
from typing import Any

from prefect import flow
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.states import Completed

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, UnfinishedError
from data_contracts.parameters import BackfillParameters
from flows.backfill_notice import tell_backfill
from flows.engines import engine_of
from flows.notifying import on_backfill_failure
from flows.one_date import CLOSED, FAILED, LEFT_ALONE, Plan, Row, preview, row_of, run_date
from flows.planning import chosen_models, on_engine
from tasks.ingestion.task import find_source
from tasks.publication.delivery import check_delivery
from tasks.rules.read_rules import find_rules
from tasks.runtime import store
from tasks.runtime.progress import listener
from tasks.tuning.tuned_files import load_tuned

LABEL = "dates"
"""Label of the progress bar over all dates."""


@flow(
    name="backfill",
    flow_run_name="{parameters.dataset} from {parameters.first} to {parameters.last}",
    on_failure=[on_backfill_failure],
)
def backfill(parameters: BackfillParameters) -> Any:
    """Run every date as a run of its own; returns one row per date.

    A date that fails is reported and does not stop the others, unless asked; the log is read once; a
    publication of an older day never becomes the live one while a newer one is. Ends as Failed if a date
    failed. Started again, it does what is missing.
    """
    store.sweep()
    plan = make_plan(parameters)
    rows = [preview(plan, day) for day in parameters.dates()] if parameters.dry_run else list(_run(plan))
    create_table_artifact(key="backfill", table=rows, description=_in_words(rows))
    if not parameters.dry_run:
        tell_backfill(plan.spec.name, parameters, rows, plan.spec.notify)
    if any(row["result"] == FAILED for row in rows):
        raise UnfinishedError(_in_words(rows), rows)
    return Completed(message=_in_words(rows), data=rows)


def make_plan(parameters: BackfillParameters) -> Plan:
    """Find the log and check the parameters, once for all dates.

    Raises
    ------
    ConfigurationError
        If a mistake would fail every date, or the log has no times.

    """
    spec = on_engine(DatasetSpec.load(parameters.dataset), parameters)
    if spec.columns.time is None:
        raise ConfigurationError(
            f"the log of dataset {spec.name!r} has no times, so every date would be the same run: use `run`"
        )
    if spec.window.test_path:
        raise ConfigurationError(
            f"dataset {spec.name!r} is scored on {spec.window.test_path}, whatever the date: use `run`"
        )
    tuned = load_tuned(parameters.tuned, spec)
    chosen_models(spec, tuned)
    engine_of(spec)
    check_delivery(spec)
    source = find_source(spec, parameters.source)
    rules = find_rules(spec, source.path)
    return Plan(parameters, spec, source, tuned, None if rules is None else rules.rules)


def _run(plan: Plan) -> Iterator[Row]:
    """Run all dates, `parallel` of them at once; yields the row of each, oldest first."""
    days, n_parallel = plan.parameters.dates(), plan.parameters.parallel
    stopped: list[date] = []
    progress = Progress(len(days))

    def one(day: date) -> Row:
        if stopped:
            return row_of(day, LEFT_ALONE, f"{stopped[0]} failed")
        row: Row = run_date(plan, day)
        if row["result"] == FAILED and plan.parameters.stop_on_error:
            stopped.append(day)
        progress.done(row)
        return row

    if n_parallel == 1:
        yield from map(one, days)
        return
    with ThreadPoolExecutor(n_parallel) as pool:
        # Each thread sees the flow run that it belongs to; the work itself is done in processes.
        yield from [each.result() for each in [pool.submit(copy_context().run, one, day) for day in days]]


class Progress:
    """Shows in the terminal and in the UI how many dates are done."""

    def __init__(self, total: int) -> None:
        self.total, self._results = total, Counter[str]()
        self._artifact: Any = create_progress_artifact(
            0.0, key="backfill-progress", description=f"{total} dates"
        )
        listener().started(LABEL)

    def done(self, row: Row) -> None:
        """Count one date."""
        self._results[row["result"]] += 1
        n_done = self._results.total()
        shown = ", ".join(f"{n} {what}" for what, n in self._results.items())
        update_progress_artifact(
            self._artifact,
            100.0 * n_done / self.total,
            description=f"{n_done} of {self.total} dates: {shown}",
        )
        listener().finished(f"{row['as_of']} {row['result']}", row["seconds"], reused=False, facts={})
        listener().advanced(LABEL, n_done, self.total, {})


def _in_words(rows: list[Row]) -> str:
    counts = Counter(row["result"] for row in rows)
    closed = [row["as_of"] for row in rows if row["outcome"] == CLOSED]
    shown = f"; gate closed on {', '.join(closed)}" if closed else ""
    return f"{len(rows)} dates: " + ", ".join(f"{n} {what}" for what, n in counts.items()) + shown
