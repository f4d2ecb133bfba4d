"""Lists for somebody who came after the training: from the items they have had, without training again."""

import numpy as np

from data_contracts.columns import ITEM_ID, RANK, SCORE, TITLE
from data_contracts.errors import UnknownItemError
from data_contracts.interactions import GroupedMatrix
from data_contracts.published_files import SIMILAR_ID
from data_contracts.scoring import Factors
from tasks import models
from tasks.lookup.queries import Row, catalogue, similar_to, titles_of
from tasks.publication.registry import Publication
from tasks.training.serialization import load_scorer

HOW = "how"


def items_for_history(publication: Publication, item_ids: list[str], k: int) -> list[Row]:
    """Items for somebody with a past, known to the model or not, without what they have had.

    A model with a fold-in (WALS) solves for the new user's factors; for any other the published similar
    items of the past are added up.

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
    found = _by_factors(publication, items, np.array([code_of[item_id] for item_id in past], np.int32), k)
    how = "factors solved for this history"
    if found is None:
        found = _by_neighbours(publication, past, len(items), k)
        how = "similar items of this history, added up"
    titles = titles_of(publication, [item_id for item_id, _ in found])
    return [
        {RANK: rank, ITEM_ID: item_id, TITLE: titles.get(item_id), SCORE: score, HOW: how}
        for rank, (item_id, score) in enumerate(found, start=1)
    ]


def _by_factors(
    publication: Publication, items: list[str], codes: np.ndarray, k: int
) -> list[tuple[str, float]] | None:
    model = publication.manifest["model"]
    module = models.load(model["kind"])
    fold_in = getattr(module, "fold_in_users", None)
    scorer = load_scorer(publication.folder / "model") if fold_in else None
    if fold_in is None or not isinstance(scorer, Factors):
        return None
    # Scipy and the compiled kernels take a second to import; neighbours do without them.
    from scipy.sparse import csr_matrix

    from tasks.numeric.topk import top_k

    row = csr_matrix((np.ones(len(codes), np.float32), (np.zeros_like(codes), codes)), shape=(1, len(items)))
    matrix = GroupedMatrix.from_csr(row)
    user_factors = fold_in(matrix, scorer.item_factors, module.Config(**model["parameters"]))
    best, scores = top_k(user_factors, scorer.item_factors, min(k, len(items)), exclude=matrix.by_user)
    there = best[0] >= 0
    return [(items[code], float(score)) for code, score in zip(best[0][there], scores[0][there], strict=True)]


def _by_neighbours(
    publication: Publication, past: list[str], n_items: int, k: int
) -> list[tuple[str, float]]:
    total: dict[str, float] = {}
    for item_id in past:
        for row in similar_to(publication, item_id, n_items):
            total[row[SIMILAR_ID]] = total.get(row[SIMILAR_ID], 0.0) + row[SCORE]
    left = [(item_id, score) for item_id, score in total.items() if item_id not in set(past)]
    return sorted(left, key=lambda each: (-each[1], each[0]))[:k]
