"""The events of one window, ready for models: their ids mapped to codes, their interactions grouped."""

from typing import NamedTuple

from data_contracts.dataset import DatasetSpec
from data_contracts.matrix_parts import MatrixParts
from data_contracts.selection import Selection
from tasks.preparation.grouping import grouping
from tasks.preparation.mapping import mapping
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


def prepare(
    events: store.ArtifactRef, window: Selection, spec: DatasetSpec, parts: MatrixParts
) -> PreparedEvents:
    """Map and group the events of a window, by the steps of that name; `parts` are made beside the matrix."""
    vocabularies = mapping(events, window, catalogue=spec.has_catalogue)
    matrix = grouping(events, vocabularies, window, spec.feedback, spec.grouping, parts)
    return PreparedEvents(events, window, vocabularies, matrix)
