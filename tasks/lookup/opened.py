"""One publication, opened for look-ups: the same answers for the command line, the service, and notebooks."""

from collections.abc import Iterable, Sequence

from tasks.lookup.answers import (
    Audience,
    FactorVector,
    Recommendations,
    SessionItem,
    ShownUser,
    SimilarItems,
)
from tasks.lookup.shelf import Shelf
from tasks.publication.registry import live_publication, publication_by_run


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


class OpenPublication(Shelf):
    """A publication whose lists are mapped into memory: what is not asked for is not read."""

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
        row = self.columns.user_row(user_id)
        asked = self._filter(exclude, category, also=self.columns.blocked_for(user_id))
        own = self.columns.for_user(row)
        wanted = n + offset
        pairs = asked.take(self.columns.for_user_in(row, category), wanted)
        pairs += asked.take(own or self.columns.popular, wanted - len(pairs), pairs)
        # What was published is all there is, unless the question took places away.
        more = self._fill(pairs, asked, row, wanted - len(pairs)) if own and not asked.passes_all else []
        shown = self._shown((pairs + more)[offset:], offset)
        if explain:
            from tasks.lookup.explanations import with_reasons

            shown = with_reasons(self, self.columns.model_code(row), shown)
        return Recommendations(
            **self._origin(*self._source(row if own else -1)),
            user_id=user_id,
            items=shown,
            short=len(shown) < n,
            filled=min(len(more), len(shown)),
        )

    def popular(
        self, n: int = 10, *, offset: int = 0, exclude: Iterable[str] = (), category: str | None = None
    ) -> Recommendations:
        """The list of users whom nobody knows."""
        pairs = self._filter(exclude, category).take(self.columns.popular, n + offset)
        shown = self._shown(pairs[offset:], offset)
        origin = self._origin("popular", self.columns.made_by(-1))
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
        pairs = self._filter(exclude, category).take(self.columns.similar_to(code), n)
        shown = self._shown(pairs, 0)
        origin = self._origin("model", self.model)
        return SimilarItems(**origin, item_id=item_id, items=shown, short=len(shown) < n)

    def users_for(self, item_id: str, n: int = 10, *, exclude: Iterable[str] = ()) -> Audience:
        """Users to show an item to, best first, without those of `exclude`; none if the item may not be shown.

        Raises
        ------
        UnknownItemError
            If the catalogue does not have the item.

        """
        code = self.item_code(item_id)
        may = self._filter((), None).passes(code)
        left_out = {self.columns.user_row(each) for each in exclude}
        pairs = [each for each in self.columns.users_of(code) if each[0] not in left_out][:n] if may else []
        shown = tuple(
            ShownUser(rank=rank, user_id=self.columns.users[user], score=score)
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
        user_id: str | None = None,
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
        user_id
            Who it is, where that is known: what is blocked for them is left out.

        """
        find = self.columns.find_item
        known = [each for each in items if find(each.item_id) >= 0]
        strange = tuple(dict.fromkeys(each.item_id for each in items if find(each.item_id) < 0))
        if not known:
            answer = self.popular(n, exclude=exclude, category=category)
            return answer.model_copy(
                update={"unknown_items": strange, "how": "none of the named items is known"}
            )
        from tasks.lookup.sessions import ranked_for

        codes = [find(each.item_id) for each in known]
        blocked = [] if user_id is None else self.columns.blocked_for(user_id)
        asked = self._filter(exclude, category, also=[*codes, *blocked])
        # Where labels are limited, some of what is ranked leaves the list.
        found, how = ranked_for(self, known, codes, 4 * n if asked.limits else n, asked)
        pairs = asked.take(found, n)
        more = self._fill(pairs, asked, -1, n - len(pairs))
        shown = self._shown(pairs + more, 0)
        return Recommendations(
            **self._origin("fold_in", self.model),
            user_id=user_id,
            items=shown,
            short=len(shown) < n,
            filled=len(more),
            how=how,
            unknown_items=strange,
        )

    def user_factors(self, user_id: str) -> FactorVector | None:
        """What the model learned of a user; None for somebody it does not know."""
        vectors = self._factors("user_factors")
        code = self.columns.model_code(self.columns.user_row(user_id))
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

    @property
    def is_warm(self) -> bool:
        """Whether the model was loaded."""
        return "scorer" in self.__dict__

    def warm(self) -> None:
        """Load the model and answer one question with it, so that nobody waits for that."""
        if len(self.columns.items):
            self.for_session([SessionItem(item_id=self.columns.items[0])], 1)
