"""The nightly run for every date of a range, oldest first."""

from datetime import timedelta
from typing import Any

from prefect import flow

from data_contracts.errors import ConfigurationError, ShelftalkerError
from data_contracts.parameters import BackfillParameters, NightlyParameters
from flows.nightly import nightly
from tasks.progress import listener

DONE, CLOSED, FAILED = "published", "gate closed", "failed"


@flow(name="backfill", flow_run_name="{parameters.dataset} from {parameters.first} to {parameters.last}")
def backfill(parameters: BackfillParameters) -> list[dict[str, Any]]:
    """Run every date; a date that fails is reported and does not stop the others.

    Steps whose inputs did not change are reused, so the log is read once. A publication of an older day
    never becomes the live one while a newer one is.
    """
    results = []
    day = parameters.first
    while day <= parameters.last:
        one = NightlyParameters(
            dataset=parameters.dataset, as_of=day, source=parameters.source, seed=parameters.seed
        )
        results.append(_run_day(one))
        listener().finished(f"{day} {results[-1]['result']}", 0.0, reused=False, facts={})
        day += timedelta(days=parameters.every_days)
    return results


def _run_day(parameters: NightlyParameters) -> dict[str, Any]:
    state: Any = nightly(parameters, return_state=True)
    row: dict[str, Any] = {"as_of": str(parameters.as_of), "result": FAILED, "winner": "", "reason": ""}
    try:
        summary = state.result()
    except ConfigurationError:
        raise  # the same mistake would fail every day
    except (ShelftalkerError, OSError) as error:
        return {**row, "reason": str(error).splitlines()[0]}
    result = DONE if summary["published"] else CLOSED
    return {**row, "result": result, "winner": summary["gate"]["winner"]}
