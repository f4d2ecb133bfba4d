"""Train one model and keep it: the only step that knows randomness."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from data_contracts.dataset_sections import LimitsSection, ModelSection
from data_contracts.errors import ConfigurationError
from data_contracts.scoring import Scorer
from tasks import models
from tasks.models import ModelConfig, Sizes
from tasks.preparation.grouping import load_grouped
from tasks.runtime import store
from tasks.runtime.progress import listener
from tasks.runtime.step import step
from tasks.training.limits import check_limits
from tasks.training.serialization import load_scorer, save_scorer
from tasks.training.trained_model import TrainedModel, model_code
from tasks.validation.suites import check_facts
from tasks.validation.table_facts import model_facts


def configure(name: str, choice: ModelSection) -> Any:
    """Check a model's parameters by its own ``Config``, long before anything is read.

    Raises
    ------
    ConfigurationError
        Naming the model, the parameter, its value and the limit.

    """
    try:
        return models.load(choice.kind).Config(**choice.parameters)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc']))} = {each['input']!r}: {each['msg']}" for each in error.errors()
        )
        raise ConfigurationError(f"model {name!r} of kind {choice.kind!r}: {problems}") from error
    except ValueError as error:
        raise ConfigurationError(f"[models.{name}]: {error}") from error


def generator(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each model: adding a model changes no other model's numbers."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


@step("train {name}", code=model_code("choice"), contracts=("model",))
def train(
    out: Path,
    name: str,
    choice: ModelSection,
    matrix: store.ArtifactRef,
    seed: int,
    chosen: store.Facts | None = None,
) -> store.Facts:
    """Fit one model on a grouped matrix and write its scorer.

    `chosen` are parameters that take the place of those in `choice`: what an earlier fit settled on where the
    dataset file says "auto".
    """
    module = models.load(choice.kind)
    grouped = load_grouped(matrix, models.wanted(choice.kind, choice.parameters))
    asked = configure(name, choice)
    curve: list[dict[str, float]] = []

    def progress(done: int, total: int, figures: dict[str, float]) -> None:
        curve.append(figures)
        listener().advanced(f"train {name}", done, total, figures)

    # The kind decides the seed, not the name: a model trained again under another name is the same model.
    rng = generator(seed, choice.kind)
    # Settled here, what was chosen for the log is kept as its parameters.
    config = asked if chosen is None else type(asked)(**chosen)
    config = config.settled(grouped, rng=rng)
    scorer = module.fit(grouped, config, rng=rng, progress=progress)
    return {
        **keep_model(out, scorer, choice.kind, asked, config, matrix.facts),
        "curve": [{key: float(value) for key, value in each.items()} for each in curve if each],
    }


def keep_model(
    out: Path, scorer: Scorer, kind: str, asked: ModelConfig, config: ModelConfig, ids: store.Facts
) -> store.Facts:
    """Write a scorer, whoever trained it, and hold it against its contract; what the manifest says of it.

    `asked` are the parameters as they were given, `config` those that it was trained with, `ids` the facts of the
    matrix or of the vocabularies that its rows and columns belong to.
    """
    save_scorer(scorer, out)
    sizes = (ids["n_users"], ids["n_items"])
    check_facts("model", model_facts(out, scorer.shape, sizes, differences=0))
    return {
        "kind": kind,
        "parameters": config.model_dump(mode="json"),
        "asked": asked.model_dump(mode="json"),
        "n_users": scorer.shape[0],
        "n_items": scorer.shape[1],
        **{each: ids[each] for each in ("users_sha256", "items_sha256")},
    }


def train_model(
    name: str,
    section: ModelSection,
    matrix: store.ArtifactRef,
    seed: int,
    limits: LimitsSection,
    earlier: TrainedModel | None = None,
) -> TrainedModel:
    """Train a model, and keep its name and section beside the artifact.

    What an `earlier` fit of it settled on where the dataset file says "auto" is used again.

    Raises
    ------
    LimitError
        If it would take more time or memory than `limits` allow, before it begins.

    """
    sizes = Sizes(*(matrix.facts[each] for each in ("n_users", "n_items", "nnz", "events")))
    check_limits(name, section.kind, configure(name, section), sizes, limits)
    chosen = None if earlier is None else earlier.artifact.facts["parameters"]
    return TrainedModel(name, section, train(name, section, matrix, seed, chosen))


def load_model(artifact: store.ArtifactRef, vocabulary: store.Facts) -> Scorer:
    """Open a trained model for ids of a given vocabulary.

    Raises
    ------
    VocabularyMismatchError
        If it was trained with other ids.

    """
    store.same_vocabulary(vocabulary, artifact.facts, f"model {artifact.path}")
    return load_scorer(artifact.folder)
