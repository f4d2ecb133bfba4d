"""Say why: which of a user's past items speak for each item on the published list."""

from typing import TYPE_CHECKING, cast

import numpy as np

from data_contracts.errors import NotOfferedError
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import Csr
from data_contracts.published_files import HISTORY, ITEMS_FILE, N_REASONS, USERS_FILE
from tasks import models
from tasks.lookup.answers import Past, ShownItem
from tasks.models import Capability, ExplainingModel, Reason
from tasks.preparation.matrix_files import open_csr
from tasks.runtime import store

if TYPE_CHECKING:
    from tasks.lookup.shelf import Shelf

UNKNOWN_USER = "unknown user: this is the cold-start list"


def with_reasons(
    shop: "Shelf", user_code: int, shown: tuple[ShownItem, ...], n: int = N_REASONS
) -> tuple[ShownItem, ...]:
    """Add to each place of a user's list the past items behind it.

    Parameters
    ----------
    shop
        Where the list was found.
    user_code
        The user in the model; -1 for somebody without a history, who is told so.
    shown
        The list.
    n
        Past items per place at most.

    Returns
    -------
    The list with ``because``, strongest first, and ``why``, what the shares are shares of, in words.

    Raises
    ------
    NotOfferedError
        If the publication was made before publications kept what the users had.

    """
    by_user = history_of(shop)
    if user_code < 0:
        return tuple(each.model_copy(update={"why": UNKNOWN_USER}) for each in shown)
    reasons = _reasons(shop, by_user, user_code, shown, n)
    return tuple(
        each.model_copy(
            update={"because": tuple(_past(shop, *past) for past in reason.past), "why": reason.how}
        )
        for each, reason in zip(shown, reasons, strict=True)
    )


def history_of(shop: "Shelf") -> Csr:
    """What users had, (n_users of the model, n_items), memory-mapped.

    Raises
    ------
    NotOfferedError
        As :func:`with_reasons`.

    """
    if not shop.publication.part(HISTORY).exists():
        raise NotOfferedError(
            f"{shop.publication.path} does not hold what its users had, so nothing can be explained; publish again"
        )
    return open_csr(shop.publication.part(HISTORY), "by_user", len(shop.columns.items))


def _reasons(
    shop: "Shelf", by_user: Csr, user_code: int, shown: tuple[ShownItem, ...], n: int
) -> list[Reason]:
    model = shop.manifest["model"]
    store.same_vocabulary(_vocabulary_hashes(shop), model, f"the model in {shop.publication.path}")
    kind = model["kind"]
    if Capability.EXPLANATIONS not in models.load_spec(kind).offers:
        return [Reason([], f"model {kind} gives no reasons")] * len(shown)
    module = cast("ExplainingModel", models.load(kind))
    codes = np.array([shop.item_code(each.item_id) for each in shown], np.int64)
    return module.explain(shop.scorer, by_user, user_code, codes, module.Config(**model["parameters"]), n)


def _vocabulary_hashes(shop: "Shelf") -> dict[str, str]:
    """Hashes of the vocabularies that the publication holds."""
    files = {"users_sha256": USERS_FILE, "items_sha256": ITEMS_FILE}
    return {name: Vocabulary.load(shop.publication.part(file)).sha256 for name, file in files.items()}


def _past(shop: "Shelf", item_code: int, share: float) -> Past:
    return Past(
        item_id=shop.columns.items[item_code],
        title=shop.columns.titles[item_code] or None,
        share=round(share, 4),
    )
