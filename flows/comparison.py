"""Train every model of a run on the same window and evaluate it on the same hold-out."""

from collections.abc import Iterable
from typing import NamedTuple

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from flows.attempts import Attempts
from flows.engines import Engine
from tasks.evaluation.closer_look import look_closer
from tasks.evaluation.task import EvaluatedModel, evaluate
from tasks.preparation.prepared_events import PreparedEvents
from tasks.runtime import store
from tasks.training.trained_model import TrainedModel


class Comparison(NamedTuple):
    """The models that were trained and evaluated."""

    models: tuple[EvaluatedModel, ...]
    cold_start: str
    """Name of the model whose list unknown users get."""


def compare(
    attempts: Attempts,
    sections: dict[str, ModelSection],
    data: PreparedEvents,
    holdout: store.ArtifactRef,
    spec: DatasetSpec,
    seed: int,
    engine: Engine,
    ruled: store.ArtifactRef | None = None,
) -> Comparison:
    """Train and evaluate models; one that breaks is left out. `ruled` says which items may be shown.

    Raises
    ------
    ShelftalkerError
        If no baseline could be trained.

    """

    def train(name: str) -> TrainedModel:
        return engine.train(name, sections[name], data, seed)

    trained = attempts.each(sections, "training", train)
    cold = attempts.cold_start(spec.evaluation.cold_start, trained, sections)

    def score(name: str) -> EvaluatedModel:
        evaluated = evaluate(
            trained[name], trained[cold].artifact, holdout, data, spec.evaluation, seed, ruled
        )
        return EvaluatedModel(trained[name], evaluated)

    return Comparison(tuple(attempts.each(trained, "evaluation", score).values()), cold)


def look_closer_at(
    winner: str,
    models: Iterable[EvaluatedModel],
    cold_start: str,
    data: PreparedEvents,
    holdout: store.ArtifactRef,
    spec: DatasetSpec,
    seed: int,
    ruled: store.ArtifactRef | None = None,
) -> store.ArtifactRef | None:
    """What the report says of the winner beyond its metrics; None where the model for unknown users broke."""
    trained = {each.name: each.model for each in models}
    if winner not in trained or cold_start not in trained:
        return None
    model, cold = trained[winner], trained[cold_start].artifact
    return look_closer(model, cold, holdout, data, spec.evaluation, spec.item_attributes, seed, ruled)
