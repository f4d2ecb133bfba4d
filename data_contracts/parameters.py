"""The parameters of each flow: what the command line, the Prefect UI and a deployment may say."""

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from data_contracts.cluster_section import ADDRESS
from data_contracts.database_url import has_password
from data_contracts.limits import (
    MAX_COUNT,
    MAX_DATES,
    MAX_DAYS,
    MAX_MINUTES,
    MAX_SEED,
    MAX_TRIALS,
    MAX_WINDOWS,
    BoundedDay,
)

Day = Annotated[
    BoundedDay, WithJsonSchema({"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"})
]
"""A date that a server refuses by its schema when a run is created: it does not look at ``format``."""

EVERY: dict[str, timedelta] = {"1d": timedelta(days=1), "1w": timedelta(weeks=1)}
"""From one date of a backfill to the next."""


class FlowParameters(BaseModel):
    """Base of all: frozen, and a misspelt name is an error; the docstrings are the form's descriptions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True
    )


class DatasetParameters(FlowParameters):
    """What every flow on a log needs to know."""

    dataset: str = Field(default="sample", min_length=1, examples=["online_retail", "shop.toml"])
    """Name of a dataset (of data_contracts/datasets, or of the home's folder datasets), or the path of a .toml."""
    source: str | None = None
    """Path or URL of the log; empty means the one that the dataset file names."""
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    """Decides everything random."""

    @field_validator("source")
    @classmethod
    def _no_database(cls, value: str | None) -> str | None:
        """Parameters are kept by the server and shown in its UI."""
        if value and has_password(value):
            raise ValueError(
                "is a path, or the URL of files without credentials; a password must not stand here"
            )
        return value


class EngineParameters(FlowParameters):
    """Where the work is done; what is empty here is as ``[cluster]`` in the dataset file says.

    The first base of a class: a form shows the fields of its last base first.
    """

    engine: Literal["local", "dask"] | None = None
    """local: this machine. dask: the workers of a Dask cluster, which see the log and the home under the same paths."""
    scheduler: str | None = Field(default=None, pattern=ADDRESS)
    """Address of the Dask scheduler, such as tcp://scheduler:8786. Empty, there and in $DASK_SCHEDULER_ADDRESS: workers are
    started on this machine."""
    workers: int | None = Field(default=None, ge=1, le=1024)
    """Processes that are started on this machine where there is no scheduler."""


class NightlyParameters(EngineParameters, DatasetParameters):
    """One nightly run."""

    as_of: Day | None = None
    """The run sees events before this day only. Empty: the day of the scheduled start, or, for a run by
    hand, the day after the last event."""
    dry_run: bool = False
    """Do everything but publish."""
    models: tuple[str, ...] = ()
    """Names of the dataset file's models, or kinds with their defaults, beside the baselines; "all" compares every
    kind that the log can feed. Empty: the dataset file's models."""
    tuned: str | None = None
    """Name (or path of a .toml) of what `shelftalker tune` wrote: its parameters go before the dataset
    file's. Empty: the dataset file's parameters."""


class ClusterParameters(DatasetParameters):
    """One run on the workers of a Dask cluster."""

    as_of: Day | None = None
    """The run sees events before this day only. Empty: the dataset file's default, or the day after the last event."""
    scheduler: str | None = Field(default=None, pattern=ADDRESS)
    """Address of the Dask scheduler, such as tcp://scheduler:8786. Empty: the one of [cluster] in the dataset file, else
    $DASK_SCHEDULER_ADDRESS; without any, workers are started on this machine."""
    workers: int | None = Field(default=None, ge=1, le=1024)
    """Processes that are started on this machine where there is no scheduler. Empty: what [cluster] says, else 2."""
    models: tuple[str, ...] = ()
    """Names from the dataset file; empty: all of them."""


class BackfillParameters(EngineParameters, DatasetParameters):
    """The nightly run for every date of a range."""

    first: Day
    """First day to run as of."""
    last: Day
    """Last day, included."""
    every: Literal["1d", "1w"] = "1d"
    """From one date to the next: a day or a week."""
    force: bool = False
    """Run dates that were done before, too. Steps whose inputs did not change are reused all the same."""
    parallel: int = Field(default=1, ge=1, le=64)
    """Dates at work at once, each in a process of its own if more than one."""
    stop_on_error: bool = False
    """Leave the dates after a broken one alone."""
    dry_run: bool = False
    """Only say which dates would run and which are done."""
    tuned: str | None = None
    """Name (or path of a .toml) of what `shelftalker tune` wrote, used for every date."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"last must not be before first; got {self.first} to {self.last}")
        n_dates = (self.last - self.first) // EVERY[self.every] + 1
        if n_dates > MAX_DATES:
            raise ValueError(
                f"{self.first} to {self.last} are {n_dates} dates; one backfill does {MAX_DATES} at most"
            )
        return self

    def dates(self) -> list[date]:
        """Dates of the range, oldest first."""
        step = EVERY[self.every]
        return [self.first + n * step for n in range((self.last - self.first) // step + 1)]


class TuneParameters(DatasetParameters):
    """A search for better parameters of a dataset's models."""

    models: tuple[str, ...] = ()
    """Names from the dataset file; empty: all that have something to tune."""
    trials: int = Field(default=40, ge=1, le=MAX_TRIALS)
    """Of each model, those of earlier calls included; larger sizes of the best come on top."""
    minutes: float | None = Field(default=None, gt=0, le=MAX_MINUTES, allow_inf_nan=False)
    """Of searching, shared by the models; empty: until all trials are done."""
    windows: int = Field(default=2, ge=1, le=MAX_WINDOWS)
    """Inner windows that every trial is scored on, one before the other."""
    as_of: Day | None = None
    """The day that the run to be tuned for would have; its hold-out is never looked at."""
    study: str | None = None
    """URL of the storage of studies, SQLite or PostgreSQL; empty: a SQLite file below SHELFTALKER_HOME."""
    output: str | None = None
    """Path of the .toml to write; empty: tuned/<dataset>.toml below SHELFTALKER_HOME."""

    @field_validator("study")
    @classmethod
    def _without_password(cls, value: str | None) -> str | None:
        """Parameters are kept by the server and shown in its UI."""
        if value and has_password(value):
            raise ValueError("a password must not stand in the URL: write {NAME} for an environment variable")
        return value


class PruneParameters(FlowParameters):
    """What to keep when old artifacts are removed."""

    keep_days: int = Field(default=30, ge=0, le=MAX_DAYS)
    """Artifacts that a run made or used within so many days are kept."""
    keep_last: int = Field(default=3, ge=1, le=MAX_COUNT)
    """So are those of the newest runs of each dataset, so many of them."""
    dry_run: bool = False
    """Only say what would be removed."""
