"""One file = one model = Config + fit + the paper it comes from. A new model is one new file here."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from data_contracts.interactions import GroupedMatrix
from data_contracts.scoring import Scorer
from tasks.models._search_space import Search

Progress = Callable[[int, int, dict[str, float]], None]
"""Called after each iteration with (iterations done, iterations in all, figures such as the loss parts)."""


class ModelConfig(BaseModel):
    """Base of every model's ``Config``: frozen, and a misspelt parameter is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Reason(NamedTuple):
    """Why an item stands on a user's list."""

    past: list[tuple[int, float]]
    """Codes of past items and their shares of all that speaks for the item, strongest first."""
    how: str
    """In words what the shares are, or what else speaks for the item."""


class ModelModule(Protocol):
    """What a file in this folder must offer.

    It may also have ``explain(scorer, by_user, user_code, item_codes, config, n=3) -> list[Reason]``, where
    `by_user` is the Csr of what the users have had; :mod:`tasks.models._explanations` speaks for those
    without.
    """

    Config: type[ModelConfig]

    def fit(
        self,
        matrix: GroupedMatrix,
        config: Any,
        *,
        rng: np.random.Generator,
        progress: Progress | None = None,
    ) -> Scorer:
        """Train on `matrix`; the same arguments and generator state give the same scorer."""
        ...


def names() -> list[str]:
    """Names of all models, sorted: the files of this folder that do not start with an underscore."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))


def load(name: str) -> ModelModule:
    """Import one model by name; ValueError lists the valid names."""
    if name not in names():
        raise ValueError(f"unknown model {name!r}; known models: {', '.join(names())}")
    return importlib.import_module(f"{__name__}.{name}")


def search_space(name: str) -> Search:
    """What tuning may try for a model: its file's ``SEARCH``, empty where it names none."""
    space: Search = getattr(load(name), "SEARCH", {})
    return space
