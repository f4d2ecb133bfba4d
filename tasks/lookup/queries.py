"""Look things up in what is published: lists for a user, users for an item, similar items, histories.

DuckDB alone reads the files: importing pyarrow or numpy would take longer than the look-up.
"""

from pathlib import Path
from typing import Any

import duckdb

from data_contracts.columns import ITEM_ID, RANK, TITLE, USER_ID
from data_contracts.errors import UnknownItemError
from data_contracts.published_files import (
    CATALOGUE_KEY,
    ITEMS_FILE,
    PREDICTIONS,
    SIMILAR_ITEMS,
    STRANGERS,
    TITLES,
    USERS_PER_ITEM,
)
from tasks.publication.registry import Publication
from tasks.runtime.files import pattern_of

Row = dict[str, Any]


def items_for_user(publication: Publication, user_id: str, k: int) -> list[Row]:
    """The user's list, at most `k` long; an unknown user gets the cold-start list."""
    rows = _select(publication, PREDICTIONS, USER_ID, user_id, k)
    return rows or _select(publication, STRANGERS, None, "", k)


def users_for_item(publication: Publication, item_id: str, k: int) -> list[Row]:
    """The users to show an item to, best first; UnknownItemError for an unknown item."""
    _must_know(publication, item_id)
    return _select(publication, USERS_PER_ITEM, ITEM_ID, item_id, k)


def similar_to(publication: Publication, item_id: str, k: int) -> list[Row]:
    """Items that go with an item, best first; UnknownItemError for an item not in the catalogue."""
    _must_know(publication, item_id)
    return _select(publication, SIMILAR_ITEMS, ITEM_ID, item_id, k)


def some_users(publication: Publication, n: int) -> list[str]:
    """Ids of a few users, spread evenly over the sorted lists."""
    path = pattern_of(publication.part(PREDICTIONS))
    with duckdb.connect() as connection:
        found = connection.execute(
            f"""SELECT {USER_ID} FROM (
                SELECT {USER_ID}, row_number() OVER (ORDER BY {USER_ID}) AS place, count(*) OVER () AS n
                FROM read_parquet(?) WHERE {RANK} = 1)
            WHERE place IN (SELECT (n * (i + 1)) // (? + 1) + 1 FROM range(?) AS r(i)) ORDER BY 1""",
            [path, n, n],
        ).fetchall()
    return [row[0] for row in found]


def titles_of(publication: Publication, item_ids: list[str]) -> dict[str, str]:
    """Titles of those items that have one."""
    path = publication.part(TITLES)
    if not _has_titles(path):
        return {}
    with duckdb.connect() as connection:
        query = f"SELECT {ITEM_ID}, {TITLE} FROM read_parquet(?) WHERE list_contains(?, {ITEM_ID})"
        found = connection.execute(query, [pattern_of(path), item_ids]).fetchall()
    return {item_id: title for item_id, title in found if title is not None}


def catalogue(publication: Publication) -> list[str]:
    """Ids of all items that the model knows, in the order of their codes."""
    path = pattern_of(publication.part(ITEMS_FILE))
    with duckdb.connect() as connection:
        query = f"SELECT {ITEM_ID} FROM read_parquet(?, file_row_number = true) ORDER BY file_row_number"
        return [row[0] for row in connection.execute(query, [path]).fetchall()]


def items_without_events(publication: Publication) -> int:
    """How many of the items, the last codes, the model knows from the catalogue alone."""
    path = pattern_of(publication.part(ITEMS_FILE))
    with duckdb.connect() as connection:
        query = "SELECT value::VARCHAR FROM parquet_kv_metadata(?) WHERE key = ?"
        found = connection.execute(query, [path, CATALOGUE_KEY]).fetchall()
    return int(found[0][0]) if found else 0


def _must_know(publication: Publication, item_id: str) -> None:
    path = pattern_of(publication.part(ITEMS_FILE))
    with duckdb.connect() as connection:
        query = f"SELECT count(*) FROM read_parquet(?) WHERE {ITEM_ID} = ?"
        if not connection.execute(query, [path, item_id]).fetchall()[0][0]:
            raise UnknownItemError(
                f"item {item_id!r} is not in the catalogue of {publication.path}; "
                "ids are compared letter by letter"
            )


def _select(publication: Publication, file: str, column: str | None, wanted: str, k: int) -> list[Row]:
    """Rows of one list with titles, where the dataset has them."""
    path, described = publication.part(file), publication.part(TITLES)
    which = f"WHERE {column} = $wanted" if column else "WHERE $wanted = ''"
    lists = f"SELECT * FROM read_parquet($lists) {which} AND {RANK} <= $k"
    parameters = {"lists": pattern_of(path), "wanted": wanted, "k": k}
    other = _shown_item(path, column)
    query = f"{lists} ORDER BY {RANK}"
    if other and _has_titles(described):
        parameters["titles"] = pattern_of(described)
        query = (
            f"SELECT l.*, t.{TITLE} FROM ({lists}) l LEFT JOIN read_parquet($titles) t "
            f"ON l.{other} = t.{ITEM_ID} ORDER BY l.{RANK}"
        )
    with duckdb.connect() as connection:
        rows = connection.execute(query, parameters)
        names = [each[0] for each in rows.description]
        return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def _shown_item(path: Path, owner: str | None) -> str | None:
    """Column of a list that holds items and is not its owner."""
    return next((name for name in _columns(path) if name.endswith(ITEM_ID) and name != owner), None)


def _has_titles(path: Path) -> bool:
    return path.exists() and TITLE in _columns(path)


def _columns(path: Path) -> list[str]:
    """Names of the columns of a Parquet file."""
    with duckdb.connect() as connection:
        found = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [pattern_of(path)]).description
    return [column[0] for column in found]
