"""Receipts: one small file per finished run, so that a backfill skips what was done before."""

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, DamagedError
from data_contracts.shop_rules import ShopRules
from data_contracts.source_section import PLACE_KEYS
from data_contracts.suite_files import FOLDER
from data_contracts.tuned import Tuned
from tasks import models
from tasks.ingestion.task import Source
from tasks.publication.registry import UNDATED, Publication
from tasks.runtime import store
from tasks.runtime.code_hash import code_hash
from tasks.runtime.files import read_json, replace_json, report_damage, sha256_of

RECEIPTS = "receipts"
WHOLE_RUN = "flows.nightly"
"""The module whose code, with all that it imports, decides what a run does."""

Outcome = Literal["published", "rejected", "undecided"]


class Receipt(BaseModel):
    """A finished run."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    key: str
    """Hash of everything that decided the run: see :func:`key_of_run`."""
    dataset: str
    """Name of the dataset."""
    as_of: date | None
    """Day of the run; None for a log without times."""
    run: str
    """Name of the run."""
    outcome: Outcome
    """Published, rejected by the gate, or undecided: what was live stayed."""
    winner: str
    """The model that won."""
    artifacts: tuple[str, ...]
    """Paths, relative to the home, of all that the run made or used."""

    def keep(self) -> None:
        """Write it; doing it again changes nothing."""
        path = _path(self.dataset, self.as_of, self.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_json(path, self.model_dump(mode="json"))

    def still_holds(self) -> bool:
        """Whether the publication of the run still exists and is whole."""
        if self.outcome != "published":
            return True
        return not Publication(dataset=self.dataset, as_of=self.as_of, run=self.run).damage()


def key_of_run(
    spec: DatasetSpec,
    sources: Iterable[Source],
    as_of: date | None,
    seed: int,
    tuned: Tuned | None,
    shop_rules: ShopRules | None = None,
) -> str:
    """Hash of all that decides a run: dataset file, content of the log, day, parameters, code, contracts.

    Of the files that rules name both content and place count, for the place is published.
    """
    choices = (tuned.applied(spec.models) if tuned else spec.models).values()
    kinds = {kind for each in choices for kind in models.kinds_within(each.kind, each.parameters)}
    # Who is told, what is tracked, or answered from which publication, does not change what is published, nor does when a run begins.
    beside = {"description", "variants", "cluster", "schedule", "notify", "tracking"}
    rules = spec.model_dump(mode="json", exclude=beside)
    for place in PLACE_KEYS:  # the log is known by its content, wherever it lies
        rules["source"].pop(place)
    if rules["items"] is not None:
        rules["items"].pop("path")
    rules["export"] = spec.export.cache_identity()  # where the lists go does not change them
    if spec.cluster.engine != "local":
        rules["cluster"] = {"engine": spec.cluster.engine, **spec.cluster.cache_identity()}
    described = [
        rules,
        [source.cache_identity() for source in sources],
        as_of,
        seed,
        tuned.model_dump(mode="json") if tuned else None,
        shop_rules.model_dump(mode="json") if shop_rules else None,
        code_hash(WHOLE_RUN, *map(models.module_name, sorted(kinds))),
        [sha256_of(suite) for suite in sorted(FOLDER.glob("*.json"))],
    ]
    return hashlib.sha256(to_json(described)).hexdigest()


def find(dataset: str, as_of: date | None, key: str) -> Receipt | None:
    """The receipt of a run that was done before and whose publication is still whole, or None."""
    path = _path(dataset, as_of, key)
    receipt = _read(path) if path.exists() else None
    return receipt if receipt is not None and receipt.still_holds() else None


def of_run(dataset: str, as_of: date | None, run: str) -> Receipt | None:
    """The newest receipt of a run by its name, whatever became of its publication; None if it left none."""
    found = [each for each in every() if (each.dataset, each.as_of, each.run) == (dataset, as_of, run)]
    return found[-1] if found else None


def newest(n: int) -> list[Receipt]:
    """The receipts of the `n` newest runs of each dataset, by day and then by when they ended."""
    found: dict[str, list[Receipt]] = {}
    for receipt in every():
        found.setdefault(receipt.dataset, []).append(receipt)
    return [receipt for each in found.values() for receipt in each[-n:]]


def every() -> list[Receipt]:
    """All receipts, those of a dataset by day and then by when the runs ended."""
    paths = (store.home() / RECEIPTS).glob("*/*/*.json")
    ordered = sorted(paths, key=lambda path: (path.parts[-3:-1], path.stat().st_mtime))
    return [receipt for path in ordered if (receipt := _read(path)) is not None]


def _read(path: Path) -> Receipt | None:
    """Read a receipt; one that is damaged is reported and counts as none, so that its day runs again."""
    try:
        receipt = Receipt.model_validate(read_json(path))
        if path == _path(receipt.dataset, receipt.as_of, receipt.key):
            return receipt
        problem = f"{path} is a copy of another receipt; remove it"
    except DamagedError as error:
        problem = str(error)
    except (ValidationError, ConfigurationError):
        problem = f"{path} is damaged: it is no receipt of a run"
    report_damage(f"a receipt is not looked at: {problem}")
    return None


def _path(dataset: str, as_of: date | None, key: str) -> Path:
    folder = store.home() / RECEIPTS / store.must_be_plain("dataset", dataset) / str(as_of or UNDATED)
    return folder / f"{key}.json"
