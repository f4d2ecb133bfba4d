"""A trained model under the name that the dataset file gives it: what evaluation and prediction work on."""

from collections.abc import Callable
from typing import Any, NamedTuple

from data_contracts.dataset_sections import ModelSection
from tasks import models
from tasks.runtime import store


class TrainedModel(NamedTuple):
    """A name, what was to be trained under it, and the artifact that training left."""

    name: str
    """Name in the dataset file, or of the model that stands for what is live."""
    section: ModelSection
    """Kind and parameters."""
    artifact: store.ArtifactRef
    """What :func:`tasks.training.task.train` wrote."""

    @property
    def kind(self) -> str:
        """Name of the model's module."""
        return self.section.kind

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters as the dataset file gives them."""
        return self.section.parameters


def model_code(argument: str) -> Callable[[dict[str, Any]], tuple[str, ...]]:
    """Tell a step which models' source decides its content: that of one of its arguments, and of the parts in it.

    Parameters
    ----------
    argument
        Name of an argument of the step that is a :class:`TrainedModel` or a ``ModelSection``.

    Returns
    -------
    A function for the `code` of :func:`tasks.runtime.step.step`.

    """

    def modules(given: dict[str, Any]) -> tuple[str, ...]:
        kinds = models.kinds_within(given[argument].kind, given[argument].parameters)
        return tuple(map(models.module_name, kinds))

    return modules
