"""``[report]`` of a dataset file: what a run's page shows of the log."""

from pydantic import Field

from data_contracts.column_sections import Section


class ReportSection(Section):
    """``[report]``: what the page of a run shows of the log."""

    rejected_samples: int = Field(default=3, ge=0, le=50)
    """Rejected rows that are shown for each reason, as they stand in the log; 0 shows none, where rows hold what the
    readers of reports must not see."""
