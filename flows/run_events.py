"""Events for other programs and for automations: published, rejected, undecided, contract broken."""

from typing import Any

from prefect.events import emit_event

from data_contracts.errors import ContractError
from data_contracts.parameters import DatasetParameters
from data_contracts.run_summary import LeftOutModel, RunSummary

PREFIX = "shelftalker.publication"
PUBLISHED, REJECTED, UNDECIDED, CONTRACT_BROKEN = (
    f"{PREFIX}.{name}" for name in ("published", "rejected", "undecided", "contract-broken")
)
MODEL_LEFT_OUT = "shelftalker.model.left-out"


def emit(event: str, dataset: str, **payload: Any) -> None:
    """Emit an event about a dataset; its resource is ``shelftalker.dataset.<name>``."""
    resource = {"prefect.resource.id": f"shelftalker.dataset.{dataset}", "prefect.resource.name": dataset}
    emit_event(event=event, resource=resource, payload=payload)


def emit_outcome(summary: RunSummary) -> None:
    """Emit how a run ended: its day, winner, the metric that decided, and where its files are."""
    gate = summary.gate
    unpublished = UNDECIDED if gate.verdict == "undecided" else REJECTED
    found = summary.deciding_metrics[gate.winner].get(gate.metric)
    emit(
        PUBLISHED if summary.published else unpublished,
        summary.dataset,
        as_of=summary.as_of and summary.as_of.isoformat(),
        run_id=summary.run_id,
        live=summary.live or False,
        verdict=gate.verdict,
        winner=gate.winner,
        metric=gate.metric,
        value=None if found is None else found.to_json(),
        failed_rules=[rule.name for rule in gate.rules if rule.broken],
        path=summary.path,
        report=summary.report,
    )


def emit_left_out(dataset: str, model: LeftOutModel) -> None:
    """Emit that a run goes on without a model that broke."""
    emit(MODEL_LEFT_OUT, dataset, **model.to_json())


def on_failure(flow: Any, flow_run: Any, state: Any) -> None:
    """Emit that a contract is broken, where that is why a run failed."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, ContractError):
        given = DatasetParameters.model_validate(_shared(flow_run.parameters["parameters"]))
        emit(CONTRACT_BROKEN, given.dataset, run=flow_run.name, reason=str(error).splitlines()[0])


def _shared(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters that every flow on a dataset has."""
    return {name: value for name, value in parameters.items() if name in DatasetParameters.model_fields}
