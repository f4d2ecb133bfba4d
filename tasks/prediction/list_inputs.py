"""What lists are made from, and those that are listed by item."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_contracts.dataset_sections import ExportSection
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr, GroupedMatrix
from data_contracts.scoring import Lists, Mask, Scorer, Scores, SimilarityScorer
from tasks import models
from tasks.evaluation.task import cold_start_opinion
from tasks.models import Capability
from tasks.numeric.fair_owners import fair_owners
from tasks.numeric.list_limits import ListLimits
from tasks.numeric.owners import Owners
from tasks.numeric.permissions import both
from tasks.numeric.ranking import target
from tasks.numeric.similar import similar_by_users
from tasks.numeric.transpose import transposed
from tasks.prediction.catalogue import emptied, without
from tasks.prediction.tables import ListLengths, UserLists, count_denied, count_forbidden, predict
from tasks.preparation.grouping import load_grouped
from tasks.preparation.mapping import load_vocabularies
from tasks.preparation.prepared_events import PreparedEvents
from tasks.preparation.seen import Seen
from tasks.rules.applied import ItemRules
from tasks.rules.blocks import joined
from tasks.training.task import load_model
from tasks.training.trained_model import TrainedModel

DEEPER = 8
"""So many times as many similar items are looked through where rules leave too few."""


@dataclass(frozen=True, eq=False)
class ListInputs:
    """What lists are made from: a model, the window, and what may be shown."""

    model: TrainedModel
    """The model."""
    cold_start: TrainedModel
    """What makes the lists of unknown users, where the model has none."""
    label: str
    """Name of the model behind the lists of unknown users."""
    scorer: Scorer
    """What it learned."""
    cold_scores: Scores
    """Item scores for unknown users, (n_items,), -inf for what may not be shown."""
    data: PreparedEvents
    """The window."""
    grouped: GroupedMatrix
    """Its interactions."""
    users: Vocabulary
    """User ids."""
    items: Vocabulary
    """Item ids."""
    lengths: ExportSection
    """How long lists are."""
    rules: ItemRules | None
    """The shop's rules; None where it has none."""
    seen_alone: Seen | None
    """What users had, where that is left out."""
    seen: Seen | None
    """The same and what is blocked."""
    allowed_by_model: Mask | None
    """Items that the model may list, bool (n_items,); None for all."""
    allow: Mask | None
    """Of these, what rules let be shown."""

    @classmethod
    def of(
        cls,
        model: TrainedModel,
        cold_start: TrainedModel,
        data: PreparedEvents,
        lengths: ExportSection,
        rules: ItemRules | None,
        *,
        exclude_seen: bool,
    ) -> "ListInputs":
        """Open everything; `exclude_seen` leaves out what users had."""
        users, items = load_vocabularies(data.vocabularies)
        scorer, cold = (load_model(each.artifact, data.vocabularies.facts) for each in (model, cold_start))
        grouped = load_grouped(data.matrix, ())
        by_model, permitted = (
            models.allowed_items(model.kind, grouped),
            None if rules is None else rules.allow,
        )
        had = data.seen(grouped.by_user)
        seen = barred = had if exclude_seen else had.barred
        if rules is not None and rules.blocked is not None:
            barred = rules.blocked if seen is None else joined(seen, rules.blocked)
        return cls(
            model=model,
            cold_start=cold_start,
            label=cold_start.name if scorer.cold_start is None else model.name,
            scorer=scorer,
            cold_scores=cold_start_opinion(model, scorer, cold_start.kind, cold, grouped, permitted),
            data=data,
            grouped=grouped,
            users=users,
            items=items,
            lengths=lengths,
            rules=rules,
            seen_alone=seen,
            seen=barred,
            allowed_by_model=by_model,
            allow=both(by_model, permitted),
        )

    @property
    def reserve(self) -> int:
        """Items ranked beyond the length of a list."""
        return self.lengths.reserve

    @property
    def limits(self) -> ListLimits | None:
        """How many items of a label a list may hold."""
        return None if self.rules is None else self.rules.limits

    def lists(self, everyone: pa.Array, owners: Owners | None) -> tuple[Iterator[UserLists], ListLengths]:
        """Lists of all users block by block, and what counts their lengths on the way."""
        counts = ListLengths()
        blocks = predict(
            everyone,
            self.users,
            self.items,
            self.scorer,
            self.cold_scores,
            k=self.lengths.k,
            seen=self.seen,
            allow=self.allow,
            names=(self.model.name, self.label),
            counts=counts,
            owners=owners,
            reserve=self.reserve,
            limits=self.limits,
        )
        return blocks, counts

    def forbidden_rows(self, predictions: Path) -> int:
        """Rows that show what they must not."""
        found = 0 if self.seen is None else count_forbidden(predictions, self.users, self.items, self.seen)
        if self.rules is not None:
            found += count_denied(predictions, self.items, self.rules.allow)
        return found

    @property
    def with_owners(self) -> bool:
        """Whether the users of items are gathered while users are ranked: dearer models look at no pair twice.

        Where lists are shared out, an item may need more users than one pass keeps.
        """
        offers = models.load_spec(self.model.kind).offers
        return self.lengths.max_items_per_user is None and Capability.OWNERS in offers

    def new_owners(self) -> Owners | None:
        """Where they are gathered; None where they are not."""
        return Owners(len(self.items), self.lengths.users_per_item_k) if self.with_owners else None

    def users_for_items(self) -> Lists:
        """Best users of every item; with a limit on a user's lists, of the items in `allow` alone."""
        k, most = self.lengths.users_per_item_k, self.lengths.max_items_per_user
        if most is None:
            return self.users_of(None, k)

        def ask(item_codes: npt.NDArray[np.integer], depth: int) -> Lists:
            # An item that is not listed must not use up its users' places.
            lists = self.users_of(item_codes, depth)
            return emptied(lists, None if self.allow is None else self.allow[item_codes])

        n_users, n_items = self.scorer.shape
        return fair_owners(ask, n_items, n_users, k, most)

    def users_of(self, item_codes: npt.NDArray[np.integer] | None, k: int) -> Lists:
        """Best k users of some items, of all if None, without those who must not be told of them."""
        return target(self.scorer, item_codes, k, exclude_by_item=self._not_to_be_told)

    @cached_property
    def _not_to_be_told(self) -> Csr | None:
        return None if self.seen is None else _by_item(self.seen, self.grouped)

    def similar(self) -> Lists:
        """Similar items that may be shown, up to k + reserve of them, of which the first k are published.

        Those of an item that may not be shown are kept: its page may still be looked at.
        """
        k = self.lengths.k
        more = 0 if self.rules is None else self.reserve
        length = min(k + more, max(k, len(self.items) - 1))
        first = without(self._similar(length), self.allowed_by_model)
        if self.rules is not None:
            first = self._within_rules(first)
        return emptied(first, self.allowed_by_model)

    def _within_rules(self, lists: Lists) -> Lists:
        """Take off what rules forbid; where fewer than k are left, look further down once."""
        assert self.rules is not None
        k, length = self.lengths.k, lists[0].shape[1]
        found = self._permitted(lists)
        short = np.flatnonzero((found[0][:, k - 1] < 0) & (lists[0][:, -1] >= 0))
        deeper = min(DEEPER * length, max(len(self.items) - 1, length))
        if len(short) and deeper > length:
            longer = self._permitted(without(self._similar(deeper, short), self.allowed_by_model))
            found[0][short], found[1][short] = longer[0][:, :length], longer[1][:, :length]
        return found

    def _permitted(self, lists: Lists) -> Lists:
        assert self.rules is not None
        lists = without(lists, self.rules.allow)
        return lists if self.limits is None else self.limits.applied(lists)

    def _similar(self, k: int, rows: npt.NDArray[np.integer] | None = None) -> Lists:
        """Similar items of some items, by the model's own opinion or by the users who have both."""
        if Capability.SIMILAR_ITEMS in models.load_spec(self.model.kind).offers:
            asked = np.arange(self.grouped.n_items) if rows is None else rows
            return cast("SimilarityScorer", self.scorer).similar_items(asked, k)
        found = similar_by_users(self.grouped, k)
        return found if rows is None else (found[0][rows], found[1][rows])


def _by_item(seen: Seen, grouped: GroupedMatrix) -> Csr:
    """Who must not be told of each item, (n_items, n_users)."""
    by_user = seen.by_user
    if by_user is grouped.by_user:
        return grouped.by_item
    return transposed(by_user)
