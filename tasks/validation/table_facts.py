"""Count the facts that the contracts judge; `data_contracts.facts` says what each one means."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.columns import ITEM_ID, RANK, SCORE, USER_ID
from data_contracts.facts import TableFacts
from data_contracts.identifiers import Vocabulary
from data_contracts.interactions import GroupedMatrix
from tasks.numeric.inspection import inspect
from tasks.runtime import duckdb_engine


def vocabulary_facts(vocabulary: Vocabulary) -> TableFacts:
    """Facts of one vocabulary."""
    lengths = pc.binary_length(vocabulary.ids)
    return {
        "name": vocabulary.name,
        "size": len(vocabulary),
        "distinct": pc.count_distinct(vocabulary.ids).as_py(),
        "null_ids": vocabulary.ids.null_count,
        "empty_ids": pc.sum(pc.equal(lengths, 0)).as_py() or 0,
        "out_of_order": sum(_out_of_order(part) for part in vocabulary.parts()),
        "longest": pc.max(lengths).as_py() or 0,
    }


def _out_of_order(ids: pa.Array) -> int:
    return pc.sum(pc.less_equal(ids[1:], ids[:-1])).as_py() or 0


def matrix_facts(matrix: GroupedMatrix, events: int, sizes: tuple[int, int]) -> tuple[TableFacts, TableFacts]:
    """Facts of the interactions and of the grouped matrix made from them.

    Parameters
    ----------
    matrix
        Both views.
    events
        Events of known users that the pairs were merged from.
    sizes
        Sizes of the vocabularies, users first.

    """
    users, items = inspect(matrix.by_user), inspect(matrix.by_item)
    filled = np.flatnonzero(matrix.by_user.lengths())
    interactions: TableFacts = {
        "rows": matrix.nnz,
        "events": events,
        "n_users": sizes[0],
        "n_items": sizes[1],
        "null_codes": int(users.min_index < 0),
        "min_user_code": int(filled[0]) if len(filled) else 0,
        "max_user_code": int(filled[-1]) if len(filled) else -1,
        "min_item_code": users.min_index,
        "max_item_code": users.max_index,
        "repeated_pairs": users.repeated,
        "bad_weights": users.bad_values + users.low_values,
    }
    sums = (users.weight_sum, items.weight_sum)
    grouped: TableFacts = {
        "n_users": matrix.n_users,
        "n_items": matrix.n_items,
        "vocabulary_users": sizes[0],
        "vocabulary_items": sizes[1],
        "entries_by_user": matrix.by_user.nnz,
        "entries_by_item": matrix.by_item.nnz,
        "pairs": matrix.nnz,
        "falling_indptr": users.falling_indptr + items.falling_indptr,
        "min_index": min(users.min_index, items.min_index),
        "max_item_index": users.max_index,
        "max_user_index": items.max_index,
        "unsorted_entries": users.unsorted + users.repeated + items.unsorted + items.repeated,
        "bad_values": users.bad_values + items.bad_values,
        "weight_gap": abs(sums[0] - sums[1]) / max(*sums, 1.0),
    }
    return interactions, grouped


def model_facts(folder: Path, shape: tuple[int, int], sizes: tuple[int, int], differences: int) -> TableFacts:
    """Facts of a saved model."""
    return {
        "n_users": shape[0],
        "n_items": shape[1],
        "vocabulary_users": sizes[0],
        "vocabulary_items": sizes[1],
        "vocabulary_differences": differences,
        "bad_numbers": not_finite(folder),
    }


def not_finite(folder: Path) -> int:
    """NaN or infinite numbers in the arrays of a saved model."""
    found = 0
    for path in sorted(folder.glob("*.npy")):
        array = np.load(path, allow_pickle=False)
        if np.issubdtype(array.dtype, np.floating):
            found += int((~np.isfinite(array)).sum())
    return found


def prediction_facts(
    predictions: Path,
    items: Path,
    *,
    eligible: int,
    k: int,
    short: int,
    max_short_share: float,
    forbidden: int,
    scratch: Path,
) -> TableFacts:
    """Facts of predictions.parquet, counted by the engine.

    Parameters
    ----------
    predictions, items
        The table and the item vocabulary.
    eligible
        Users who must have a list.
    k
        Length asked for.
    short, max_short_share
        Lists that are shorter than they could be, and the largest share of `eligible` that may be.
    forbidden
        Entries that show an item where the scenario excludes it.
    scratch
        Where DuckDB may spill.

    """
    with duckdb_engine.connect(scratch) as connection:
        table = f"read_parquet({duckdb_engine.path_literal(predictions)})"
        vocabulary = f"read_parquet({duckdb_engine.path_literal(items)})"
        connection.execute(
            f"""CREATE TABLE per_user AS
            SELECT count(*) AS n, min({RANK}) AS first, max({RANK}) AS last,
                   count(DISTINCT {RANK}) AS ranks, count(DISTINCT {ITEM_ID}) AS items,
                   count(*) FILTER ({USER_ID} IS NULL OR {ITEM_ID} IS NULL) AS nulls,
                   count(*) FILTER ({SCORE} IS NULL OR NOT isfinite({SCORE})) AS bad,
                   list({SCORE} ORDER BY {RANK}) AS scores
            FROM {table} GROUP BY {USER_ID}"""
        )
        rows = connection.execute(
            """SELECT coalesce(sum(n), 0), count(*), coalesce(sum(nulls), 0), coalesce(min(first), 1),
                   coalesce(max(last), 0), count(*) FILTER (first <> 1 OR last <> n OR ranks <> n),
                   coalesce(sum(n - items), 0), coalesce(sum(bad), 0),
                   coalesce(sum(rises), 0)
            FROM per_user, LATERAL (SELECT len(list_filter(
                range(1, len(scores)), lambda i: scores[i + 1] > scores[i])) AS rises)"""
        ).fetchall()[0]
        shown = duckdb_engine.number(connection, f"SELECT count(DISTINCT {ITEM_ID}) FROM {table}")
        unknown = duckdb_engine.number(
            connection, f"SELECT count(*) FROM {table} ANTI JOIN {vocabulary} USING ({ITEM_ID})"
        )
    names = ("rows", "users", "null_ids", "min_rank", "max_rank", "rank_gaps", "repeated_items", "bad_scores")
    counted: dict[str, int | float | str | bool] = {
        name: int(n) for name, n in zip(names, rows, strict=False)
    }
    return counted | {
        "rising_scores": int(rows[8]),
        "short_list_share": short / max(eligible, 1),
        "max_short_list_share": max_short_share,
        "eligible_users": eligible,
        "k": k,
        "unknown_items": unknown,
        "forbidden_items": forbidden,
        "items": shown,
    }
