"""The events of one window, ready for models: their ids mapped to codes, their interactions grouped."""

from typing import NamedTuple

from data_contracts.dataset import DatasetSpec
from data_contracts.interactions import Csr
from data_contracts.matrix_parts import MatrixParts
from data_contracts.selection import Selection
from tasks.preparation.grouping import grouping
from tasks.preparation.mapping import mapping
from tasks.preparation.seen import Seen, load_seen, seen_before
from tasks.runtime import store


class PreparedEvents(NamedTuple):
    """References to what models are trained on and evaluated with; steps take it as one argument."""

    events: store.ArtifactRef
    """All events of the log."""
    window: Selection
    """Which of them are meant."""
    vocabularies: store.ArtifactRef
    """Ids of the users and items of the window."""
    matrix: store.ArtifactRef
    """Their interactions, grouped by user and by item."""
    past: store.ArtifactRef | None = None
    """What users had before the end of the window, where the matrix does not hold all of it."""

    def seen(self, by_user: Csr) -> Seen:
        """What users had before the end of the window; `by_user` is the view of the matrix."""
        return load_seen(self.past, by_user)


def prepare(
    events: store.ArtifactRef, window: Selection, spec: DatasetSpec, parts: MatrixParts
) -> PreparedEvents:
    """Map and group the events of a window, by the steps of that name, and remember what users had.

    `parts` are made beside the matrix.
    """
    vocabularies = mapping(events, window, catalogue=spec.has_catalogue)
    matrix = grouping(events, vocabularies, window, spec.feedback, spec.grouping, parts)
    return PreparedEvents(events, window, vocabularies, matrix, seen_before(events, vocabularies, window))
