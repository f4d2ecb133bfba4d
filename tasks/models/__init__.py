"""One file = one model = SPEC + Config + fit + the paper it comes from. A new model is one new file here.

What a model needs from the data and what it offers beyond lists for known users stands in its ``SPEC``;
every step reads it there. Files that start with an underscore are helpers of the models beside them.
"""

import importlib
import os
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol, Self, cast

import numpy as np
from pydantic import BaseModel, ConfigDict

from data_contracts.extras import missing_of, must_be_installed
from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import MORE_MODELS, Codes, Mask, Scorer
from tasks.models._cost import Cost as Cost
from tasks.models._cost import Sizes as Sizes
from tasks.models._search_space import Search

_MORE = [os.path.abspath(each) for each in os.environ.get(MORE_MODELS, "").split(os.pathsep) if each]  # noqa: PTH100 - what importlib reads
__path__ = [*__path__, *_MORE]

Progress = Callable[[int, int, dict[str, float]], None]
"""Called after each iteration with (iterations done, iterations in all, figures such as the loss parts)."""


class Need(StrEnum):
    """Part of the training data that a model cannot do without."""

    TIMES = "times"
    """``GroupedMatrix.timeline``: item events by day."""
    HISTORY = "history"
    """``GroupedMatrix.history``: every user's events in order."""
    BASKETS = "baskets"
    """``GroupedMatrix.history.baskets``: which events belong to one order."""
    ITEM_FEATURES = "item_features"
    """``GroupedMatrix.item_features``: titles, labels, numbers and dates of the items."""
    RATINGS = "ratings"
    """``GroupedMatrix.ratings``: values as the log gives them."""


class Capability(StrEnum):
    """What a model offers beyond lists for the users it was trained on."""

    SIMILAR_ITEMS = "similar_items"
    """Its scorer is a :class:`data_contracts.scoring.SimilarityScorer`."""
    RATINGS = "ratings"
    """Its scorer is a :class:`data_contracts.scoring.RatingScorer`."""
    FACTORS = "factors"
    """Its scorer has the fields of :class:`tasks.numeric.scorers.Factors`."""
    SEQUENCES = "sequences"
    """Its scorer is a :class:`data_contracts.scoring.SequenceScorer`."""
    FOLD_IN = "fold_in"
    """Its module is a :class:`FoldInModel`."""
    NEW_ITEMS = "new_items"
    """Its scores of items without any event mean something; other models never list such items."""
    EXPLANATIONS = "explanations"
    """Its module is an :class:`ExplainingModel`."""
    OWNERS = "owners"
    """Its scorer is a :class:`tasks.numeric.owners.OwnersScorer`: users per item cost no pass of their own."""
    CHECKPOINTS = "checkpoints"
    """Its module is a :class:`CheckpointingModel`."""


@dataclass(frozen=True)
class ModelSpec:
    """What a model declares.

    Parameters
    ----------
    needs
        Checked against the dataset file before anything is read, and opened for ``fit``.
    uses
        Opened for ``fit`` where the data has it; the model does without, too.
    offers
        Optional capabilities; each names the protocol that it stands for.
    search
        What tuning may try, by parameter; empty where there is nothing to tune.
    extra
        Optional dependency group of this project that must be installed, such as ``neural``.
    personal
        Whether lists differ from user to user; False excuses a model from the rule on identical lists.
    collaborative
        Whether it learns from what similar users have, rather than counting or reading item features.
    cost
        What training takes, from its ``Config`` and the size of the log; None where it hardly takes anything.
    parts
        Kinds of the models that it trains as parts of itself, from its ``Config``; None where it has none.

    """

    needs: frozenset[Need] = frozenset()
    uses: frozenset[Need] = frozenset()
    offers: frozenset[Capability] = frozenset()
    search: Search = field(default_factory=dict)
    extra: str | None = None
    personal: bool = True
    collaborative: bool = True
    cost: Callable[[Any, Sizes], Cost] | None = None
    parts: Callable[[Any], tuple[str, ...]] | None = None


EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {"neural": ("torch",)}
"""Modules that each optional dependency group brings."""


