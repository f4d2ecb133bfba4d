"""Load a publication's lists into Redis: a key for each list, and one pointer that says which run is live.

The keys of a run are nothing to readers until the pointer names that run. Which runs have keys stands in a hash
beside it, so that no other key is ever removed.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy.engine import URL

from data_contracts.errors import ConfigurationError, DatabaseError
from tasks.publication.file_export import CHUNK_ROWS
from tasks.publication.loading import telling
from tasks.publication.publications import Publication
from tasks.publication.redis_lists import (
    BATCH_KEYS,
    KINDS,
    Keys,
    Kind,
    compact,
    in_batches,
    lists_of,
    titles_of,
)
from tasks.publication.redis_lock import Held, alone
from tasks.publication.redis_server import describe, opened
from tasks.runtime.store import must_be_plain

PREFIX = "shelftalker"
KEEP_SECONDS = 600
"""Seconds that replaced lists stay, for readers who have read the pointer and not yet the list."""

LOADING, LIVE, REPLACED = "loading", "live", "replaced"
"""States in the hash of runs; a run whose keys end by themselves has the second at which they have ended."""


def load(
    publication: Publication,
    files: Mapping[str, Path],
    url: URL,
    *,
    schema: str | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> list[dict[str, Any]]:
    """Put a publication's lists beside the live ones, count them, and let the pointer name them.

    Parameters
    ----------
    publication
        What the lists belong to.
    files
        Parquet files by the name of their table; a table that is not among them has no lists in this run.
    url
        The Redis server.
    schema
        What all keys begin with; None is ``shelftalker``.
    chunk_rows
        Rows that are in memory at once.

    Returns
    -------
    A row a table: what was loaded and where.

    Raises
    ------
    ConfigurationError
        If the server refuses, or a key of these names was not made by a load.
    DatabaseError
        If it cannot be reached, is busy or full, or has other keys than were sent.

    """
    prefix = PREFIX if schema is None else must_be_plain("schema", schema)
    keys = Keys(f"{prefix}:{must_be_plain('dataset', publication.dataset)}")
    run = must_be_plain("run", publication.run)
    where, titles = describe(url), titles_of(publication)
    with opened(url, f"loading {publication.path}") as client, alone(client, keys.lock, where) as held:
        shelf = Shelf(held, keys, publication)
        live = shelf.live()
        shelf.tidy(live)
        try:
            rows = {name: shelf.fill(name, file, titles, chunk_rows) for name, file in files.items()}
            shelf.switch(rows, live)
        except BaseException:
            with suppress(Exception):
                shelf.give_up()
            raise
        shelf.tidy(shelf.live())
    return [{"what": keys.pattern(run, KINDS[name]), "rows": n, "where": where} for name, n in rows.items()]


class Shelf:
    """The keys of one dataset, held by one load.

    Parameters
    ----------
    held
        A client that holds the dataset's lock.
    keys
        Of the dataset.
    publication
        What is loaded.

    """

    def __init__(self, held: Held, keys: Keys, publication: Publication) -> None:
        self.held, self.client, self.where = held, held.client, held.where
        self.keys, self.publication, self.run = keys, publication, publication.run

    def live(self) -> dict[str, Any]:
        """What the pointer says; nothing if there is none.

        Raises
        ------
        ConfigurationError
            If no load has written it.

        """
        held = self.client.get(self.keys.live)
        if held is None:
            return {}
        with suppress(ValueError):
            said = json.loads(held)
            if isinstance(said, dict) and said.get("dataset") == self.publication.dataset and said.get("run"):
                return said
        raise ConfigurationError(
            f"key {self.keys.live!r} in {self.where} was not made by shelftalker; give a schema, which all keys "
            "begin with then, or delete that key"
        )

    def tidy(self, live: Mapping[str, Any]) -> None:
        """Remove what killed loads left, and let the lists end that a later run has replaced."""
        states: dict[bytes, bytes] = self.client.hgetall(self.keys.runs)
        now = int(self.client.time()[0])
        for run, state in ((run.decode(), state.decode()) for run, state in states.items()):
            if run == live.get("run"):
                continue
            if state == LOADING:
                self.drop(run)
            elif state in {LIVE, REPLACED}:
                self._each_key(run, lambda pipe, key: pipe.expire(key, KEEP_SECONDS))
                ended = int(self.client.time()[0]) + KEEP_SECONDS + 1
                self.client.hset(self.keys.runs, run, ended)
            elif int(state) < now:
                self.client.hdel(self.keys.runs, run)

    def fill(self, table: str, file: Path, titles: Mapping[str, str], chunk_rows: int) -> int:
        """Write the lists of a table and count them; returns their rows."""
        kind, sent = KINDS[table], 0
        with telling(table, pq.read_metadata(file).num_rows) as told:
            for batch in in_batches(lists_of(file, kind, titles, chunk_rows)):
                self._write({self._key(kind, each.owner): each.text for each in batch})
                sent += len(batch)
                told.add(sum(each.rows for each in batch))
            there = sum(
                self._count([self._key(kind, each.owner) for each in batch])
                for batch in in_batches(lists_of(file, kind, {}, chunk_rows))
            )
            if (there, told.rows) != (sent, told.total):
                raise DatabaseError(
                    f"{self.where} has {there} lists of {table}, expected {sent}, and was sent {told.rows} rows, "
                    f"expected {told.total}; nothing was replaced. If it evicts keys, give it more maxmemory, or "
                    "maxmemory-policy noeviction"
                )
        return told.rows

    def switch(self, rows: Mapping[str, int], live: Mapping[str, Any]) -> None:
        """Let the pointer name this run: the one moment at which readers change over."""
        before = live.get("run")
        pointer = {
            **self.publication.model_dump(mode="json"),
            "tables": {**(live.get("tables", {}) if before == self.run else {}), **rows},
            "loaded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

        def change_over(pipe: Any) -> None:
            pipe.set(self.keys.live, compact(pointer))
            pipe.hset(self.keys.runs, self.run, LIVE)
            if before not in {None, self.run}:
                pipe.hset(self.keys.runs, before, REPLACED)

        self.held.send_at_once(change_over)

    def give_up(self) -> None:
        """Remove what this load wrote, unless that is live, or another load has taken over."""
        self.held.send(lambda _pipe: None)
        if self.live().get("run") != self.run:
            self.drop(self.run)

    def drop(self, run: str) -> None:
        """Remove the keys of a run, and then its name."""
        self._each_key(run, lambda pipe, key: pipe.unlink(key))
        self.client.hdel(self.keys.runs, run)

    def _key(self, kind: Kind, owner: str | None) -> str:
        return self.keys.of_list(self.run, kind, owner)

    def _each_key(self, run: str, act: Callable[[Any, bytes], Any]) -> None:
        """Do something with every key of a run, a few at a time: the server goes on answering others."""
        cursor = None
        while cursor != 0:
            cursor, found = self.client.scan(
                cursor or 0, match=f"{self.keys.of_run(run)}*", count=10 * BATCH_KEYS
            )
            self.held.send(partial(_to_each, act, found))

    def _write(self, values: Mapping[str, str]) -> None:
        """Write keys of this run, after the name of the run: whatever is there has a name to be removed by."""

        def send(pipe: Any) -> None:
            pipe.hset(self.keys.runs, self.run, LOADING)
            for key, value in values.items():
                pipe.set(key, value)

        self.held.send(send)

    def _count(self, names: list[str]) -> int:
        return int(self.held.send(lambda pipe: pipe.exists(*names))[-1])


def _to_each(act: Callable[[Any, bytes], Any], names: Iterable[bytes], pipe: Any) -> None:
    for name in names:
        act(pipe, name)
