"""The task that tunes one model: open its study, search, and write down the best so far."""

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from prefect import task
from prefect.cache_policies import NO_CACHE

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ConfigurationError
from data_contracts.selection import Selection
from data_contracts.tuned import TunedModel
from tasks import models
from tasks.evaluation.task import cold_start_scores
from tasks.models import Need
from tasks.preparation.grouping import load_grouped
from tasks.preparation.holdout import load_holdout
from tasks.preparation.prepared_events import PreparedEvents
from tasks.rules.blocks import of_rows
from tasks.rules.task import load_item_rules
from tasks.runtime import store
from tasks.runtime.code_hash import code_hash
from tasks.runtime.progress import listener
from tasks.training.task import load_model
from tasks.tuning.objective import Fold, Objective
from tasks.tuning.search import Budget, search
from tasks.tuning.studies import found, open_study, shown
from tasks.tuning.tuned_files import keep


class Prepared(NamedTuple):
    """An inner window, ready on the disk."""

    window: Selection
    """What is scored."""
    data: PreparedEvents
    """Everything before it."""
    holdout: store.ArtifactRef
    """What users took in it."""
    cold: store.ArtifactRef
    """The cold-start model, trained on `data`."""
    ruled: store.ArtifactRef | None = None
    """Which items may be shown at its cut-off; None where there are no rules."""

    def open(self, spec: DatasetSpec, kind: str) -> Fold:
        """Load what a trial of a model needs."""
        wanted = models.load_spec(kind)
        cold = load_model(self.cold, self.holdout.facts)
        matrix = load_grouped(self.data.matrix, wanted.needs | wanted.uses | {Need.TIMES, Need.HISTORY})
        seen, rules = self.data.seen(matrix.by_user), load_item_rules(self.ruled)
        fold = Fold.of(
            matrix,
            load_holdout(self.holdout),
            spec.evaluation.decides,
            cold_start_scores(spec.evaluation.cold_start, cold, cold),
            seen.by_row,
        )
        if rules is None or rules.blocked is None:
            return replace(fold, rules=rules)
        return replace(fold, rules=rules, blocked=of_rows(rules.blocked, seen.former))

    def in_words(self) -> str:
        """What is scored, for people."""
        if self.window.split != "none":
            return f"{self.window.split}, divided {self.window.within} times before"
        return f"{self.window.start} to {self.window.end}"


class Destination(NamedTuple):
    """Where the results of tuning go."""

    storage: str
    """URL of the studies."""
    file: Path
    """The tuned file."""


def tunable(spec: DatasetSpec, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the models to tune, in the order of the dataset file.

    Raises
    ------
    ConfigurationError
        If one that is wanted is unknown, or has nothing to tune.

    """
    able = tuple(name for name, choice in spec.models.items() if models.load_spec(choice.kind).search)
    wrong = [name for name in wanted if name not in able]
    if wrong or not able:
        raise ConfigurationError(
            f"cannot tune {', '.join(wrong) or spec.name}: models of {spec.name!r} with something to tune are "
            f"{', '.join(able) or 'none'}"
        )
    return tuple(name for name in able if not wanted or name in wanted)


def study_name(spec: DatasetSpec, name: str, prepared: list[Prepared], seed: int) -> str:
    """Dataset, model, and a hash of all that a value depends on: another question is another study."""
    choice = spec.models[name]
    asked = {
        "parameters": choice.parameters,
        "space": {key: repr(each) for key, each in models.load_spec(choice.kind).search.items()},
        "folds": [
            [each.data.matrix, each.data.past, each.holdout, each.cold, *([each.ruled] if each.ruled else [])]
            for each in prepared
        ],
        "metric": [spec.evaluation.decides, spec.evaluation.metric],
        "seed": seed,
    }
    code = code_hash(models.module_name(choice.kind), "tasks.numeric.metrics")
    return f"{spec.name}-{name}-{store.key_of('tune', asked, code)[:12]}"


@task(name="tune-model", task_run_name="tune {name}", cache_policy=NO_CACHE)
def tune_model(
    name: str,
    spec: DatasetSpec,
    prepared: list[Prepared],
    data: str,
    destination: Destination,
    budget: Budget,
    seed: int,
) -> dict[str, Any]:
    """Search, write the best into the tuned file, and say what was found.

    Ctrl-C ends the search; what it found so far is written all the same.
    """
    choice, label, began = spec.models[name], f"tune {name}", time.perf_counter()
    question = Objective(
        choice.kind,
        choice.parameters,
        [each.open(spec, choice.kind) for each in prepared],
        spec.evaluation.metric,
        seed,
    )
    study_id = study_name(spec, name, prepared, seed)
    study = open_study(destination.storage, study_id, question.direction)
    listener().started(label)

    def heard(done: int, best: float) -> None:
        listener().advanced(label, done, budget.trials, {"best": best})

    try:
        search(study, question, budget, heard)
    finally:
        best = found(study, choice.kind)
        if best is not None:
            known = _describe(spec, choice, prepared, data) | vars(best)
            tuned = TunedModel(**known, study=study_id, storage=shown(destination.storage))
            keep(destination.file, spec.name, name, tuned)
    seconds = time.perf_counter() - began
    listener().finished(label, seconds, reused=False, facts={})
    facts = {"study": study_id} if best is None else tuned.model_dump(mode="json")
    return {**facts, "seconds": round(seconds, 1)}


def _describe(spec: DatasetSpec, choice: ModelSection, prepared: list[Prepared], data: str) -> dict[str, Any]:
    ends: list[datetime] = [each.window.end for each in prepared if each.window.end]
    return {
        "kind": choice.kind,
        "data": data,
        "until": max(ends, default=None),
        "windows": [each.in_words() for each in prepared],
        "metric": spec.evaluation.metric,
        "scenario": spec.evaluation.decides,
    }
