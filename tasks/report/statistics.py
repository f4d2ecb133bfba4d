"""Statistics of the published lists for the report: exposure, scores and examples, read from the run's files."""

from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from data_contracts.columns import EVENT_TIME, ITEM_ID, MODEL, RANK, SCORE, TITLE, USER_ID
from data_contracts.selection import Selection
from tasks.preparation.select_events import select_events
from tasks.runtime import duckdb_engine

N_EXAMPLES = 10
N_PAST = 10
N_BINS = 40
LONGEST_TITLE = 80
"""Titles are cut to so many characters, so that a huge one cannot bloat the page."""


class Exposure(NamedTuple):
    """Per item, in no particular order: events in the window, and lists that show it."""

    events: npt.NDArray[np.int64]
    lists: npt.NDArray[np.int64]


class Scores(NamedTuple):
    """Distribution of the published scores of the winner."""

    edges: npt.NDArray[np.float64]
    """(N_BINS + 1,) from the 1 % to the 99 % quantile."""
    counts: npt.NDArray[np.int64]
    """(N_BINS,)."""
    by_rank: npt.NDArray[np.float64]
    """(k, 5): quantiles 5, 25, 50, 75, 95 % of each rank."""


class Lists(NamedTuple):
    """Statistics of published lists."""

    exposure: Exposure
    scores: Scores
    examples: list[dict[str, Any]]


def read_lists(
    predictions: Path, events: Path, titles: Path, selection: Selection, model: str, scratch: Path
) -> Lists:
    """Compute the statistics of published lists.

    Parameters
    ----------
    predictions, events, titles
        predictions.parquet, events.parquet, and the items' descriptions.
    selection
        Events that the lists were made from.
    model
        Name of the model whose scores are used; those of the cold-start list are on another scale.
    scratch
        Where DuckDB may spill.

    """
    with duckdb_engine.connect(scratch) as connection:
        select_events(connection, events, selection)
        for name, path in (("lists", predictions), ("described", titles)):
            connection.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_parquet({duckdb_engine.path_literal(path)})"
            )
        titled = TITLE in pq.read_schema(titles).names
        connection.execute(
            f"CREATE TABLE titles AS SELECT {ITEM_ID}, "
            f"{f'left({TITLE}, {LONGEST_TITLE})' if titled else 'NULL'} AS {TITLE} FROM described"
        )
        return Lists(_exposure(connection), _scores(connection, model), _examples(connection))


def _exposure(connection: duckdb.DuckDBPyConnection) -> Exposure:
    return Exposure(
        *duckdb_engine.arrays(
            connection,
            f"""SELECT coalesce(e.n, 0)::BIGINT, coalesce(l.n, 0)::BIGINT
            FROM (SELECT {ITEM_ID}, count(*) AS n FROM events GROUP BY ALL) e
            FULL JOIN (SELECT {ITEM_ID}, count(*) AS n FROM lists GROUP BY ALL) l USING ({ITEM_ID})
            ORDER BY {ITEM_ID}""",
        )
    )


def _scores(connection: duckdb.DuckDBPyConnection, model: str) -> Scores:
    own = f"(SELECT {RANK}, {SCORE}::DOUBLE AS {SCORE} FROM lists WHERE {MODEL} = {duckdb_engine.literal(model)})"
    low, high = (
        float(each[0])
        for each in duckdb_engine.arrays(connection, f"SELECT {_quantiles([0.01, 0.99])} FROM {own}")
    )
    place = f"floor(({SCORE} - {low!r}) / {(high - low) or 1.0!r} * {N_BINS})::INT"
    bins, found = duckdb_engine.arrays(
        connection,
        f"""SELECT least(greatest({place}, 0), {N_BINS - 1}) AS bin, count(*) FROM {own}
        WHERE {SCORE} BETWEEN {low!r} AND {high!r} GROUP BY bin""",
    )
    counts = np.zeros(N_BINS, np.int64)
    counts[bins] = found
    ranks = duckdb_engine.arrays(
        connection,
        f"SELECT {_quantiles([0.05, 0.25, 0.5, 0.75, 0.95])} FROM {own} GROUP BY {RANK} ORDER BY {RANK}",
    )
    return Scores(np.linspace(low, high if high > low else low + 1.0, N_BINS + 1), counts, np.stack(ranks, 1))


def _quantiles(shares: list[float]) -> str:
    return ", ".join(
        f"coalesce(quantile_cont({SCORE}, {share}), 0) AS q{at}" for at, share in enumerate(shares)
    )


def _examples(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Users from the shortest history to the longest, each with the latest items and the list."""
    connection.execute(
        f"""CREATE TABLE chosen AS SELECT {USER_ID}, n FROM (
            SELECT *, row_number() OVER (ORDER BY n, {USER_ID}) - 1 AS place, count(*) OVER () AS users
            FROM (SELECT {USER_ID}, count(*) AS n FROM events WHERE {USER_ID} IS NOT NULL GROUP BY ALL))
        WHERE place IN (SELECT ((2 * i + 1) * users) // {2 * N_EXAMPLES} FROM range({N_EXAMPLES}) AS r(i))"""
    )
    connection.execute(
        f"""CREATE TABLE past AS SELECT {USER_ID}, {ITEM_ID}, count(*) AS times, max({EVENT_TIME}) AS last
        FROM events JOIN chosen USING ({USER_ID}) GROUP BY ALL"""
    )
    past = _rows(
        connection,
        f"""SELECT * FROM past LEFT JOIN titles USING ({ITEM_ID})
        QUALIFY row_number() OVER (PARTITION BY {USER_ID} ORDER BY last DESC, times DESC, {ITEM_ID}) <= {N_PAST}
        ORDER BY {USER_ID}, last DESC, times DESC, {ITEM_ID}""",
    )
    lists = _rows(
        connection,
        f"""SELECT l.{USER_ID}, l.{RANK}, l.{ITEM_ID}, l.{SCORE}, l.{MODEL}, t.{TITLE}, p.times
        FROM lists l JOIN chosen USING ({USER_ID}) LEFT JOIN titles t USING ({ITEM_ID})
        LEFT JOIN past p ON p.{USER_ID} = l.{USER_ID} AND p.{ITEM_ID} = l.{ITEM_ID}
        ORDER BY l.{USER_ID}, l.{RANK}""",
    )
    users = _rows(connection, f"SELECT * FROM chosen ORDER BY n, {USER_ID}")
    return [
        {
            **user,
            "past": [row for row in past if row[USER_ID] == user[USER_ID]],
            "list": [row for row in lists if row[USER_ID] == user[USER_ID]],
        }
        for user in users
    ]


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    return duckdb_engine.table(connection, query).to_pylist()  # type: ignore[no-any-return]
