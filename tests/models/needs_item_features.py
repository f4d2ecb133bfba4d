"""Content overlap: items whose labels are those of what a user has had. A toy that needs item features."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from data_contracts.interactions import Csr, GroupedMatrix, ItemFeatures
from data_contracts.scoring import Codes, Lists, Scores
from tasks.models import Capability, ModelConfig, ModelSpec, Need, Progress, Reason
from tasks.numeric.dense import DenseScorer
from tasks.numeric.topk import select_top_k

SPEC = ModelSpec(
    needs=frozenset({Need.ITEM_FEATURES}),
    offers=frozenset({Capability.NEW_ITEMS, Capability.SIMILAR_ITEMS, Capability.EXPLANATIONS}),
    collaborative=False,
)


class Config(ModelConfig):
    """Parameters of content overlap."""

    common: float = Field(default=1.0, ge=0, le=1e6)
    """How much less a label counts that many items have: 0 = not at all."""


@dataclass(frozen=True, eq=False)
class ContentScorer(DenseScorer):
    """The score is the cosine of a user's labels and an item's."""

    profiles: npt.NDArray[np.float32]
    """(n_users, n_labels), rows of length 1 or 0."""
    items: npt.NDArray[np.float32]
    """(n_items, n_labels), rows of length 1 or 0."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return len(self.profiles), len(self.items)

    def scores(self, user_codes: Codes) -> Scores:
        """Cosines, (len(user_codes), n_items)."""
        return self.profiles[user_codes] @ self.items.T

    def similar_items(self, item_codes: Codes, k: int) -> Lists:
        """Items with the same labels; those without a common one are not similar."""
        cosines = self.items[item_codes] @ self.items.T
        cosines[np.arange(len(item_codes)), item_codes] = -np.inf
        cosines[cosines <= 0] = -np.inf
        return select_top_k(cosines, min(k, len(self.items)))


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> ContentScorer:
    """Add up the labels of each user's items."""
    assert matrix.item_features is not None
    labels = _labels(matrix.item_features, matrix.n_items)
    labels /= np.maximum(labels.sum(axis=0), 1.0) ** (config.common / 2)
    items = _unit(labels)
    return ContentScorer(_unit(np.asarray(matrix.by_user.to_scipy() @ items)), items)


def explain(
    scorer: ContentScorer, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Name the past items that have most labels in common with each item."""
    past, values = by_user.row(user_code)
    parts = np.maximum(scorer.items[item_codes] @ scorer.items[past].T * values, 0.0)
    found = []
    for row in parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-9):
        best = [at for at in np.argsort(-row, kind="stable")[:n] if row[at] > 0]
        found.append(Reason([(int(past[at]), float(row[at])) for at in best], "labels in common"))
    return found


def _labels(features: ItemFeatures, n_items: int) -> npt.NDArray[np.float64]:
    found: list[Any] = [each.by_item.to_scipy().toarray() for each in features.labels.values()]
    return np.hstack([np.zeros((n_items, 0)), *found])


def _unit(rows: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / np.where(norms > 0, norms, 1.0), dtype=np.float32)
