"""What looks wrong in ids that were read: texts that stand for nobody, fractions, and little in common with the items."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from data_contracts import columns
from data_contracts.dataset import DatasetSpec
from tasks.runtime.duckdb_engine import literal, path_literal
from tasks.sources.null_texts import SPELLINGS

_LOOKED_AT = 50_000
"""Rows that tell how ids are written."""

_MOST = 0.5
"""Share of those rows that must be written like fractions."""

_LITTLE = 0.5
"""Share of items that an item table must know, below which its ids are probably written differently."""


_TYPICAL, _FAR, _MANY = 0.95, 30, 100
"""A user is suspected of being a program with more than `_FAR` times the events of the user at this quantile of the
users by their events, and more than `_MANY`."""

_NAMED = 5
"""Suspected users that a warning names."""


def many_events(connection: duckdb.DuckDBPyConnection, spec: DatasetSpec, events: Path) -> list[str]:
    """Warn of users with so many events that they are probably no people; the heaviest are named."""
    per_user = (
        f"SELECT {columns.USER_ID} AS id, count(*) AS n FROM read_parquet({path_literal(events)}) "
        f"WHERE {columns.USER_ID} IS NOT NULL GROUP BY 1"
    )
    found = connection.execute(
        f"WITH per_user AS MATERIALIZED ({per_user}), "
        f"typical AS (SELECT quantile_disc(n, {_TYPICAL}) AS n, sum(n) AS events FROM per_user) "
        f"SELECT u.id, u.n, t.n, u.n / t.events FROM per_user u, typical t "
        f"WHERE u.n > greatest({_FAR} * t.n, {_MANY}) ORDER BY u.n DESC, u.id"
    ).fetchall()
    if not found:
        return []
    named = ", ".join(
        f"{id_!r} with {n:,} events ({share:.0%} of all)" for id_, n, _, share in found[:_NAMED]
    )
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    several = "users are" if len(found) > 1 else "user is"
    limit = "max_events_per_user under [cleaning] limits what is learned from a user and day"
    if spec.cleaning.caps_events:
        limit = "what is learned from them is limited under [cleaning]"
    said = (
        f"{len(found):,} {several} suspected to be a bot or a till: {named}{more}; of 100 users 95 have "
        f"{found[0][2]:,} events or fewer; {limit}"
    )
    return [said]


def id_cautions(connection: duckdb.DuckDBPyConnection, spec: DatasetSpec, events: Path) -> list[str]:
    """Warnings about the accepted ids, each with the key that would help."""
    return [
        *_about(connection, events, columns.USER_ID, spec.columns.user),
        *_about(connection, events, columns.ITEM_ID, spec.columns.item),
    ]


def compare_items(
    connection: duckdb.DuckDBPyConnection, events: str, table: pa.Table, name: str
) -> tuple[dict[str, int], list[str]]:
    """Count how many of the log's items an item table knows, and warn where these are few.

    Parameters
    ----------
    connection
        Where they are compared.
    events
        SQL of the accepted events, as it stands after FROM.
    table
        The item table by its ids.
    name
        Its file's name.

    """
    connection.register("known_items", table.select([columns.ITEM_ID]))
    of_log = f"(SELECT DISTINCT {columns.ITEM_ID} AS id FROM {events})"
    known = f"(SELECT {columns.ITEM_ID} AS id FROM known_items)"
    row: Any = connection.execute(
        f"SELECT count(*), count(*) FILTER (id IN {known}), min(id) FILTER (id NOT IN {known}), "
        f"(SELECT min(id) FROM {known} WHERE id NOT IN {of_log}) FROM {of_log}"
    ).fetchall()[0]
    connection.unregister("known_items")
    n_items, matched, here, there = row
    counts = {"items": n_items, "matched": matched}
    if not n_items or matched >= _LITTLE * n_items:
        return counts, []
    warning = (
        f"{matched:,} of {n_items:,} items of the log are in the item table {name}: the log has {here!r}, the table "
        f"{there!r}; see id_format, strip_ids and upper_case_items under [cleaning]"
    )
    return counts, [warning]


def _about(connection: duckdb.DuckDBPyConnection, events: Path, name: str, source: str) -> list[str]:
    read = f"read_parquet({path_literal(events)})"
    # As a condition, so that row groups without any such text are not read at all.
    nothing = connection.execute(
        f"SELECT {name}, count(*) FROM {read} WHERE {name} IN ({', '.join(map(literal, SPELLINGS))}) "
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    found = [
        f"{rows:,} {'row has' if rows == 1 else 'rows have'} {text!r} in {source!r}, which is taken for an id; if it stands for nothing, write "
        f"null_values = [{text!r}] under [source]"
        for text, rows in nothing
    ]
    row: Any = connection.execute(
        f"SELECT count(*), count(*) FILTER (ends_with({name}, '.0')), min({name}) FILTER (ends_with({name}, '.0')) "
        f"FROM (SELECT {name} FROM {read} LIMIT {_LOOKED_AT})"
    ).fetchall()[0]
    rows, pointed, id_ = row
    if pointed > _MOST * rows:
        found.append(
            f"ids of {source!r} look like {id_!r}; if {id_[:-2]!r} is meant, write id_format = 'integer' under [cleaning]"
        )
    return found
