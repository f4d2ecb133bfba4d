"""Lists for somebody who came after the training: from the items they have had, without training again."""

from datetime import UTC, datetime
from itertools import compress
from typing import cast

import numpy as np

from data_contracts.columns import ITEM_ID, RANK, SCORE, TITLE
from data_contracts.errors import UnknownItemError
from data_contracts.interactions import Csr
from data_contracts.limits import MAX_COUNT
from data_contracts.published_files import SIMILAR_ID
from data_contracts.scoring import Lists, Mask, Sequences, SequenceScorer
from tasks import models
from tasks.lookup.queries import Row, catalogue, items_without_events, similar_to, titles_of
from tasks.models import Capability, FoldInModel
from tasks.numeric.permissions import both
from tasks.publication.registry import Publication
from tasks.rules.live import LiveRules
from tasks.training.serialization import load_scorer

HOW = "how"


def items_for_history(publication: Publication, item_ids: list[str], k: int) -> list[Row]:
    """Items for somebody with a past, known to the model or not, without what they have had.

    A sequence model ranks what follows the items, a model with a fold-in (WALS) solves for the new user's
    factors; for any other model the published similar items of the past are added up.

    Parameters
    ----------
    publication
        What is live.
    item_ids
        What they have had; an item named twice counts twice.
    k
        Length of the list.

    Raises
    ------
    UnknownItemError
        If none of the items is in the catalogue.

    """
    items = catalogue(publication)
    code_of = {item_id: code for code, item_id in enumerate(items)}
    past = [item_id for item_id in item_ids if item_id in code_of]
    if not past:
        raise UnknownItemError(
            f"none of the items {item_ids} is in the catalogue of {publication.path}; "
            "ids are compared letter by letter"
        )
    codes = np.array([code_of[item_id] for item_id in past], np.int32)
    allowed = allowed_now(publication)
    answer = _by_model(publication, codes, len(items), min(k, len(items)), allowed)
    if answer is None:
        found, how = (
            _by_neighbours(publication, past, _shown(items, allowed), k),
            "similar items of this history, added up",
        )
    else:
        (best, scores), how = answer
        found = [
            (items[code], float(score)) for code, score in zip(best[0], scores[0], strict=True) if code >= 0
        ]
    titles = titles_of(publication, [item_id for item_id, _ in found])
    return [
        {RANK: rank, ITEM_ID: item_id, TITLE: titles.get(item_id), SCORE: score, HOW: how}
        for rank, (item_id, score) in enumerate(found, start=1)
    ]


def allowed_now(publication: Publication) -> Mask | None:
    """Items that the shop's rules let be shown at this moment, bool (n_items,); None where it has no rules."""
    rules = LiveRules.of(publication.folder)
    return None if rules is None else rules.allowed(datetime.now(UTC))


def _shown(items: list[str], allowed: Mask | None) -> set[str]:
    return set(items if allowed is None else compress(items, allowed))


def _by_model(
    publication: Publication, codes: np.ndarray, n_items: int, k: int, allowed: Mask | None
) -> tuple[Lists, str] | None:
    """The model's own list for this history and how it was found, or None where it has no way."""
    model = publication.manifest["model"]
    offers = models.load_spec(model["kind"]).offers
    by_model = models.allowed_codes(model["kind"], n_items, items_without_events(publication))
    allow = both(by_model, allowed)
    if Capability.SEQUENCES in offers:
        follower = cast("SequenceScorer", load_scorer(publication.part("model")))
        sequence = Sequences(np.array([0, len(codes)], np.int64), codes, np.full(1, -1, np.int32))
        past = _one_row(codes, follower.shape[1])
        from tasks.numeric.topk import select_top_k

        deny = None if allow is None else ~allow
        best = select_top_k(follower.next_scores(sequence), k, exclude=past, deny=deny)
        return best, "what follows this sequence"
    if Capability.FOLD_IN in offers:
        module = cast("FoldInModel", models.load(model["kind"]))
        scorer = load_scorer(publication.part("model"))
        past = _one_row(codes, scorer.shape[1])
        folded = module.fold_in(scorer, past, module.Config(**model["parameters"]))
        best = folded.top_k(np.zeros(1, np.int64), k, exclude=past, allow=allow)
        return best, "the model applied to this history"
    return None


def _one_row(codes: np.ndarray, n_items: int) -> Csr:
    """A history as a matrix of one row; an item named twice counts twice."""
    items, counts = np.unique(codes, return_counts=True)
    indptr = np.array([0, len(items)], dtype=np.int64)
    return Csr(indptr, items.astype(np.int32), counts.astype(np.float32), n_items)


def _by_neighbours(
    publication: Publication, past: list[str], shown: set[str], k: int
) -> list[tuple[str, float]]:
    total: dict[str, float] = {}
    for item_id in past:
        for row in similar_to(publication, item_id, MAX_COUNT):
            if row[SIMILAR_ID] not in shown:
                continue
            total[row[SIMILAR_ID]] = total.get(row[SIMILAR_ID], 0.0) + row[SCORE]
    left = [(item_id, score) for item_id, score in total.items() if item_id not in set(past)]
    return sorted(left, key=lambda each: (-each[1], each[0]))[:k]
