"""Where the heavy steps of a run are done: on this machine, or on the workers of a Dask cluster.

Both leave the same artifacts, so that evaluation, gate, lists, report and publication do not ask who made them.
"""

from collections.abc import Callable
from typing import Protocol

from data_contracts.cluster_section import ClusterSection
from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from data_contracts.matrix_parts import MatrixParts
from data_contracts.selection import Selection
from tasks.ingestion.task import Source, ingest_at_rest
from tasks.preparation.prepared_events import PreparedEvents, prepare
from tasks.runtime import store
from tasks.training.task import train_model
from tasks.training.trained_model import TrainedModel


class Engine(Protocol):
    """What reads a log, groups it, trains models and ranks."""

    @property
    def cluster(self) -> ClusterSection | None:
        """Whose workers rank for everybody; None = this machine does."""
        ...

    def ingest(self, source: Source, again: Callable[[], Source]) -> tuple[Source, store.ArtifactRef]:
        """Read and judge a log; as :func:`tasks.ingestion.task.ingest_at_rest`."""
        ...

    def prepare(self, events: store.ArtifactRef, window: Selection, parts: MatrixParts) -> PreparedEvents:
        """Map and group the events of a window; as :func:`tasks.preparation.prepared_events.prepare`."""
        ...

    def train(
        self,
        name: str,
        section: ModelSection,
        data: PreparedEvents,
        seed: int,
        earlier: TrainedModel | None = None,
    ) -> TrainedModel:
        """Train a model on what :meth:`prepare` gave; as :func:`tasks.training.task.train_model`."""
        ...


class LocalEngine:
    """DuckDB and the kernels of this machine.

    Parameters
    ----------
    spec
        The dataset.

    """

    cluster: ClusterSection | None = None

    def __init__(self, spec: DatasetSpec) -> None:
        self.spec = spec

    def ingest(self, source: Source, again: Callable[[], Source]) -> tuple[Source, store.ArtifactRef]:
        """Read and judge a log."""
        return ingest_at_rest(source, again)

    def prepare(self, events: store.ArtifactRef, window: Selection, parts: MatrixParts) -> PreparedEvents:
        """Map and group the events of a window."""
        return prepare(events, window, self.spec, parts)

    def train(
        self,
        name: str,
        section: ModelSection,
        data: PreparedEvents,
        seed: int,
        earlier: TrainedModel | None = None,
    ) -> TrainedModel:
        """Train a model."""
        return train_model(name, section, data.matrix, seed, self.spec.limits, earlier)


def engine_of(spec: DatasetSpec) -> Engine:
    """The engine that a dataset asks for.

    Raises
    ------
    ConfigurationError
        If it needs what is not installed, or cannot do what the dataset asks for.

    """
    if spec.cluster.engine == "local":
        return LocalEngine(spec)
    from data_contracts.extras import must_be_installed

    must_be_installed('engine = "dask"', ["dask", "distributed"], "cluster")
    from flows.cluster_engine import ClusterEngine

    return ClusterEngine(spec)
