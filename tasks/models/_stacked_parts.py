"""Other models as parts of a stack: each finds candidates of its own, and its opinion of every candidate is a signal."""

from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Mask, Scorer
from tasks import models
from tasks.models import ModelConfig, Need
from tasks.models._cost import Cost, Sizes
from tasks.numeric.candidates import Candidates

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

N_BEST: Final = 50
"""Items that a user has not had which each part finds; their scores are the measure of all others'."""

BLOCK_SCORES: Final = 2**22
"""Scores of a part that are held at once."""

STACKS: Final = ("blend", "hybrid", "lambdamart")
"""Models that have parts themselves."""


class PartConfig(ModelConfig):
    """A model that is a part: ``"lstm"``, or ``{kind = "lstm", user_embedding = true}``."""

    kind: str
    """File in tasks/models."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Of its ``Config``."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"kind": data}
        if isinstance(data, dict) and "parameters" not in data:
            return {"kind": data.get("kind"), "parameters": {k: v for k, v in data.items() if k != "kind"}}
        return data

    @field_validator("kind")
    @classmethod
    def _ranks(cls, kind: str) -> str:
        if kind in STACKS:
            raise ValueError(f"{kind!r} is a stack itself and no part of one")
        if Need.RATINGS in models.load_spec(kind).needs:
            raise ValueError(
                f"{kind!r} learns from ratings, of which a stack keeps no past; it is no part of one"
            )
        return kind

    @model_validator(mode="after")
    def _parameters_fit(self) -> Self:
        self.config()
        return self

    def config(self) -> Any:
        """The model's own ``Config``."""
        return models.load(self.kind).Config(**self.parameters)

    def cost(self, sizes: Sizes) -> Cost:
        """What a training of it takes."""
        made = models.load_spec(self.kind).cost
        return Cost(0.0, 0.0) if made is None else made(self.config(), sizes)


@dataclass(frozen=True, eq=False)
class StackedParts:
    """Trained parts of a stack, beside its own.

    Parameters
    ----------
    names
        Kinds of the models.
    scorers
        As many trained models.
    n_listed
        Items, the first codes, that may be found: those of the catalogue alone come after them.

    """

    names: tuple[str, ...]
    scorers: tuple[Scorer, ...]
    n_listed: int

    def find(self, users: Int64, past: Csr, allow: Mask | None) -> tuple[Int32, Float32]:
        """Each part's best items for some users, and the scale of its scores.

        Returns
        -------
        items
            int32 (n_users, n): padded with -1.
        scale
            float32 (n_users, n_parts, 2): mean and standard deviation of the scores of a part's best items.

        """
        n_items = past.n_cols
        listed = np.arange(n_items) < self.n_listed
        items, scale = (
            [np.empty((len(users), 0), np.int32)],
            np.ones((len(users), len(self.scorers), 2), np.float32),
        )
        for at, scorer in enumerate(self.scorers):
            found, scores = scorer.top_k(users, min(N_BEST, n_items), exclude=past, allow=listed)
            there = found >= 0
            counted = np.maximum(there.sum(axis=1), 1)
            mean = np.sum(scores, axis=1, where=there) / counted
            spread = np.sqrt(np.sum((scores - mean[:, None]) ** 2, axis=1, where=there) / counted)
            scale[:, at, 0], scale[:, at, 1] = mean, np.where(spread > 0, spread, 1.0)
            items.append(np.where(there & (allow is None or allow[found]), found, -1).astype(np.int32))
        return np.concatenate(items, axis=1), scale

    def judge(self, found: Candidates, scale: Float32) -> Candidates:
        """The same candidates with each part's opinion of them.

        That is the part's score above the mean of its best items for the user, in their standard deviations, drawn
        in by ``arcsinh``: a far outlier is no more than a logarithm away.
        """
        if not self.scorers:
            return found
        others = np.zeros((len(found.items), len(self.scorers)), dtype=np.float32)
        n_rows = max(1, BLOCK_SCORES // max(1, self.scorers[0].shape[1]))
        for first in range(0, len(found.users), n_rows):
            rows = range(first, min(first + n_rows, len(found.users)))
            for at, scorer in enumerate(self.scorers):
                dense = scorer.scores(found.users[rows.start : rows.stop])
                for row in rows:
                    mean, spread = scale[row, at]
                    part = found.row(row)
                    others[part, at] = np.arcsinh((dense[row - first][found.items[part]] - mean) / spread)
        return replace(found, others=others)


NO_PARTS: Final = StackedParts((), (), 0)


def train_parts(
    configs: tuple[PartConfig, ...], matrix: GroupedMatrix, rng: np.random.Generator
) -> StackedParts:
    """Train the parts of a stack on a matrix, one after the other."""
    scorers = tuple(models.load(each.kind).fit(matrix, each.config(), rng=rng) for each in configs)
    return StackedParts(tuple(each.kind for each in configs), scorers, matrix.n_items_with_events)
