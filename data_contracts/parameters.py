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
    tuned: str | None = None
    """Name (or path of a .toml) of what `shelftalker tune` wrote: its parameters go before the dataset
    file's. Empty: the dataset file's parameters."""


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


class TuneParameters(BaseModel):
    """A search for better parameters of a dataset's models."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    dataset: str = "sample"
    """Name of a dataset in data_contracts/datasets, or the path of a .toml."""
    models: tuple[str, ...] = ()
    """Names from the dataset file; empty: all that have something to tune."""
    trials: int = Field(default=40, ge=1)
    """Of each model, those of earlier calls included; larger sizes of the best come on top."""
    minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Of searching, shared by the models; empty: until all trials are done."""
    windows: int = Field(default=2, ge=1)
    """Inner windows that every trial is scored on, one before the other."""
    as_of: date | None = None
    """The day that the run to be tuned for would have; its hold-out is never looked at."""
    source: str | None = None
    """Path of the log; empty means the one that the dataset file names."""
    study: str | None = None
    """URL of the storage of studies, SQLite or PostgreSQL; empty: a SQLite file below SHELFTALKER_HOME."""
    output: str | None = None
    """Path of the .toml to write; empty: tuned/<dataset>.toml below SHELFTALKER_HOME."""
    seed: int = Field(default=0, ge=0)
    """Decides everything random."""