class ModelConfig(BaseModel):
    """Base of every model's ``Config``: frozen, and a misspelt parameter is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Replace each ``"auto"`` by the number that suits `matrix`; a model without any is settled already.

        ``fit`` does so itself. Done before, the numbers can be kept: with them, ``fit`` and the same generator
        give the same scorer. What has no ``"auto"`` leaves `rng` as it is.
        """
        return self


class Reason(NamedTuple):
    """Why an item stands on a user's list."""

    past: list[tuple[int, float]]
    """Codes of past items and their shares of all that speaks for the item, strongest first."""
    how: str
    """In words what the shares are, or what else speaks for the item."""


class ModelModule(Protocol):
    """What a file in this folder must offer."""

    SPEC: ModelSpec
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


class FoldInModel(ModelModule, Protocol):
    """Capability ``fold_in``: users who came after the training, without training again."""

    def fold_in(self, scorer: Any, by_user: Csr, config: Any) -> Scorer:
        """A scorer of some new users, from what they had: `by_user` (n_new_users, n_items)."""
        ...


class ExplainingModel(ModelModule, Protocol):
    """Capability ``explanations``: why an item stands on a user's list."""

    def explain(
        self, scorer: Any, by_user: Csr, user_code: int, item_codes: Codes, config: Any, n: int = 3
    ) -> list[Reason]:
        """One reason an item; `by_user` (n_users, n_items) is what the model was trained on."""
        ...


class CheckpointingModel(ModelModule, Protocol):
    """Capability ``checkpoints``: a fit that can be watched and resumed.

    Its ``Config`` has ``iterations`` and ``checkpoint_every``; its ``fit`` also takes ``checkpoint`` and
    ``resume`` (see :mod:`tasks.models._checkpoints`).
    """


def names() -> list[str]:
    """Names of all models, sorted: the files of this folder that do not start with an underscore."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))


def load(name: str) -> ModelModule:
    """Import one model by name; ValueError lists the valid names."""
    if name not in names():
        raise ValueError(f"unknown model {name!r}; known models: {', '.join(names())}")
    return cast("ModelModule", importlib.import_module(f"{__name__}.{name}"))


def load_spec(name: str) -> ModelSpec:
    """What a model declares; as :func:`load`."""
    return load(name).SPEC


def kinds_within(kind: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """The kind, and those of the models that it trains as parts of itself under these parameters."""
    parts = load_spec(kind).parts
    return (kind,) if parts is None else (kind, *parts(load(kind).Config(**parameters)))


def wanted(kind: str, parameters: Mapping[str, Any]) -> frozenset[Need]:
    """What of the data a model and its parts need or use."""
    specs = [load_spec(each) for each in kinds_within(kind, parameters)]
    return frozenset[Need]().union(*(each.needs | each.uses for each in specs))


def module_name(name: str) -> str:
    """Module whose source decides what a model computes; it is part of the cache key of its steps."""
    return f"{__name__}.{name}"


def missing_modules(name: str) -> list[str]:
    """Modules of the model's extra that are not installed."""
    return missing_of(EXTRAS.get(load_spec(name).extra or "", ()))


def check_installed(name: str) -> None:
    """Refuse a model whose extra is not installed.

    Raises
    ------
    ConfigurationError
        With the command that installs it.

    """
    extra = load_spec(name).extra or ""
    must_be_installed(f"model {name!r}", EXTRAS.get(extra, ()), extra)


def allowed_items(name: str, matrix: GroupedMatrix) -> Mask | None:
    """Items that a model may list, bool (n_items,); None where it may list all: see :func:`allowed_codes`."""
    return allowed_codes(name, matrix.n_items, matrix.catalogue_items)


def allowed_codes(name: str, n_items: int, catalogue_items: int) -> Mask | None:
    """Items that a model may list, bool (n_items,); None where it may list all.

    An item of the catalogue without any event is listed only by models that offer ``new_items``; such items
    have the last `catalogue_items` codes.
    """
    if not catalogue_items or Capability.NEW_ITEMS in load_spec(name).offers:
        return None
    return np.arange(n_items) < n_items - catalogue_items
