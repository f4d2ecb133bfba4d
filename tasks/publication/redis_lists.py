"""What a publication's lists are called in Redis, and their values: everything that readers rely on."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow.parquet as pq

from data_contracts.columns import ITEM_ID, SCORE, TITLE, USER_ID
from data_contracts.published_files import SIMILAR_ID, TITLES
from tasks.publication.file_export import plain_batches
from tasks.publication.publications import Publication

BATCH_KEYS = 1000
BATCH_BYTES = 4 * 2**20
"""Limits of what is sent at once: it is in the memory of both sides."""


class Kind(NamedTuple):
    """How the lists of one table are kept."""

    key: str
    """Part of the key between the run and the owner's id."""
    owner: str | None
    """Column of the ids that the lists belong to; None for the one list of everybody unknown."""
    column: str
    """Column of the ids in the lists."""
    name: str
    """Name of such an id in a list."""


KINDS: Final = {
    "predictions": Kind("user", USER_ID, ITEM_ID, ITEM_ID),
    "users_per_item": Kind("users", ITEM_ID, USER_ID, USER_ID),
    "strangers": Kind("unknown", None, ITEM_ID, ITEM_ID),
    "similar_items": Kind("similar", ITEM_ID, SIMILAR_ID, ITEM_ID),
}
"""How each table is kept."""


@dataclass(frozen=True)
class Keys:
    """Names of all keys of one dataset. An id stands at the end as it is, so no two ids share a key."""

    prefix: str
    """``shelftalker:DATASET``; neither part holds a colon."""

    @property
    def live(self) -> str:
        """The pointer."""
        return f"{self.prefix}:live"

    @property
    def runs(self) -> str:
        """The hash of runs that have keys."""
        return f"{self.prefix}:runs"

    @property
    def lock(self) -> str:
        """Held by a load."""
        return f"{self.prefix}:lock"

    def of_run(self, run: str) -> str:
        """What all keys of a run begin with."""
        return f"{self.prefix}:{run}:"

    def of_list(self, run: str, kind: Kind, owner: str | None) -> str:
        """The key of one list."""
        return self.of_run(run) + (kind.key if owner is None else f"{kind.key}:{owner}")

    def pattern(self, run: str, kind: Kind) -> str:
        """What the keys of all lists of a kind look like, for people."""
        return self.of_list(run, kind, None if kind.owner is None else "*")


class List(NamedTuple):
    """One list on its way."""

    owner: str | None
    """Id that it belongs to."""
    text: str
    """Its value: compact JSON, best first."""
    rows: int
    """Entries of it."""

    @property
    def size(self) -> int:
        """Characters of it, about."""
        return len(self.text) + len(self.owner or "")


def lists_of(file: Path, kind: Kind, titles: Mapping[str, str], chunk_rows: int) -> Iterator[List]:
    """Stream the lists of a table, whose rows are sorted by owner and rank."""
    for owner, rows in groupby(_rows(file, kind, chunk_rows), key=itemgetter(0)):
        entries = [_entry(kind, other, score, titles) for _owner, other, score in rows]
        yield List(owner, compact(entries), len(entries))


def in_batches(lists: Iterable[List]) -> Iterator[list[List]]:
    """Put lists together that are sent at once."""
    batch: list[List] = []
    size = 0
    for each in lists:
        batch.append(each)
        size += each.size
        if len(batch) == BATCH_KEYS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def titles_of(publication: Publication) -> dict[str, str]:
    """Titles by item, of those items that have one."""
    path = publication.folder / TITLES
    if not path.exists() or TITLE not in pq.read_schema(path).names:
        return {}
    table = pq.read_table(path, columns=[ITEM_ID, TITLE])
    pairs = zip(table[ITEM_ID].to_pylist(), table[TITLE].to_pylist(), strict=True)
    return {item: title for item, title in pairs if title is not None}


def compact(content: Any) -> str:
    """JSON without spaces; letters of all languages as they are."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _rows(file: Path, kind: Kind, chunk_rows: int) -> Iterator[tuple[str | None, str, float]]:
    for batch in plain_batches(file, chunk_rows):
        owners = batch.column(kind.owner).to_pylist() if kind.owner else [None] * batch.num_rows
        yield from zip(
            owners, batch.column(kind.column).to_pylist(), batch.column(SCORE).to_pylist(), strict=True
        )


def _entry(kind: Kind, other: str, score: float, titles: Mapping[str, str]) -> dict[str, Any]:
    entry = {kind.name: other, "score": score}
    return {**entry, "title": titles[other]} if kind.name == ITEM_ID and other in titles else entry
