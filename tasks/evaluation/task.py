"""Score one model on the hold-out, in both scenarios, and keep the value of every user and basket."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from data_contracts.dataset_sections import EvaluationSection
from data_contracts.errors import ConfigurationError
from data_contracts.evaluation import Evaluation, Holdout
from data_contracts.interactions import Csr
from data_contracts.scoring import Mask, Scorer, Scores
from tasks import models
from tasks.models import Need
from tasks.numeric.ranking import cold_start_list, recommend
from tasks.numeric.scenarios import TopLists
from tasks.numeric.scenarios import evaluate as evaluate_lists
from tasks.preparation.grouping import load_grouped
from tasks.preparation.splitting import load_holdout
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


def listable(scores: Scores, allow: Mask | None) -> Scores:
    """Item scores with -inf, which is never, for items that may not be listed; None allows all."""
    return scores if allow is None else np.where(allow, scores, -np.inf)


def make_lists(
    scorer: Scorer,
    for_cold_start: npt.NDArray[np.int32],
    holdout: Holdout,
    k: int,
    seen: Csr | None,
    allow: Mask | None = None,
) -> TopLists:
    """Lists of the holdout users: known users by the model, the others get the cold-start list.

    Parameters
    ----------
    scorer
        The model.
    for_cold_start
        int32 (k,): the cold-start list.
    holdout
        Whose lists are wanted.
    k
        Length of the lists.
    seen
        Items to leave out, by user code; None leaves out nothing.
    allow
        bool (n_items,): items that may be listed; None allows all.

    """
    rows = np.tile(for_cold_start, (len(holdout.user_codes), 1))
    warm = holdout.user_codes >= 0
    rows[warm] = recommend(scorer, holdout.user_codes[warm], k, exclude=seen, allow=allow)[0]
    return TopLists(rows.astype(np.int32), for_cold_start)


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
    matrix: store.ArtifactRef,
    evaluation: EvaluationSection,
    seed: int,
) -> store.Facts:
    """Write ``summary.json`` (means, intervals, slices) and ``units.npz`` (the values behind them)."""
    grouped, truth = load_grouped(matrix, {Need.TIMES}), load_holdout(holdout)
    scorer, cold = load_model(model.artifact, holdout.facts), load_model(cold_start, holdout.facts)
    k = max(evaluation.ks)
    allow = models.allowed_items(model.kind, grouped)
    cold_kind = model.kind if scorer.cold_start is not None else cold_start.facts["kind"]
    opinion = listable(cold_start_scores(model.name, scorer, cold), models.allowed_items(cold_kind, grouped))
    for_cold_start = cold_start_list(opinion, k)
    result = evaluate_lists(
        make_lists(scorer, for_cold_start, truth, k, None, allow),
        make_lists(scorer, for_cold_start, truth, k, grouped.by_user, allow),
        truth,
        grouped.by_user,
        ks=evaluation.ks,
        seed=seed,
        popularity=grouped.item_events(),
        n_samples=evaluation.bootstrap_samples,
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
