"""Say why: which of a user's past items speak for each item on the published list."""

from typing import Any, cast

import numpy as np

from data_contracts.columns import BECAUSE, ITEM_ID, SHARE, TITLE, WHY
from data_contracts.errors import ConfigurationError
from data_contracts.identifiers import Vocabulary
from data_contracts.published_files import ITEMS_FILE, N_REASONS, USERS_FILE
from tasks import models
from tasks.lookup.queries import Row, titles_of
from tasks.models import Capability, ExplainingModel, Reason
from tasks.preparation.matrix_files import open_csr
from tasks.publication.registry import Publication
from tasks.runtime import store
from tasks.training.serialization import load_scorer

HISTORY = "history"
"""Folder of a publication that holds what the users have had."""
HISTORY_FILES = tuple(f"by_user_{part}.npy" for part in ("indptr", "indices", "values"))

UNKNOWN_USER = "unknown user: this is the cold-start list"


def with_reasons(publication: Publication, user_id: str, rows: list[Row], n: int = N_REASONS) -> list[Row]:
    """Add to each row of a user's list the past items behind it.

    Parameters
    ----------
    publication
        Where the list was found.
    user_id
        The user; one without a history gets no past items, and is told so.
    rows
        What :func:`tasks.lookup.queries.items_for_user` found.
    n
        Past items per row at most.

    Returns
    -------
    The rows with ``because``, a list of ``{"item_id", "title", "share"}``, strongest first, and ``why``, what
    the shares are shares of, in words.

    Raises
    ------
    ConfigurationError
        If the publication was made before publications kept what the users had.

    """
    if not publication.part(HISTORY).exists():
        raise ConfigurationError(
            f"{publication.path} does not hold what its users had, so nothing can be explained; publish again"
        )
    users = Vocabulary.load(publication.part(USERS_FILE))
    code = int(users.codes([user_id], missing="negative")[0])
    if code < 0 or not rows:
        return [{**row, BECAUSE: [], WHY: UNKNOWN_USER} for row in rows]
    items = Vocabulary.load(publication.part(ITEMS_FILE))
    reasons = _reasons(publication, users, items, code, rows, n)
    named = [list(zip(items.ids_of([at for at, _ in each.past]), each.past, strict=True)) for each in reasons]
    titles = titles_of(publication, sorted({item_id for each in named for item_id, _ in each}))
    return [
        {**row, BECAUSE: [_past(item_id, share, titles) for item_id, (_, share) in each], WHY: reason.how}
        for row, reason, each in zip(rows, reasons, named, strict=True)
    ]


def _reasons(
    publication: Publication,
    users: Vocabulary,
    items: Vocabulary,
    user_code: int,
    rows: list[Row],
    n: int,
) -> list[Reason]:
    hashes = {"users_sha256": users.sha256, "items_sha256": items.sha256}
    model = publication.manifest["model"]
    store.same_vocabulary(hashes, model, f"the model in {publication.path}")
    kind = model["kind"]
    if Capability.EXPLANATIONS not in models.load_spec(kind).offers:
        return [Reason([], f"model {kind} gives no reasons")] * len(rows)
    module = cast("ExplainingModel", models.load(kind))
    by_user = open_csr(publication.part(HISTORY), "by_user", len(items))
    codes = np.asarray(items.codes([row[ITEM_ID] for row in rows]))
    config = module.Config(**model["parameters"])
    return module.explain(load_scorer(publication.part("model")), by_user, user_code, codes, config, n)


def _past(item_id: str, share: float, titles: dict[str, str]) -> dict[str, Any]:
    return {ITEM_ID: item_id, TITLE: titles.get(item_id), SHARE: round(share, 4)}
