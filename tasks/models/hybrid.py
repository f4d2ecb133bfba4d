"""A collaborative model for what it knows enough of, content for the rest: the rule of courses, as parameters.

Items with few events are ordered by content and get a stated share of the places of a list; users with few events get
the list of the user most like them, if wanted; all else is the collaborative model's (a switching and mixed hybrid in
the terms of R. Burke: Hybrid Recommender Systems, User Modeling and User-Adapted Interaction 2002).
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self, cast

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from data_contracts.errors import ConfigurationError
from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.limits import MAX_COUNT
from data_contracts.scoring import Codes, Mask, Scorer, Scores
from tasks import models
from tasks.models import (
    Capability,
    ExplainingModel,
    FoldInModel,
    ModelConfig,
    ModelSpec,
    Need,
    Progress,
    Reason,
    content_cosine,
)
from tasks.models._cost import Cost, Sizes
from tasks.models._search_space import Categorical
from tasks.models._similar_users import most_similar
from tasks.models._stacked_parts import PartConfig
from tasks.models.content_cosine import ContentScores
from tasks.numeric.csr import check_matrix
from tasks.numeric.dense import DenseScorer
from tasks.numeric.exclusion import take_rows
from tasks.numeric.merged_places import merged_places

Int32 = npt.NDArray[np.int32]


class Config(ModelConfig):
    """Which model speaks for which items and users."""

    collaborative: PartConfig = Field(default_factory=lambda: PartConfig(kind="wals"))
    """The model of items and users with enough events, by kind or as ``{kind = ..., parameters}``."""
    content: content_cosine.Config = Field(default_factory=content_cosine.Config)
    """Parameters of content_cosine, which orders all other items."""
    min_item_events: int = Field(default=0, ge=0, le=MAX_COUNT)
    """Items with fewer events are ordered by content, unless the user has had them; 0 = only
    those of the catalogue that are not in the log."""
    new_item_share: float = Field(default=0.1, ge=0, le=1)
    """Share of a list's places that items ordered by content get, and never more: 0.1 is one place in ten. What the
    user has had takes no place."""
    new_items_by: Literal["content", "collaborative"] = "content"
    """What orders items with few events: "content", or the "collaborative" part where it offers new items itself, as
    feature_wals does; their share of the places is the same."""
    min_user_events: int = Field(default=10, ge=0, le=MAX_COUNT)
    """Users with fewer items are treated as `few_events` says."""
    few_events: Literal["own", "similar_user"] = "own"
    """Lists of users with few events: "own" as the collaborative model makes them, or those of the "similar_user"
    with enough events whose items are most alike."""

    @model_validator(mode="after")
    def _part_places_new_items(self) -> Self:
        kind = self.collaborative.kind
        offers = models.load_spec(kind).offers
        if self.new_items_by == "collaborative" and Capability.NEW_ITEMS not in offers:
            raise ValueError(f'{kind!r} offers no new items; new_items_by = "content" does')
        return self

    def settled(self, matrix: GroupedMatrix, *, rng: np.random.Generator) -> Self:
        """Replace each "auto" of the collaborative part."""
        found = self.collaborative.config().settled(matrix, rng=rng)
        part = PartConfig(kind=self.collaborative.kind, parameters=found.model_dump())
        return self.model_copy(update={"collaborative": part})


def cost(config: Config, sizes: Sizes) -> Cost:
    """Roughly what :func:`fit` takes: that of the collaborative part."""
    return config.collaborative.cost(sizes)


SPEC = ModelSpec(
    cost=cost,
    needs=frozenset({Need.ITEM_FEATURES}),
    uses=frozenset({Need.TIMES}),
    offers=frozenset({Capability.NEW_ITEMS, Capability.FOLD_IN, Capability.EXPLANATIONS}),
    search={
        "min_item_events": Categorical((0, 3, 10, 30, 100)),
        "few_events": Categorical(("own", "similar_user")),
    },
    parts=lambda config: (config.collaborative.kind, "content_cosine"),
)


@dataclass(frozen=True, eq=False)
class Hybrid(DenseScorer):
    """Lists of two models merged by places; a score is minus the place in a user's order of all items.

    Parameters
    ----------
    collaborative
        Scorer of some users.
    content
        Of the users of this scorer.
    by_content
        bool (n_items,): items with few events.
    as_user
        int32 (n_users,): code of the user in `collaborative` whose scores count, -1 = what is popular.
    new_item_share
        As in :class:`Config`.
    order_by_content
        Whether `content` orders items with few events; else `collaborative` does.

    """

    collaborative: Scorer
    content: ContentScores
    by_content: Mask
    as_user: Int32
    new_item_share: float
    order_by_content: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """(n_users, n_items)."""
        return self.content.shape

    @property
    def cold_start(self) -> Scores:
        """What is popular."""
        return self.content.popular

    def scores(self, user_codes: Codes) -> Scores:
        """Minus the place of each item, float64 (len(user_codes), n_items)."""
        codes = np.asarray(user_codes, dtype=np.int64)
        own = self.owned(codes)
        first = self._collaborative(codes)
        second = self.content.scores(codes) if self.order_by_content else first
        return merged_places(
            first, second.astype(np.float64, copy=False), own, self.by_content & ~own, self.new_item_share
        )

    def owned(self, codes: Codes) -> Mask:
        """What some users have had, bool (len(codes), n_items)."""
        past = take_rows(self.content.own, codes)
        own = np.zeros(past.shape, dtype=np.bool_)
        own[np.repeat(np.arange(len(own)), past.lengths()), past.indices] = True
        return own

    def _collaborative(self, codes: Codes) -> npt.NDArray[np.float32]:
        found = np.tile(self.content.popular.astype(np.float32), (len(codes), 1))
        others = self.as_user[codes]
        known = others >= 0
        if known.any():
            found[known] = self.collaborative.scores(others[known])
        return found


def fit(
    matrix: GroupedMatrix,
    config: Config,
    *,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> Hybrid:
    """Train the collaborative part, describe the items, and find who stands for users with few events.

    Parameters
    ----------
    matrix
        With item features.
    config
        Parameters of the model.
    rng
        Of the collaborative part.
    progress
        As the collaborative part calls it.

    Raises
    ------
    ValueError
        If the matrix has no entries, or its item features say nothing.

    """
    check_matrix(matrix)
    config = config.settled(matrix, rng=rng)
    part = config.collaborative
    collaborative = models.load(part.kind).fit(matrix, part.config(), rng=rng, progress=progress)
    content = content_cosine.fit(matrix, config.content, rng=rng)
    few = matrix.item_events() < config.min_item_events
    few[matrix.n_items_with_events :] = True
    others, by_content = _stand_ins(matrix.by_user, config), config.new_items_by == "content"
    return Hybrid(collaborative, content, few, others, config.new_item_share, by_content)


def _stand_ins(by_user: Csr, config: Config) -> Int32:
    """Whose scores count for each user: their own, those of a user much like them, or nobody's (-1)."""
    n_items = by_user.lengths()
    found = np.where(n_items > 0, np.arange(len(n_items)), -1).astype(np.int32)
    if config.few_events == "similar_user":
        few = n_items < config.min_user_events
        found[few] = most_similar(take_rows(by_user, np.flatnonzero(few)), by_user, np.flatnonzero(~few))
    return found


