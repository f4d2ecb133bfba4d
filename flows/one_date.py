"""One date of a backfill: skipped if it was done before, else run, here or in its own process."""

import time
from datetime import date
from typing import Any, NamedTuple

from prefect import get_client, tags, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import State
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext
from prefect.flow_engine import run_flow_in_subprocess
from prefect.settings import get_current_settings

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ShelftalkerError
from data_contracts.parameters import BackfillParameters, EngineParameters, NightlyParameters
from data_contracts.shop_rules import ShopRules
from data_contracts.tuned import Tuned
from flows.guarded_server import CLIENT_VARIABLE
from flows.nightly import nightly
from tasks.ingestion.task import Source
from tasks.publication.run_receipts import Receipt, find, key_of_run

PUBLISHED, CLOSED, UNDECIDED, FAILED = "published", "gate closed", "undecided", "failed"
DONE_BEFORE, LEFT_ALONE, WOULD_RUN = "done before", "left alone", "would run"
OUTCOMES = {"published": PUBLISHED, "rejected": CLOSED, "undecided": UNDECIDED}


class Plan(NamedTuple):
    """What all dates of a backfill share."""

    parameters: BackfillParameters
    spec: DatasetSpec
    source: Source
    tuned: Tuned | None
    rules: ShopRules | None = None

    def receipt(self, day: date) -> Receipt | None:
        """What a finished run of that date left, if what it published is still whole."""
        key = key_of_run(self.spec, [self.source], day, self.parameters.seed, self.tuned, self.rules)
        return find(self.spec.name, day, key)

    def done(self, day: date) -> Receipt | None:
        """Receipt of a date that need not run."""
        return None if self.parameters.force else self.receipt(day)

    def nightly(self, day: date) -> NightlyParameters:
        """Parameters of the date's run: the log that was found, so that a database is read once."""
        shared = self.parameters.model_dump(
            include={"dataset", "seed", "tuned", *EngineParameters.model_fields}
        )
        return NightlyParameters(**shared, as_of=day, source=str(self.source.path))


Row = dict[str, Any]
"""One row of the backfill's table: as_of; result (what this backfill did with the date); outcome (whether the
date has a publication, a closed gate, or neither); winner; seconds; reason."""


def row_of(day: date, result: str, reason: str = "", began: float | None = None) -> Row:
    """Row of a date without a receipt."""
    seconds = 0.0 if began is None else round(time.monotonic() - began, 1)
    return {
        "as_of": str(day),
        "result": result,
        "outcome": "",
        "winner": "",
        "seconds": seconds,
        "reason": reason,
    }


def preview(plan: Plan, day: date) -> Row:
    """Row of a dry run: the date would run, or was done before."""
    receipt = plan.done(day)
    return row_of(day, WOULD_RUN) if receipt is None else _finished(receipt, DONE_BEFORE)


# Prefect identifies a sub-run that a flow starts by its position among the calls, so on a retry of the backfill
# it could be matched to another date. A sub-run that a task starts keeps its identity.
@task(name="run-date", task_run_name="{day}", cache_policy=NO_CACHE, persist_result=False)
def run_date(plan: Plan, day: date) -> Row:
    """Run one date, unless it was done before; an error becomes its row, and the other dates still run."""
    began = time.monotonic()
    if (receipt := plan.done(day)) is not None:
        return _finished(receipt, DONE_BEFORE)
    try:
        with tags("backfill", f"partition:{day}"):
            _run(plan, day)
    except Exception as error:  # noqa: BLE001 - its traceback is in the log of the date's own run
        said = str(error).splitlines() or [type(error).__name__]
        return row_of(day, FAILED, said[0], began)
    receipt = plan.receipt(day)
    if receipt is None:
        return row_of(
            day, FAILED, "the run left no receipt: log, code or parameters changed meanwhile", began
        )
    return _finished(receipt, OUTCOMES[receipt.outcome], began)


def _finished(receipt: Receipt, result: str, began: float | None = None) -> Row:
    row = row_of(receipt.as_of or date.min, result, f"run {receipt.run}", began)
    return {**row, "outcome": OUTCOMES[receipt.outcome], "winner": receipt.winner}


def _run(plan: Plan, day: date) -> None:
    if plan.parameters.parallel == 1:
        state: Any = nightly(plan.nightly(day), return_state=True)
        state.result()
    else:
        _in_own_process(plan.nightly(day), day)


def _in_own_process(parameters: NightlyParameters, day: date) -> None:
    """Run a date in its own process, under the same Prefect API.

    Raises
    ------
    ShelftalkerError
        If the run did not complete; with the message of the run.

    """
    with get_client(sync_client=True) as client:
        # Without the address, each process would start its own server.
        server: dict[str, str | None] = {"PREFECT_API_URL": str(client.api_url)}
        secret = get_current_settings().api.auth_string
        if secret is not None:
            server[CLIENT_VARIABLE] = secret.get_secret_value()
        process = run_flow_in_subprocess(nightly, parameters={"parameters": parameters}, env=server)
        process.join()
        state = _last_state(client, day)
    if state is None or not state.is_completed():
        reason = (
            state.message if state and state.message else f"its process ended with code {process.exitcode}"
        )
        raise ShelftalkerError(reason)


def _last_state(client: Any, day: date) -> State[Any] | None:
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    wanted = FlowRunFilter.model_validate(
        {
            "parent_flow_run_id": {"any_": [context.flow_run.id]},
            "tags": {"all_": [f"partition:{day}"]},
        }
    )
    runs = client.read_flow_runs(flow_run_filter=wanted, sort=FlowRunSort.START_TIME_DESC, limit=1)
    return runs[0].state if runs else None
