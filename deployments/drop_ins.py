"""Deployments of datasets that no tracked file names: those of the home's folder, and those given by hand."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import yaml

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_files import dropped_in
from data_contracts.errors import ConfigurationError
from data_contracts.schedule_section import CLOCK, DEFAULT_AT


def as_clock(_context: Any, _option: Any, value: str | None) -> str | None:
    """Refuse what is no time of day."""
    if value is not None and not re.match(CLOCK, value):
        raise click.BadParameter(f"{value!r} is no time of day; write HH:MM, such as 03:15")
    return value


DROP_IN = "drop-in"
"""Tag of these deployments: what carries it and is described no longer is removed from the server."""
FLOWS = ("nightly", "tune", "backfill")
"""Flows that each of these datasets gets a deployment of; what goes for all of them stands in the deployment file."""


dataset_files_option = click.option(
    "--dataset",
    "datasets",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A dataset file to serve beside those of the home; may be repeated.",
)
at_option = click.option(
    "--at", callback=as_clock, help="When datasets run whose files name no time: HH:MM (default: 03:15)."
)


class ServedDataset(NamedTuple):
    """A dataset to be deployed."""

    spec: DatasetSpec
    given: str
    """What its runs are told: its name, or the absolute path of its file."""


class Served(NamedTuple):
    """The datasets to be deployed, and what is wrong with the others."""

    datasets: tuple[ServedDataset, ...]
    problems: tuple[str, ...]


def served_datasets(paths: Sequence[Path] = ()) -> Served:
    """Datasets of the home's folder that can be read, and those of `paths`.

    Raises
    ------
    ConfigurationError
        If one of `paths` cannot be read, or two datasets share a name.

    """
    found = [ServedDataset(DatasetSpec.load(path), str(path.absolute())) for path in paths]
    problems = []
    for name, path in dropped_in().items():
        try:
            found.append(ServedDataset(DatasetSpec.load(path), name))
        except (ConfigurationError, OSError) as error:
            problems.append(f"{path} is not served: {error}")
    by_name: dict[str, Path] = {}
    for each in found:
        other = by_name.setdefault(each.spec.name, each.spec.file)
        if other != each.spec.file:
            raise ConfigurationError(
                f"{other} and {each.spec.file} are both named {each.spec.name!r}; give one of them another name"
            )
    unique = {each.spec.name: each for each in found}
    return Served(tuple(unique.values()), tuple(problems))


def with_drop_ins(file: Path, datasets: Sequence[ServedDataset], at: str | None, out: Path) -> Path:
    """Write a deployment file that holds those of `file` and three for each dataset; returns its path.

    Parameters
    ----------
    file
        The tracked file; of its deployments of each flow the first is the pattern.
    datasets
        What is added.
    at
        Time of day of datasets whose files name none; 03:15 if absent.
    out
        Path to write to.

    """
    document: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    patterns: dict[str, dict[str, Any]] = {}
    for each in document["deployments"]:
        patterns.setdefault(each["entrypoint"].rpartition(".")[2], each)
    added = [_deployment(patterns[flow], flow, each, at) for each in datasets for flow in FLOWS]
    document["deployments"] = [*document["deployments"], *added]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return out


def _deployment(pattern: dict[str, Any], flow: str, dataset: ServedDataset, at: str | None) -> dict[str, Any]:
    spec = dataset.spec
    made = {
        **pattern,
        "name": deployment_name(spec.name, flow),
        "description": f"{_WHAT[flow]} {spec.name} ({spec.file}).",
        "tags": [flow, DROP_IN],
        "parameters": {"parameters": {"dataset": dataset.given}},
    }
    made.pop("schedules", None)
    if flow == "nightly":
        hour, minute = (spec.schedule.at or at or DEFAULT_AT).split(":")
        made["schedules"] = [
            {
                "cron": f"{int(minute)} {int(hour)} * * *",
                "timezone": spec.schedule.timezone or spec.source.timezone,
                "slug": "nightly",
            }
        ]
    return made


def deployment_name(dataset: str, flow: str) -> str:
    """Name of a deployment: dataset and purpose, such as ``orders-nightly``."""
    return f"{dataset}-{flow}"


_WHAT = {
    "nightly": "The nightly run on",
    "tune": "Looks for better parameters of the models of",
    "backfill": "Runs every date of a range, oldest first, on",
}
