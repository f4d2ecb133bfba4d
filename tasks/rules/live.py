"""What may not be shown at this moment: the rules of a publication, applied again at look-ups. Knows no Prefect."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from data_contracts.errors import DamagedError
from data_contracts.published_files import ITEMS_FILE, RULES_FILE, TITLES
from data_contracts.scoring import Mask
from data_contracts.shop_rules import ItemIdForm, ShopRules
from tasks.rules.id_files import item_ids, read_bytes
from tasks.rules.masks import aligned, forbidden_items


class WithdrawnFile:
    """Ids of a file, read again when it was written; threads may ask at the same time.

    A file that is gone for a moment (while it is replaced) leaves what it said before; one that was never there is an
    error.

    Parameters
    ----------
    path
        The file.
    form
        How its ids are cleaned.

    """

    def __init__(self, path: Path, form: ItemIdForm) -> None:
        self.path, self.form = path, form
        self._stamp: tuple[int, int, int] | None = None
        self._ids: frozenset[str] = frozenset()
        self._turn = Lock()

    def ids(self) -> frozenset[str]:
        """The ids that it holds now.

        Raises
        ------
        ConfigurationError
            If it was never there.
        ContractError
            If it is no UTF-8.

        """
        with self._turn:
            try:
                found = os.stat(self.path)  # noqa: PTH116 - a look-up does this each time
            except OSError:
                if self._stamp is None:
                    read_bytes(self.path, "withdrawn")
                return self._ids
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                self._ids = item_ids(read_bytes(self.path, "withdrawn"), self.form, str(self.path))
                self._stamp = stamp
            return self._ids


def forbidden_now(
    rules: ShopRules, items: pa.Table, now: datetime, withdrawn: WithdrawnFile | None = None
) -> Mask:
    """Items that may not be shown at a moment.

    ``min_support`` is not asked again: what a publication lists had its users. Neither are the pairs of ``blocks``.

    Parameters
    ----------
    rules
        Of the publication.
    items
        One row an item: item_id and the columns of ``titles.parquet``.
    now
        The moment, with a time zone.
    withdrawn
        The file that is read again; by default the one that the rules name, read now.

    Returns
    -------
    bool (n_items,)

    Raises
    ------
    ValueError
        If `now` has no time zone.

    """
    if now.tzinfo is None:
        raise ValueError(f"now = {now} has no time zone; give datetime.now(UTC)")
    if withdrawn is None and rules.withdrawn is not None:
        withdrawn = WithdrawnFile(Path(rules.withdrawn.path), rules.ids)
    ids = withdrawn.ids() if withdrawn is not None else frozenset()
    return forbidden_items(rules, items, now, withdrawn=ids).all(len(items))


class LiveRules:
    """The rules of a publication in the order of its item codes, for a service that asks them often.

    What does not change with the withdrawn ids is kept for a second's span of `now`.

    Parameters
    ----------
    rules
        Of the publication.
    items
        One row an item in the order of the item codes, as for :func:`forbidden_now`.

    """

    def __init__(self, rules: ShopRules, items: pa.Table) -> None:
        self.rules, self.items = rules, items
        file = rules.withdrawn
        self.withdrawn = None if file is None else WithdrawnFile(Path(file.path), rules.ids)
        self._kept: tuple[int, frozenset[str], Mask] | None = None

    @classmethod
    def of(cls, folder: Path) -> "LiveRules | None":
        """The rules of a publication's folder; None where it has none.

        Raises
        ------
        DamagedError
            If its ``rules.json`` is not as written.

        """
        path = folder / RULES_FILE
        if not path.exists():
            return None
        try:
            rules = ShopRules.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise DamagedError(f"{path} is damaged: it holds no rules") from error
        ids = pq.read_table(folder / ITEMS_FILE).column(0).combine_chunks()
        return cls(rules, aligned(pq.read_table(folder / TITLES), ids))

    def forbidden(self, now: datetime) -> Mask:
        """Items that may not be shown now, bool (n_items,) by item code; not to be written to."""
        second, ids = int(now.timestamp()), self.withdrawn.ids() if self.withdrawn else frozenset()
        kept = self._kept
        if kept is None or kept[0] != second or kept[1] is not ids:
            kept = (second, ids, forbidden_now(self.rules, self.items, now, self.withdrawn))
            self._kept = kept
        return kept[2]

    def allowed(self, now: datetime) -> Mask:
        """Items that may be shown now, bool (n_items,) by item code."""
        return ~self.forbidden(now)

    def shown(self, item_ids: Sequence[str], now: datetime) -> list[str]:
        """Those of some items that may be shown now, in their order; an unknown item may not."""
        places = pa.compute.index_in(
            pa.array(item_ids, pa.large_string()), value_set=self.items.column(0).combine_chunks()
        )
        codes = pa.compute.fill_null(places, -1).to_numpy(zero_copy_only=False)
        allowed = np.append(~self.forbidden(now), False)
        return [each for each, code in zip(item_ids, codes, strict=True) if allowed[code]]
