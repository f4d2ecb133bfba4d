"""Remove old artifacts and cached results; keep what a publication or a running run needs."""

from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact

from data_contracts.parameters import PruneParameters
from tasks.publication.retention import prune as prune_home


@flow(name="prune", flow_run_name="keep {parameters.keep_days} days and {parameters.keep_last} runs")
def prune(parameters: PruneParameters) -> list[dict[str, Any]]:
    """Remove what was not used for long; returns what was kept and removed, one row per step."""
    rows = prune_home(parameters.keep_days, parameters.keep_last, dry_run=parameters.dry_run)
    create_table_artifact(
        key="pruned", table=rows, description="nothing was removed" if parameters.dry_run else None
    )
    return rows
