"""The steps of a run on a cluster from grouped blocks on: train, score where users lie, write everybody's lists."""

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data_contracts.cluster_section import ClusterSection
from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ConfigurationError
from data_contracts.identifiers import Vocabulary
from data_contracts.metrics import parse_metric
from tasks import models
from tasks.cluster import lists, wals
from tasks.cluster.arrays import load_array, save_array
from tasks.cluster.blocks import BlockFolder, read_users
from tasks.cluster.calls import Workers
from tasks.cluster.client import workers
from tasks.cluster.held import Problem
from tasks.cluster.list_tasks import METRICS, Model
from tasks.cluster.lists import Trained
from tasks.cluster.whole import item_events
from tasks.models import personal_frequency, recent_popularity
from tasks.models import wals as local_wals
from tasks.numeric.scorers import Factors
from tasks.numeric.wals_side import Terms
from tasks.preparation.grouping import load_grouped
from tasks.preparation.select_events import USERS_FILE
from tasks.runtime import store
from tasks.runtime.step import step
from tasks.training.task import configure, generator, keep_model
from tasks.training.trained_model import model_code

KINDS = ("personal_frequency", "popularity", "recent_popularity", "wals")
"""Models that workers can train, score and list."""
PREDICTIONS = "predictions.parquet"
CHECKPOINTS = "checkpoints"
"""Folder of the home with the last iteration of each training that is not finished."""


def check_metric(spec: DatasetSpec) -> None:
    """Refuse a metric that workers cannot compute; ConfigurationError says what to do."""
    metric = parse_metric(spec.evaluation.metric)
    if metric.metric.name not in METRICS:
        raise ConfigurationError(
            f"metric {spec.evaluation.metric!r} is not computed on workers; write precision@k, recall@k or ndcg@k under "
            "[evaluation], or run: shelftalker run --engine dask"
        )


def check_models(configs: dict[str, tuple[str, models.ModelConfig]]) -> None:
    """Refuse what workers cannot train, before anything is read.

    Parameters
    ----------
    configs
        Kind and parameters of each model by its name.

    Raises
    ------
    ConfigurationError
        Naming the model, and what to do.

    """
    wrong = [f"{name!r} (kind {kind!r})" for name, (kind, _) in configs.items() if kind not in KINDS]
    if wrong:
        raise ConfigurationError(
            f"workers cannot train {', '.join(wrong)}: name models of the kinds {', '.join(KINDS)} with --models, or run "
            "on one machine: shelftalker run"
        )
    for name, (_, config) in configs.items():
        if isinstance(config, local_wals.Config):
            wals.check_config(config)
        if isinstance(config, personal_frequency.Config) and config.half_life_days is not None:
            raise ConfigurationError(
                f"model {name!r}: half_life_days of a user's own events is not counted on workers; leave it out"
            )


@step("train {name} on workers and score it")
def score_on_cluster(
    out: Path,
    grouped: store.ArtifactRef,
    name: str,
    kind: str,
    config: models.ModelConfig,
    ks: tuple[int, ...],
    seed: int,
    cluster: ClusterSection,
    *,
    exclude_seen: bool,
) -> store.Facts:
    """Train a model on what came before the cut-off, and write what its lists were worth to each hold-out user."""
    blocks = BlockFolder.open(grouped.folder)
    with workers(cluster, out, store.scratch()) as found:
        trained = _train(found, blocks, kind, config, seed, out)
        scores = lists.evaluate(found, blocks, trained, ks, out, exclude_seen=exclude_seen)
    return {"users": scores.users, "means": scores.means}


@step("train {name} on workers and list its best for everybody")
def list_on_cluster(
    out: Path,
    grouped: store.ArtifactRef,
    name: str,
    kind: str,
    config: models.ModelConfig,
    k: int,
    seed: int,
    cluster: ClusterSection,
    *,
    exclude_seen: bool,
) -> store.Facts:
    """Train the winner on everything, and write the lists of all users into one file."""
    blocks = BlockFolder.open(grouped.folder)
    parts = out / "parts"
    parts.mkdir()
    with workers(cluster, out, store.scratch()) as found:
        trained = _train(found, blocks, kind, config, seed, out)
        written = lists.publishable(
            found, blocks, trained, k, parts, out / PREDICTIONS, exclude_seen=exclude_seen
        )
    shutil.rmtree(parts)
    return {"users": written.users, "rows": written.rows, "short": written.short, "sha256": written.sha256}


@step("train {name} on workers", code=model_code("choice"), contracts=("model",))
def train_on_cluster(
    out: Path,
    name: str,
    choice: ModelSection,
    grouped: store.ArtifactRef,
    vocabularies: store.ArtifactRef,
    matrix: store.ArtifactRef,
    seed: int,
    cluster: ClusterSection,
    chosen: store.Facts | None = None,
) -> store.Facts:
    """Train WALS where users lie, and leave the scorer that training on one machine leaves.

    `vocabularies` and `matrix` are those of the same events on one machine; what is "auto" is tried out on a sample of its
    users, unless it was `chosen` by an earlier fit.
    """
    asked, blocks = configure(name, choice), BlockFolder.open(grouped.folder)
    config = asked if chosen is None else type(asked)(**chosen)
    config = config.settled(load_grouped(matrix, ()), rng=generator(seed, choice.kind))
    users = Vocabulary.load(vocabularies.folder / USERS_FILE)
    rows = out / "rows.npy"
    with workers(cluster, out, store.scratch()) as found:
        trained = _train(found, blocks, choice.kind, config, seed, out)
        shape = (len(users), config.n_factors)
        factors = np.lib.format.open_memmap(rows, mode="w+", dtype=np.float32, shape=shape)
        for block, file in lists.vectors(found, blocks, trained, out):
            factors[users.codes(read_users(blocks.folder, block))] = load_array(file)
            Path(file.path).unlink()
    scorer = Factors(factors, load_array(trained.model.items))
    kept = keep_model(out, scorer, choice.kind, asked, config, vocabularies.facts)
    rows.unlink()
    return {**kept, "curve": []}


def _train(
    found: Workers, blocks: BlockFolder, kind: str, config: models.ModelConfig, seed: int, out: Path
) -> Trained:
    if isinstance(config, local_wals.Config):
        key = store.key_of("train", {"blocks": blocks.sha256, "config": config, "seed": seed}, "")
        folder = store.home() / CHECKPOINTS / key
        folder.mkdir(parents=True, exist_ok=True)
        fit = wals.fit(found, blocks, config, folder, seed=seed)
        kept = save_array(out / "item_factors.npy", np.load(fit.items.path))
        shutil.rmtree(folder)
        return Trained(fit.problem, Model("wals", kept, wals.FULL))
    counts = _counts(blocks, config)
    if counts is None:
        return lists.count(found, blocks, "popularity" if kind == "recent_popularity" else kind, out)
    terms = Terms("binary", explicit=False, unobserved_weight=0.0, regularization=0.0, exponent=0.0)
    problem = Problem(blocks.folder, blocks.sha256, blocks.manifest.n_items, terms)
    return Trained(problem, Model(kind, save_array(out / "popularity.npy", counts)))


def _counts(blocks: BlockFolder, config: models.ModelConfig) -> npt.NDArray[np.float64] | None:
    """How popular each item is for a model that counts; None for a log without times, whose pairs are counted."""
    half_life = None
    if isinstance(config, recent_popularity.Config):
        half_life = config.half_life_days
    elif isinstance(config, personal_frequency.Config):
        half_life = config.fill_half_life_days
    return item_events(blocks.folder, half_life)
