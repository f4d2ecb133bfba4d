"""What answers are put together from: the columns of a publication, its model, and what may be shown now."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from data_contracts.errors import NotOfferedError, UnknownItemError
from data_contracts.published_files import ITEMS_FILE, PREDICTIONS, RULES_FILE, TITLES
from tasks.lookup.answers import ShownItem, Source
from tasks.lookup.columns import Columns, index_of
from tasks.lookup.filters import ItemFilter, Pair, category_of
from tasks.publication.registry import Publication

if TYPE_CHECKING:
    from tasks.rules.live import LiveRules


class Shelf:
    """A publication's lists, mapped, with what must not be shown of them at the moment.

    Parameters
    ----------
    publication
        Which one. Its files are compared with their checksums once.

    Raises
    ------
    DamagedError
        If a file is not what was written.

    """

    def __init__(self, publication: Publication) -> None:
        self.publication = publication
        self.manifest = publication.manifest
        for name in (PREDICTIONS, ITEMS_FILE):  # what shops read themselves should be as whole as the index
            if (publication.folder / name).exists():
                publication.part(name)
        with index_of(publication) as folder:
            self.columns = Columns(folder)
        self._rules = self._live_rules()
        self.forbidden: frozenset[int] = frozenset()
        self.rules_tag = ""
        self.refresh()

    def _live_rules(self) -> "LiveRules | None":
        if not (self.publication.folder / RULES_FILE).exists():
            return None
        # Reading tables as arrays takes longer than a look-up: only where there are rules.
        from tasks.rules.live import LiveRules

        for name in (RULES_FILE, ITEMS_FILE, TITLES):
            self.publication.part(name)
        return LiveRules.of(self.publication.folder)

    def refresh(self) -> None:
        """Ask the shop's rules again: what was withdrawn since, and whose day has come or passed."""
        if self._rules is None:
            return
        mask = self._rules.forbidden(datetime.now(UTC))
        tag = f"-{hashlib.sha256(mask.tobytes()).hexdigest()[:12]}"
        if tag != self.rules_tag:
            self.forbidden, self.rules_tag = frozenset(mask.nonzero()[0].tolist()), tag

    @property
    def model(self) -> str:
        """Name of the published model."""
        made: list[str] = self.columns.facts["models"]
        own = [each for each in made if each != self.columns.made_by(-1)] or made
        return own[0] if own else self._kind

    @property
    def _kind(self) -> str:
        return str(self.manifest["model"].get("kind"))

    @cached_property
    def scorer(self) -> Any:
        """The model itself; loading it imports its kernels."""
        from tasks.training.serialization import load_scorer

        return load_scorer(self.publication.part("model"))

    def item_code(self, item_id: str) -> int:
        """Code of an item; raises UnknownItemError if the catalogue does not have it."""
        code = self.columns.find_item(item_id)
        if code < 0:
            raise UnknownItemError(
                f"item {item_id!r} is not in the catalogue of {self.publication.path}; "
                "ids are compared letter by letter"
            )
        return code

    def _filter(self, exclude: Iterable[str], category: str | None, also: Iterable[int] = ()) -> ItemFilter:
        codes = frozenset(map(self.columns.find_item, exclude)) | frozenset(also)
        wanted = None if category is None else category_of(self.columns.labels, category)
        return ItemFilter(codes, self.forbidden, wanted, self.columns.limits)

    def _fill(self, pairs: list[Pair], asked: ItemFilter, row: int, missing: int) -> list[Pair]:
        """Popular items that a list does not have yet, and that its user has not had where lists leave that out."""
        if missing <= 0:
            return []
        had = self._had(self.columns.model_code(row)) if self.columns.facts["exclude_seen"] else set()
        left = (pair for pair in self.columns.popular if pair[0] not in had)
        return asked.take(left, missing, pairs)

    def _had(self, model_code: int) -> set[int]:
        if model_code < 0:
            return set()
        from tasks.lookup.explanations import history_of

        return set(history_of(self).row(model_code)[0].tolist())

    def _shown(self, pairs: list[Pair], offset: int) -> tuple[ShownItem, ...]:
        items, titles = self.columns.items, self.columns.titles
        return tuple(
            ShownItem(rank=rank, item_id=items[code], title=titles[code] or None, score=score)
            for rank, (code, score) in enumerate(pairs, start=offset + 1)
        )

    def _source(self, row: int) -> tuple[Source, str]:
        made_by = self.columns.made_by(row)
        if row < 0:
            return "popular", made_by
        known = self.columns.model_code(row) >= 0 or len(self.columns.facts["models"]) == 1
        return "model" if known else "cold_start", made_by

    def _origin(self, source: Source, model: str) -> dict[str, Any]:
        publication = self.publication
        return {
            "dataset": publication.dataset,
            "publication": publication.run,
            "as_of": publication.as_of,
            "model": model,
            "source": source,
        }

    def _factors(self, name: str) -> Any:
        from tasks import models
        from tasks.models import Capability

        if Capability.FACTORS not in models.load_spec(self._kind).offers:
            raise NotOfferedError(f"model {self.model!r} of {self.publication.path} has no factors")
        return getattr(self.scorer, name)
