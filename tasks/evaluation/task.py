"""Score one model on the hold-out, in both scenarios, and keep the value of every user and basket."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.dataset_sections import EvaluationSection
from data_contracts.errors import ConfigurationError
from data_contracts.evaluation import Evaluation
from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Mask, Scorer, Scores
from tasks import models
from tasks.evaluation.lists import Subject, both_lists, more_values
from tasks.models import Need
from tasks.numeric.permissions import both, columns_of
from tasks.numeric.scenarios import evaluate as evaluate_lists
from tasks.preparation.grouping import load_grouped
from tasks.preparation.holdout import load_holdout
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.seen import Seen
from tasks.rules.applied import ItemRules
from tasks.rules.blocks import in_either, of_rows
from tasks.rules.task import load_item_rules
from tasks.runtime import store
from tasks.runtime.files import read_json, write_json
from tasks.runtime.step import step
from tasks.training.task import load_model
from tasks.training.trained_model import TrainedModel, model_code


def cold_start_scores(name: str, scorer: Scorer, cold: Scorer) -> Scores:
    """Item scores for unknown users: the model's own opinion, else that of the dataset's cold-start model.

    Raises
    ------
    ConfigurationError
        If neither has one.

    """
    own = scorer.cold_start if scorer.cold_start is not None else cold.cold_start
    if own is None:
        raise ConfigurationError(
            f"evaluation.cold_start must name a model with a cold-start list, such as popularity; the one "
            f"it names has none, and {name!r} has none either"
        )
    return own


def cold_start_opinion(
    model: TrainedModel,
    scorer: Scorer,
    cold_kind: str,
    cold: Scorer,
    matrix: GroupedMatrix,
    permitted: Mask | None = None,
) -> Scores:
    """Scores for unknown users as :func:`cold_start_scores`, -inf for items that their maker may not list.

    `permitted` (n_items,) marks the items that anybody may be shown; None means all.
    """
    kind = model.kind if scorer.cold_start is not None else cold_kind
    scores = cold_start_scores(model.name, scorer, cold)
    allow = both(models.allowed_items(kind, matrix), permitted)
    return scores if allow is None else np.where(allow, scores, -np.inf)


class EvaluatedModel(NamedTuple):
    """A trained model and what it reaches on the hold-out."""

    model: TrainedModel
    """The model."""
    evaluation: store.ArtifactRef
    """What :func:`evaluate` wrote."""

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.name


def subject_of(
    model: TrainedModel,
    cold_start: store.ArtifactRef,
    holdout: store.ArtifactRef,
    grouped: GroupedMatrix,
    known: Seen,
    rules: ItemRules | None,
) -> Subject:
    """A trained model as it is evaluated: with what it may show, and what nobody may be shown."""
    scorer, cold = load_model(model.artifact, holdout.facts), load_model(cold_start, holdout.facts)
    permitted = None if rules is None else rules.allow
    allow = both(models.allowed_items(model.kind, grouped), permitted)
    opinion = cold_start_opinion(model, scorer, cold_start.facts["kind"], cold, grouped, permitted)
    subject = Subject(model.kind, scorer, opinion, allow, blocked=known.blocked)
    if rules is None:
        return subject
    blocked = None if rules.blocked is None else of_rows(rules.blocked, known.former)
    return replace(subject, limits=rules.limits, blocked=in_either(known.blocked, blocked))


@step("evaluate {model.name}", code=model_code("model"))
def evaluate(
    out: Path,
    model: TrainedModel,
    cold_start: store.ArtifactRef,
    holdout: store.ArtifactRef,
    data: PreparedEvents,
    evaluation: EvaluationSection,
    seed: int,
    ruled: store.ArtifactRef | None = None,
) -> store.Facts:
    """Write ``summary.json`` (means, intervals, slices) and ``units.npz`` (the values behind them).

    `ruled` says which items may be shown; `holdout` is without the others already.
    """
    grouped, truth = load_grouped(data.matrix, {Need.TIMES, Need.HISTORY}), load_holdout(holdout)
    known, rules = data.seen(grouped.by_user), load_item_rules(ruled)
    seen = known.by_row
    subject = subject_of(model, cold_start, holdout, grouped, known, rules)
    allow = subject.allow
    k = max(evaluation.ks)
    lists = both_lists(subject, truth, k, seen)
    result = evaluate_lists(
        lists["repeat"],
        lists["discovery"],
        truth,
        seen,
        ks=evaluation.ks,
        seed=seed,
        # Where views are events, too, what is popular is what people took: users who had it.
        popularity=None if data.window.targets else grouped.item_events(),
        n_samples=evaluation.bootstrap_samples,
        more=more_values(subject, lists, truth, grouped.history, seen, evaluation.ks),
        n_allowed=_n_allowed(allow, rules),
        barred=None if rules is None else _barred(subject, seen),
        blocked=None if subject.blocked is None else columns_of(subject.blocked, subject.allow),
    )
    write_json(out / "summary.json", result.summary)
    np.savez(out / "units.npz", **result.arrays)  # type: ignore[arg-type]
    return {"name": model.name, "kind": model.kind}


def _n_allowed(allow: Mask | None, rules: ItemRules | None) -> int | None:
    """Items that a list can hold at most; None for all."""
    if allow is None:
        return None
    n_allowed = int(allow.sum())
    if rules is None or rules.limits is None:
        return n_allowed
    return min(n_allowed, rules.limits.longest(allow))


def _barred(subject: Subject, seen: Csr) -> Csr:
    """What discovery leaves out of the items that may be shown."""
    barred = subject.barred(seen)
    assert barred is not None
    return columns_of(barred, subject.allow)


def load_evaluation(artifact: store.ArtifactRef) -> Evaluation:
    """Read what :func:`evaluate` wrote."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    with np.load(artifact.folder / "units.npz", allow_pickle=False) as units:
        arrays = {name: units[name] for name in units.files}
    return Evaluation(read_json(artifact.folder / "summary.json"), arrays)