def fold_in(scorer: Hybrid, by_user: Csr, config: Config) -> Hybrid:
    """A scorer of some new users, from what they had: `by_user` (n_new_users, n_items).

    Where `few_events` is "similar_user", they get the scores of the users of the training most like them.

    Raises
    ------
    ConfigurationError
        If the collaborative part cannot take new users and `few_events` is "own".

    """
    content = content_cosine.fold_in(scorer.content, by_user, config.content)
    part = config.collaborative
    if config.few_events == "similar_user":
        enough = np.flatnonzero(scorer.content.own.lengths() >= config.min_user_events)
        others = most_similar(by_user, scorer.content.own, enough)
        return replace(scorer, content=content, as_user=others)
    if Capability.FOLD_IN not in models.load_spec(part.kind).offers:
        raise ConfigurationError(
            f"the collaborative part {part.kind!r} of this hybrid takes no users who came after its training; "
            'choose one that does, such as wals, or few_events = "similar_user"'
        )
    module = cast("FoldInModel", models.load(part.kind))
    folded = module.fold_in(scorer.collaborative, by_user, part.config())
    own = np.where(by_user.lengths() > 0, np.arange(by_user.shape[0]), -1).astype(np.int32)
    return replace(scorer, collaborative=folded, content=content, as_user=own)


def explain(
    scorer: Hybrid, by_user: Csr, user_code: int, item_codes: Codes, config: Config, n: int = 3
) -> list[Reason]:
    """Say which model put each item where it is, and why."""
    codes = np.asarray(item_codes)
    own = scorer.owned(np.array([user_code]))[0]
    content = scorer.by_content[codes] & ~own[codes] & scorer.order_by_content
    found = _collaborative_reasons(scorer, by_user, user_code, codes, config, n)
    for at in np.flatnonzero(content).tolist():
        why = content_cosine.explain(
            scorer.content, by_user, user_code, codes[at : at + 1], config.content, n
        )[0]
        found[at] = Reason(why.past, f"by content: {why.how}")
    return found


def _collaborative_reasons(
    scorer: Hybrid, by_user: Csr, user_code: int, codes: Codes, config: Config, n: int
) -> list[Reason]:
    kind, other = config.collaborative.kind, int(scorer.as_user[user_code])
    if other < 0:
        return [Reason([], "popular: nothing is known of the user")] * len(codes)
    if other != user_code:
        return [Reason([], f"by {kind}: as for the user whose items are most alike")] * len(codes)
    if Capability.EXPLANATIONS not in models.load_spec(kind).offers:
        return [Reason([], f"by {kind}")] * len(codes)
    module: Any = cast("ExplainingModel", models.load(kind))
    found = module.explain(scorer.collaborative, by_user, user_code, codes, config.collaborative.config(), n)
    return [Reason(each.past, f"by {kind}: {each.how}") for each in found]
