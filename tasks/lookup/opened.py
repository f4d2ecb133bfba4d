"""One publication, opened for look-ups: the same answers for the command line, the service, and notebooks."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from data_contracts.errors import NotOfferedError, UnknownItemError
from data_contracts.published_files import ITEMS_FILE, LOOKUP, PREDICTIONS, USERS_FILE
from tasks.lookup.answers import (
    Audience,
    FactorVector,
    Recommendations,
    SessionItem,
    ShownItem,
    ShownUser,
    SimilarItems,
    Source,
)
from tasks.lookup.filters import ItemFilter, category_of
from tasks.lookup.mapped import CODES, INDEX, LabelColumn, Ranked, Texts, integers
from tasks.publication.registry import Publication, live_publication, publication_by_run
from tasks.runtime.files import read_json

Pairs = list[tuple[int, float]]
"""Item codes and scores, best first."""


def open_publication(dataset: str, run: str | None = None) -> "OpenPublication":
    """Open what is live, or an earlier publication by the first letters of its run.

    Parameters
    ----------
    dataset
        Name of the dataset; publications lie in $SHELFTALKER_HOME.
    run
        Which one; None takes what is live.

    Raises
    ------
    ConfigurationError
        If there is none.
    DamagedError
        If it is not what was written; naming the file and what to do.

    Examples
    --------
    >>> shop = open_publication("shop")
    >>> [item.item_id for item in shop.recommend("a/b", 3, exclude=["i1"]).items]
    ['i0', 'i2', 'i3']
    >>> shop.recommend("nobody", 1).source
    'popular'

    """
    return OpenPublication(live_publication(dataset) if run is None else publication_by_run(dataset, run))


class OpenPublication:
    """A publication whose lists are mapped into memory: what is not asked for is not read.

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
        self.forbidden: frozenset[int] = frozenset()
        self.rules_tag = ""
        self.manifest = publication.manifest
        if (publication.folder / PREDICTIONS).exists():
            publication.part(PREDICTIONS)
        with self._index() as folder:
            self._map(folder)

    def _map(self, folder: Path) -> None:
        """Map the columns; what is mapped stays when its files are removed."""
        self.facts = facts = read_json(folder / INDEX)
        self.users, self.items, self.titles = (Texts(folder, name) for name in ("users", "items", "titles"))
        self.labels = {name: LabelColumn(folder, f"label_{at}") for at, name in enumerate(facts["labels"])}
        self._lists = {
            name: Ranked.open(folder, name, facts[name])
            for name in ("user_items", "item_users", "similar", "popular")
        }
        self._made_by = integers(folder / "made_by.codes", "B")
        self._model_codes = integers(folder / f"model_users{CODES}", "i")
        self._popular = self._lists["popular"].row(0)

    @contextmanager
    def _index(self) -> Iterator[Path]:
        """Folder of the index; one of the publication's own tables where it has none, as those of earlier versions."""
        if (self.publication.folder / LOOKUP / INDEX).exists():
            yield self.publication.part(LOOKUP)
            return
        from tasks.lookup.index import build, tables_of

        with tempfile.TemporaryDirectory(prefix="shelftalker-lookup-") as folder:
            tables = {name: self.publication.part(name) for name in tables_of(self.publication.folder)}
            build(tables, Path(folder), separators={}, exclude_seen=False)
            yield Path(folder)

    # What is asked for.

    def recommend(
        self,
        user_id: str,
        n: int = 10,
        *,
        offset: int = 0,
        exclude: Iterable[str] = (),
        category: str | None = None,
        explain: bool = False,
    ) -> Recommendations:
        """Items for a user, best first; who is unknown gets the popular ones, and `source` says so.

        Parameters
        ----------
        user_id
            As the log writes it.
        n
            Items that are wanted.
        offset
            Places of the list to pass over.
        exclude
            Ids of items that must not be shown, such as those in the basket; unknown ids do no harm.
        category
            ``LABEL`` or ``ATTRIBUTE:LABEL``: only items that have it.
        explain
            Say which past items speak for each.

        """
        row = self._user_row(user_id)
        asked = self._filter(exclude, category)
        own = [] if row < 0 else self._lists["user_items"].row(row)
        wanted = n + offset
        pairs = self._passing(own or self._popular, asked, wanted)
        # What was published is all there is, unless the question took places away.
        more = self._fill(pairs, asked, row, wanted - len(pairs)) if own and not asked.passes_all else []
        shown = self._shown((pairs + more)[offset:], offset)
        if explain:
            shown = self._explained(user_id, row, shown)
        source, model = self._source(row if own else -1)
        return Recommendations(
            **self._origin(source, model),
            user_id=user_id,
            items=shown,
            short=len(shown) < n,
            filled=min(len(more), len(shown)),
        )

    def popular(
        self, n: int = 10, *, offset: int = 0, exclude: Iterable[str] = (), category: str | None = None
    ) -> Recommendations:
        """The list of users whom nobody knows."""
        pairs = self._passing(self._popular, self._filter(exclude, category), n + offset)
        shown = self._shown(pairs[offset:], offset)
        origin = self._origin("popular", self.facts["cold_start"])
        return Recommendations(**origin, user_id=None, items=shown, short=len(shown) < n)

    def similar(
        self, item_id: str, n: int = 10, *, exclude: Iterable[str] = (), category: str | None = None
    ) -> SimilarItems:
        """Items that go with an item, best first.

        Raises
        ------
        UnknownItemError
            If the catalogue does not have the item.

        """
        code = self.item_code(item_id)
        pairs = self._passing(self._lists["similar"].row(code), self._filter(exclude, category), n)
        shown = self._shown(pairs, 0)
        origin = self._origin("model", self.model)
        return SimilarItems(**origin, item_id=item_id, items=shown, short=len(shown) < n)

    def users_for(self, item_id: str, n: int = 10) -> Audience:
        """Users to show an item to, best first; none if the item may not be shown.

        Raises
        ------
        UnknownItemError
            If the catalogue does not have the item.

        """
        code = self.item_code(item_id)
        may = self._filter((), None).passes(code)
        pairs = self._lists["item_users"].row(code)[:n] if may else []
        shown = tuple(
            ShownUser(rank=rank, user_id=self.users[user], score=score)
            for rank, (user, score) in enumerate(pairs, start=1)
        )
        origin = self._origin("model", self.model)
        return Audience(**origin, item_id=item_id, users=shown, short=len(shown) < n)

    def for_session(
        self,
        items: Sequence[SessionItem],
        n: int = 10,
        *,
        exclude: Iterable[str] = (),
        category: str | None = None,
    ) -> Recommendations:
        """Items for somebody of whom only a few items are known, from nothing but these; without training again.

        A sequence model ranks what follows them, a model with a fold-in (WALS) solves for the visitor's
        factors; for any other model the published similar items are added up. The named items are not listed.

        Parameters
        ----------
        items
            What they looked at or had.
        n, exclude, category
            As for :meth:`recommend`.

        """
        known = [each for each in items if self.find_item(each.item_id) >= 0]
        strange = tuple(dict.fromkeys(each.item_id for each in items if self.find_item(each.item_id) < 0))
        if not known:
            answer = self.popular(n, exclude=exclude, category=category)
            return answer.model_copy(
                update={"unknown_items": strange, "how": "none of the named items is known"}
            )
        from tasks.lookup.sessions import ranked_for

        codes = [self.find_item(each.item_id) for each in known]
        asked = self._filter(exclude, category, also=codes)
        pairs, how = ranked_for(self, known, codes, n, asked)
        pairs = self._passing(pairs, asked, n)
        more = self._fill(pairs, asked, -1, n - len(pairs))
        shown = self._shown(pairs + more, 0)
        return Recommendations(
            **self._origin("fold_in", self.model),
            user_id=None,
            items=shown,
            short=len(shown) < n,
            filled=len(more),
            how=how,
            unknown_items=strange,
        )

    def user_factors(self, user_id: str) -> FactorVector | None:
        """What the model learned of a user; None for somebody it does not know."""
        vectors = self._factors("user_factors")
        row = self._user_row(user_id)
        code = -1 if row < 0 else self._model_codes[row]
        if code < 0:
            return None
        origin = self._origin("model", self.model)
        return FactorVector(**origin, user_id=user_id, factors=tuple(vectors[code].tolist()))

    def item_factors(self, item_id: str) -> FactorVector:
        """What the model learned of an item; raises UnknownItemError if the catalogue does not have it."""
        code = self.item_code(item_id)
        vector, bias = self._factors("item_factors")[code], self._factors("item_bias")
        return FactorVector(
            **self._origin("model", self.model),
            item_id=item_id,
            factors=tuple(vector.tolist()),
            bias=0.0 if bias is None else float(bias[code]),
        )

    # How it is found.

    @property
    def model(self) -> str:
        """Name of the published model."""
        names = self.facts["models"]
        return next((each for each in names if each != self.facts["cold_start"]), self._kind)

    @property
    def _kind(self) -> str:
        return str(self.manifest["model"].get("kind"))

    @cached_property
    def scorer(self) -> Any:
        """The model itself; loading it imports its kernels."""
        from tasks.training.serialization import load_scorer

        return load_scorer(self.publication.part("model"))

    @property
    def is_warm(self) -> bool:
        """Whether the model was loaded."""
        return "scorer" in self.__dict__

    def warm(self) -> None:
        """Load the model and answer one question with it, so that nobody waits for that."""
        if len(self.items):
            self.for_session([SessionItem(item_id=self.items[0])], 1)

    def find_item(self, item_id: str) -> int:
        """Code of an item, -1 if the catalogue does not have it."""
        split, end = self.facts["items_with_events"], len(self.items)
        found = self.items.find(item_id, 0, split)
        return found if found >= 0 or split == end else self.items.find(item_id, split, end)

    def item_code(self, item_id: str) -> int:
        """Code of an item; raises UnknownItemError if the catalogue does not have it."""
        code = self.find_item(item_id)
        if code < 0:
            raise UnknownItemError(
                f"item {item_id!r} is not in the catalogue of {self.publication.path}; "
                "ids are compared letter by letter"
            )
        return code

    def some_users(self, n: int) -> list[str]:
        """Ids of a few users, spread evenly over those who have a list."""
        places = ((len(self.users) * (at + 1)) // (n + 1) for at in range(n))
        return [self.users[row] for row in dict.fromkeys(places) if row < len(self.users)]

    def vocabulary_hashes(self) -> dict[str, str]:
        """Hashes of the vocabularies that the publication holds."""
        from data_contracts.identifiers import Vocabulary

        files = {"users_sha256": USERS_FILE, "items_sha256": ITEMS_FILE}
        return {name: Vocabulary.load(self.publication.part(file)).sha256 for name, file in files.items()}

    def similar_pairs(self, item_code: int) -> Pairs:
        """Items that go with an item, by code."""
        return self._lists["similar"].row(item_code)

    def _user_row(self, user_id: str) -> int:
        return self.users.find(user_id, 0, len(self.users))

    def _filter(self, exclude: Iterable[str], category: str | None, also: Iterable[int] = ()) -> ItemFilter:
        codes = frozenset(self.find_item(each) for each in exclude) | frozenset(also)
        wanted = None if category is None else category_of(self.labels, category)
        return ItemFilter(codes, self.forbidden, wanted)

    @staticmethod
    def _passing(pairs: Pairs, asked: ItemFilter, wanted: int) -> Pairs:
        if asked.passes_all:
            return pairs[:wanted]
        found: Pairs = []
        for pair in pairs:
            if asked.passes(pair[0]):
                found.append(pair)
                if len(found) == wanted:
                    break
        return found

    def _fill(self, pairs: Pairs, asked: ItemFilter, row: int, missing: int) -> Pairs:
        """Popular items that a list does not have yet, and that its user has not had where lists leave that out."""
        if missing <= 0:
            return []
        there = {code for code, _ in pairs}
        if self.facts["exclude_seen"] and row >= 0:
            there |= self._had(self._model_codes[row])
        left = [pair for pair in self._popular if pair[0] not in there]
        return self._passing(left, asked, missing)

    def _had(self, model_code: int) -> set[int]:
        from tasks.lookup.explanations import history_of

        return set() if model_code < 0 else set(history_of(self).row(model_code)[0].tolist())

    def _shown(self, pairs: Pairs, offset: int) -> tuple[ShownItem, ...]:
        items, titles = self.items, self.titles
        return tuple(
            ShownItem(rank=rank, item_id=items[code], title=titles[code] or None, score=score)
            for rank, (code, score) in enumerate(pairs, start=offset + 1)
        )

    def _explained(self, user_id: str, row: int, shown: tuple[ShownItem, ...]) -> tuple[ShownItem, ...]:
        from tasks.lookup.explanations import with_reasons

        return with_reasons(self, -1 if row < 0 else self._model_codes[row], shown)

    def _source(self, row: int) -> tuple[Source, str]:
        if row < 0:
            return "popular", self.facts["cold_start"]
        name = self.facts["models"][self._made_by[row]]
        return (
            "model" if self._model_codes[row] >= 0 or len(self.facts["models"]) == 1 else "cold_start"
        ), name

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
