"""A shop small enough to run in seconds, its deployments, and what its publications consist of."""

from pathlib import Path
from typing import Any

import yaml

from data_contracts.dataset import DatasetSpec
from deployments.stack import DEPLOYMENTS
from tasks.runtime.files import sha256_of
from tasks.sources.sample import write_sample

NAME = "small"
FAST_MODELS = """
[models.popularity]
baseline = true

[models.recent_popularity]
baseline = true

[models.personal_frequency]
baseline = true

[models.wals]
n_factors = 8
iterations = 2
"""
TELLS_THE_TIME = {"summary.json", "report.html", "manifest.json"}
"""Files of a publication that say how long its steps took; the others are the same whenever it is made."""


def write_dataset(folder: Path, models: str = FAST_MODELS) -> Path:
    """Write the sample's dataset file under another name, with other models."""
    text = DatasetSpec.load("sample").file.read_text("utf-8").partition("\n[models.")[0] + models
    path = folder / f"{NAME}.toml"
    path.write_text(text.replace('name = "sample"', f'name = "{NAME}"'), "utf-8")
    return path


def write_log(folder: Path) -> Path:
    """Write a log that a whole run takes seconds for; it ends on 2025-06-30."""
    path = folder / f"{NAME}.csv"
    write_sample(path, n_users=800, n_items=300, n_rows=30_000)
    return path


def write_deployments(folder: Path, given: dict[str, Any], as_of: str, seconds: float) -> Path:
    """Write a copy of the deployment file for another dataset: nightly every so many seconds, and backfill.

    Parameters
    ----------
    folder
        Where it goes.
    given
        Parameters of both flows: the dataset and its log.
    as_of
        Day of the scheduled runs.
    seconds
        From one scheduled run to the next.

    """
    document = yaml.safe_load(DEPLOYMENTS.read_text("utf-8"))
    by_flow = {each["entrypoint"].rpartition(".")[2]: each for each in document["deployments"]}
    nightly, backfill = by_flow["nightly"], by_flow["backfill"]
    nightly |= {
        "name": NAME,
        "parameters": {"parameters": {**given, "as_of": as_of}},
        "schedules": [{"interval": seconds, "slug": "often"}],
    }
    backfill |= {"name": NAME, "parameters": {"parameters": given}}
    path = folder / "prefect.yaml"
    path.write_text(yaml.safe_dump({**document, "deployments": [nightly, backfill]}), "utf-8")
    return path


def contents(home: Path) -> dict[str, dict[str, str]]:
    """Sha256 of every file of every publication that does not tell the time, by publication and file."""
    found: dict[str, dict[str, str]] = {}
    for manifest in sorted(home.glob(f"published/{NAME}/*/*/manifest.json")):
        folder = manifest.parent
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        found[folder.relative_to(home / "published").as_posix()] = {
            path.relative_to(folder).as_posix(): sha256_of(path)
            for path in files
            if path.name not in TELLS_THE_TIME
        }
    return found
