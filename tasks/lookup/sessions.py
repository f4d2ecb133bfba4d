"""Lists for somebody who came after the training: from the items they have had, without training again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from data_contracts.interactions import Csr
from data_contracts.scoring import Lists, Mask, Sequences, SequenceScorer
from tasks import models
from tasks.lookup.answers import SessionItem
from tasks.lookup.filters import ItemFilter, Pair
from tasks.models import Capability, FoldInModel

if TYPE_CHECKING:
    from tasks.lookup.shelf import Shelf

BY_SEQUENCE = "what follows this sequence"
BY_FOLD_IN = "the model applied to this history"
BY_NEIGHBOURS = "similar items of this history, added up"


def ranked_for(
    shop: "Shelf", items: Sequence[SessionItem], codes: Sequence[int], n: int, asked: ItemFilter
) -> tuple[list[Pair], str]:
    """Items for somebody who had some items, best first, and how they were found.

    Parameters
    ----------
    shop
        The publication.
    items
        What they had, all of it known.
    codes
        Item codes of `items`.
    n
        Length of the list.
    asked
        What may be listed. The named items may not.

    """
    kind = shop.manifest["model"]["kind"]
    offers = models.load_spec(kind).offers
    if Capability.SEQUENCES in offers:
        order = _in_order(items, codes)
        return _pairs(_following(shop, order, n, asked)), BY_SEQUENCE
    if Capability.FOLD_IN in offers:
        return _pairs(_folded_in(shop, kind, items, codes, n, asked)), BY_FOLD_IN
    return _by_neighbours(shop, items, codes), BY_NEIGHBOURS


def _pairs(lists: Lists) -> list[Pair]:
    codes, scores = lists
    return [pair for pair in zip(codes[0].tolist(), scores[0].tolist(), strict=True) if pair[0] >= 0]


def _in_order(items: Sequence[SessionItem], codes: Sequence[int]) -> list[int]:
    """Codes by time, where all items have one."""
    if any(each.time is None for each in items):
        return list(codes)
    order = sorted(range(len(items)), key=lambda at: items[at].time or 0.0)
    return [codes[at] for at in order]


def _following(shop: "Shelf", codes: list[int], n: int, asked: ItemFilter) -> Lists:
    from tasks.numeric.topk import select_top_k

    scorer = cast("SequenceScorer", shop.scorer)
    sequence = np.array(codes, np.int32)
    asked_of = Sequences(np.array([0, len(codes)], np.int64), sequence, np.full(1, -1, np.int32))
    scores = scorer.next_scores(asked_of)
    allow = _allowed(shop, scores.shape[1], asked)
    return select_top_k(scores, min(n, scores.shape[1]), deny=None if allow is None else ~allow)


def _folded_in(
    shop: "Shelf",
    kind: str,
    items: Sequence[SessionItem],
    codes: Sequence[int],
    n: int,
    asked: ItemFilter,
) -> Lists:
    module = cast("FoldInModel", models.load(kind))
    n_items = shop.scorer.shape[1]
    past = _one_row(codes, [each.weight for each in items], n_items)
    folded = module.fold_in(shop.scorer, past, module.Config(**shop.manifest["model"]["parameters"]))
    return folded.top_k(np.zeros(1, np.int64), min(n, n_items), allow=_allowed(shop, n_items, asked))


def _allowed(shop: "Shelf", n_items: int, asked: ItemFilter) -> Mask | None:
    """Items that may be listed, bool (n_items,); None where all may."""
    kind = shop.manifest["model"]["kind"]
    allow = models.allowed_codes(kind, n_items, n_items - shop.columns.facts["items_with_events"])
    if asked.passes_all:
        return allow
    mask = np.ones(n_items, np.bool_) if allow is None else allow
    mask[[code for code in (*asked.excluded, *asked.forbidden) if 0 <= code < n_items]] = False
    if asked.category is not None:
        holds = asked.category.holds
        mask &= np.fromiter((holds(code) for code in range(n_items)), np.bool_, n_items)
    return mask


def _one_row(codes: Sequence[int], weights: Sequence[float], n_items: int) -> Csr:
    """A history as a matrix of one row; an item named twice counts twice."""
    items, place = np.unique(codes, return_inverse=True)
    values = np.bincount(place, weights=weights)
    indptr = np.array([0, len(items)], dtype=np.int64)
    return Csr(indptr, items.astype(np.int32), values.astype(np.float32), n_items)


def _by_neighbours(shop: "Shelf", items: Sequence[SessionItem], codes: Sequence[int]) -> list[Pair]:
    total: dict[int, float] = {}
    for each, code in zip(items, codes, strict=True):
        for other, score in shop.columns.similar_to(code):
            total[other] = total.get(other, 0.0) + each.weight * score
    return sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
