"""What a deployment file may say. Prefect drops what it does not know; here a misspelt key is an error."""

from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self, get_type_hints

import yaml
from prefect.client.schemas.schedules import CronSchedule
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data_contracts.errors import ConfigurationError

LATER = "missing"
"""Kind of a pydantic error that a deployment may have: whoever starts a run gives the rest."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Schedule(_Part):
    """When a deployment runs by itself."""

    slug: str = Field(pattern=r"^[a-z0-9-]+$")
    """Names the schedule: without it, a changed one would be added to the old one."""
    cron: str | None = None
    """Five fields; or `interval`."""
    interval: float | None = Field(default=None, gt=0)
    """Seconds between runs; or `cron`."""
    timezone: str = "UTC"
    """IANA name."""
    active: bool | None = None
    """Leave it out to keep what operators have paused."""
    parameters: dict[str, Any] = {}
    """More parameters for the runs of this schedule."""

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if (self.cron is None) == (self.interval is None):
            raise ValueError("write exactly one of cron and interval")
        if self.cron is not None:
            CronSchedule(cron=self.cron, timezone=self.timezone)
        return self


class ConcurrencyLimit(_Part):
    """How many runs of a deployment may run at once, and what becomes of the others."""

    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]
    grace_period_seconds: int | None = Field(default=None, ge=60, le=86400)


class JobVariables(_Part):
    """What the worker starts the run's process with."""

    env: dict[str, str] = {}
    working_dir: str


class WorkPool(_Part):
    """Who runs it."""

    name: str
    work_queue_name: str
    job_variables: JobVariables


class Deployment(_Part):
    """One flow with its parameters, schedules and pool."""

    name: str
    description: str
    entrypoint: str = Field(pattern=r"^[a-z_.]+$")
    """Module path of the flow, such as ``flows.nightly.nightly``."""
    tags: list[str] = []
    parameters: dict[str, Any]
    enforce_parameter_schema: Literal[True]
    """A wrong parameter is refused when the run is created."""
    concurrency_limit: ConcurrencyLimit
    schedules: list[Schedule] = []
    work_pool: WorkPool

    def load(self) -> Any:
        """Return the flow that `entrypoint` names.

        Raises
        ------
        ConfigurationError
            If there is none.

        """
        module, _, name = self.entrypoint.rpartition(".")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigurationError(
                f"deployment {self.name!r}: entrypoint {self.entrypoint!r} is no flow: {error}"
            ) from error

    def check_parameters(self) -> None:
        """Refuse what the flow would not take; what is missing may still come with the run.

        Raises
        ------
        ConfigurationError
            Naming the deployment, the parameter, its value and what is wrong.

        """
        hints = {name: hint for name, hint in get_type_hints(self.load().fn).items() if name != "return"}
        for given in (self.parameters, *({**self.parameters, **each.parameters} for each in self.schedules)):
            unknown = sorted(set(given) - set(hints))
            if unknown:
                raise ConfigurationError(f"deployment {self.name!r}: {self.entrypoint} takes no {unknown}")
            for name, value in given.items():
                _check(f"deployment {self.name!r}: {name}", hints[name], value)


class DeploymentFile(_Part):
    """The whole file."""

    name: str
    definitions: dict[str, Any] = {}
    """Only there to be referred to by YAML anchors; what refers to them is checked."""
    deployments: list[Deployment] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what, names in {
            "deployments": [(each.entrypoint, each.name) for each in self.deployments],
            "schedules": [(each.name, one.slug) for each in self.deployments for one in each.schedules],
        }.items():
            if len(set(names)) != len(names):
                raise ValueError(f"two {what} share a name: {names}")
        return self


def describe(file: Path) -> DeploymentFile:
    """Read a deployment file and check all of it, down to the parameters of every flow.

    Raises
    ------
    ConfigurationError
        Naming the file, the key, its value and what is wrong.

    """
    try:
        described = DeploymentFile.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file} is no readable YAML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(_explain(str(file), error.errors(include_url=False))) from error
    for deployment in described.deployments:
        deployment.check_parameters()
    return described


def _check(where: str, model: type[BaseModel], value: Any) -> None:
    try:
        model.model_validate(value)
    except ValidationError as error:
        wrong = [each for each in error.errors(include_url=False) if each["type"] != LATER]
        if wrong:
            raise ConfigurationError(_explain(where, wrong)) from error


def _explain(where: str, problems: Any) -> str:
    lines = [
        f"  {'.'.join(str(part) for part in each['loc'])} = {each['input']!r}: {each['msg']}"
        for each in problems
    ]
    return "\n".join([f"{where} has {len(lines)} problem(s):", *lines])
