"""The parameters of each flow: what the command line, the Prefect UI and a deployment may say."""

from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class NightlyParameters(BaseModel):
    """One nightly run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    dataset: str = "sample"
    """Name of a dataset in data_contracts/datasets, or the path of a .toml."""
    as_of: date | None = None
    """The run sees events before this day only. Empty: the day of the scheduled start, or, for a run by
    hand, the day after the last event."""
    source: str | None = None
    """Path of the log; empty means the one that the dataset file names."""
    seed: int = Field(default=0, ge=0)
    """Decides everything random."""
    dry_run: bool = False
    """Do everything but publish."""


class BackfillParameters(BaseModel):
    """The nightly run for every date of a range."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    dataset: str = "sample"
    """Name of a dataset in data_contracts/datasets, or the path of a .toml."""
    first: date
    """First day to run as of."""
    last: date
    """Last day, included."""
    every_days: int = Field(default=1, ge=1)
    """Days from one run to the next."""
    source: str | None = None
    """Path of the log; empty means the one that the dataset file names."""
    seed: int = Field(default=0, ge=0)
    """Decides everything random."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"last must not be before first; got {self.first} to {self.last}")
        return self
