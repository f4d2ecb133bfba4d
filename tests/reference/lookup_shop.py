"""A small publication for look-ups: three users, five items with titles and labels, and lists of all kinds."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.identifiers import Vocabulary
from data_contracts.predictions import (
    PREDICTIONS,
    PREDICTIONS_SCHEMA,
    SIMILAR_ITEMS,
    SIMILAR_SCHEMA,
    STRANGERS,
    STRANGERS_SCHEMA,
    USERS_PER_ITEM,
    USERS_PER_ITEM_SCHEMA,
    ranked_rows,
)
from data_contracts.published_files import ITEMS_FILE, LOOKUP, TITLES, USERS_FILE
from tasks.lookup.index import Meaning, build, tables_of
from tasks.publication.registry import Publication, publish

USERS = ("a/b", "c%20d", "É 🧦")
FORMER = "former"
"""Has a list by another model: the published one does not know them."""
ITEMS = ("i0", "i1", "i2", "i3", "i4")
BRANDS = ("Acme", "Acme", "Bolt", "Bolt|Acme", None)
LISTS = {"a/b": (0, 1, 2, 3), "c%20d": (3, 2), "É 🧦": (4, 0, 1), FORMER: (2,)}
POPULAR = (4, 3, 2, 1)


def publish_shop(
    folder, run="first", *, day=1, reverse=False, indexed=True, dataset="shop", kind="popularity"
):
    """Publish the shop; with `reverse` every list is the other way round. Live afterwards."""
    turn = -1 if reverse else 1
    items, known = Vocabulary.from_ids("item_id", ITEMS), Vocabulary.from_ids("user_id", USERS)
    everyone = Vocabulary.from_ids("user_id", LISTS)
    parts = folder / f"{run}-parts"
    parts.mkdir()
    users = [everyone.ids[at].as_py() for at in range(len(everyone))]
    made = np.array(["recent" if user == FORMER else kind for user in users])
    tables = {
        PREDICTIONS: ranked_rows(
            PREDICTIONS_SCHEMA, everyone.ids, items, _padded([LISTS[user][::turn] for user in users]), made
        ),
        STRANGERS: ranked_rows(
            STRANGERS_SCHEMA, None, items, _padded([POPULAR[::turn]]), np.array(["recent"])
        ),
        SIMILAR_ITEMS: ranked_rows(
            SIMILAR_SCHEMA,
            items.ids,
            items,
            _padded([tuple(at for at in range(5) if at != own)[::turn] for own in range(5)]),
            None,
        ),
        USERS_PER_ITEM: ranked_rows(
            USERS_PER_ITEM_SCHEMA, items.ids, known, _padded([(0, 1)[::turn]] * 5), np.full(5, kind)
        ),
        TITLES: pa.table(
            {"item_id": items.ids, "title": [f"Item {at}" for at in range(4)] + [None], "brand": BRANDS}
        ),
    }
    for name, table in tables.items():
        pq.write_table(table, parts / name)
    items.save(parts / ITEMS_FILE)
    known.save(parts / USERS_FILE)
    files = {name: parts / name for name in (*tables, ITEMS_FILE, USERS_FILE)}
    if indexed:
        (parts / LOOKUP).mkdir()
        build(tables_of(parts), parts / LOOKUP, Meaning(separators={"brand": "|"}))
        files[LOOKUP] = parts / LOOKUP
    publication = Publication(dataset=dataset, as_of=date(2026, 1, day), run=run)
    publish(publication, files, {"model": {"kind": kind, "parameters": {}}})
    return publication


def _padded(lists):
    width = max(map(len, lists))
    codes = np.full((len(lists), width), -1, np.int32)
    for row, each in zip(codes, lists, strict=True):
        row[: len(each)] = each
    scores = np.where(codes < 0, -np.inf, 1 / np.arange(1, width + 1)).astype(np.float32)
    return codes, scores
