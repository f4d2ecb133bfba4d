"""The engine of a Dask cluster: workers ingest, group and train, and what they leave is gathered."""

from collections.abc import Callable

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from data_contracts.matrix_parts import MatrixParts
from data_contracts.selection import Selection
from tasks.cluster.gathering import gather_events, gather_matrix, gather_vocabularies
from tasks.cluster.model_task import train_on_cluster
from tasks.cluster.task import divide_by_user, group_by_block, ingest_on_cluster
from tasks.ingestion.task import Source, ingest_at_rest
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.seen import seen_before
from tasks.runtime import store
from tasks.training.task import train_model
from tasks.training.trained_model import TrainedModel


class ClusterEngine:
    """Workers read, judge, divide and group the log, and train WALS; other models are trained here from what they left.

    Parameters
    ----------
    spec
        The dataset; `[cluster]` says where the workers are.

    """

    def __init__(self, spec: DatasetSpec) -> None:
        self.spec, self.cluster = spec, spec.cluster
        self._divided: dict[str, store.ArtifactRef] = {}
        self._blocks: dict[str, store.ArtifactRef] = {}

    def ingest(self, source: Source, again: Callable[[], Source]) -> tuple[Source, store.ArtifactRef]:
        """Read and judge a log, part by part."""
        source, parts = ingest_at_rest(source, again, lambda each: ingest_on_cluster(each, self.cluster))
        events = gather_events(parts)
        self._divided[str(events.path)] = divide_by_user(parts, self.cluster)
        return source, events

    def prepare(self, events: store.ArtifactRef, window: Selection, parts: MatrixParts) -> PreparedEvents:
        """Map and group the events of a window, block by block."""
        spec = self.spec
        grouped = group_by_block(
            events,
            self._divided[str(events.path)],
            window,
            spec.feedback,
            spec.grouping,
            self.cluster,
            catalogue=spec.has_catalogue,
            history=True,
            baskets=parts.baskets,
        )
        vocabularies = gather_vocabularies(grouped)
        matrix = gather_matrix(grouped, vocabularies, events, window, spec.feedback, parts)
        self._blocks[str(matrix.path)] = grouped
        return PreparedEvents(events, window, vocabularies, matrix, seen_before(events, vocabularies, window))

    def train(
        self,
        name: str,
        section: ModelSection,
        data: PreparedEvents,
        seed: int,
        earlier: TrainedModel | None = None,
    ) -> TrainedModel:
        """Train WALS on the workers, and everything else here, within ``[limits]``."""
        if section.kind != "wals":
            return train_model(name, section, data.matrix, seed, self.spec.limits, earlier)
        grouped = self._blocks[str(data.matrix.path)]
        chosen = None if earlier is None else earlier.artifact.facts["parameters"]
        trained = train_on_cluster(
            name, section, grouped, data.vocabularies, data.matrix, seed, self.cluster, chosen
        )
        return TrainedModel(name, section, trained)
