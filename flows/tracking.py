"""Write a run's figures to the tracking server that the dataset file names."""

import time

from data_contracts.run_summary import RunSummary
from data_contracts.tracking_section import TrackingSection
from flows.ui_artifacts import address
from tasks.runtime.progress import listener
from tasks.tracking.mlflow import write
from tasks.tracking.record import record_of

STEP = "write the figures to MLflow"


def track(summary: RunSummary, section: TrackingSection) -> None:
    """Write a run that has a summary; what cannot be written is a warning, and the run is as it is."""
    if section.mlflow_uri is None:
        return
    began = time.monotonic()
    record = record_of(summary, address(summary.report))
    warnings = write(record, section.mlflow_uri, section.experiment or summary.dataset)
    listener().finished(STEP, time.monotonic() - began, reused=False, facts={"warnings": warnings})
