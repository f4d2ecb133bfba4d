"""Score one model on the hold-out, in both scenarios, and keep the value of every user and basket."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.dataset_sections import EvaluationSection
from data_contracts.errors import ConfigurationError
from data_contracts.evaluation import Evaluation
from data_contracts.interactions import GroupedMatrix
from data_contracts.scoring import Scorer, Scores
from tasks import models
from tasks.evaluation.lists import Subject, both_lists, more_values
from tasks.models import Need
from tasks.numeric.scenarios import evaluate as evaluate_lists
from tasks.preparation.grouping import load_grouped
from tasks.preparation.holdout import load_holdout
from tasks.preparation.prepared_events import PreparedEvents
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
    model: TrainedModel, scorer: Scorer, cold_kind: str, cold: Scorer, matrix: GroupedMatrix
) -> Scores:
    """Scores for unknown users as :func:`cold_start_scores`, -inf for items that their maker may not list."""
    kind = model.kind if scorer.cold_start is not None else cold_kind
    scores, allow = cold_start_scores(model.name, scorer, cold), models.allowed_items(kind, matrix)
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


@step("evaluate {model.name}", code=model_code("model"))
def evaluate(
    out: Path,
    model: TrainedModel,
    cold_start: store.ArtifactRef,
    holdout: store.ArtifactRef,
    data: PreparedEvents,
    evaluation: EvaluationSection,
    seed: int,
) -> store.Facts:
    """Write ``summary.json`` (means, intervals, slices) and ``units.npz`` (the values behind them)."""
    grouped, truth = load_grouped(data.matrix, {Need.TIMES, Need.HISTORY}), load_holdout(holdout)
    had = data.seen(grouped.by_user)
    seen, blocked = had.by_row, had.blocked
    scorer, cold = load_model(model.artifact, holdout.facts), load_model(cold_start, holdout.facts)
    allow = models.allowed_items(model.kind, grouped)
    opinion = cold_start_opinion(model, scorer, cold_start.facts["kind"], cold, grouped)
    subject = Subject(model.kind, scorer, opinion, allow)
    k = max(evaluation.ks)
    lists = both_lists(subject, truth, k, seen, blocked)
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
        n_allowed=None if allow is None else int(allow.sum()),
        blocked=blocked,
    )
    write_json(out / "summary.json", result.summary)
    np.savez(out / "units.npz", **result.arrays)  # type: ignore[arg-type]
    return {"name": model.name, "kind": model.kind}


def load_evaluation(artifact: store.ArtifactRef) -> Evaluation:
    """Read what :func:`evaluate` wrote."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    with np.load(artifact.folder / "units.npz", allow_pickle=False) as units:
        arrays = {name: units[name] for name in units.files}
    return Evaluation(read_json(artifact.folder / "summary.json"), arrays)
