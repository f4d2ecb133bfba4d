"""Quantiles from counts are those that DuckDB takes of the values themselves."""

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("distributed")

from tasks.cluster.quantiles import _Counts

pytestmark = pytest.mark.cluster


def counted(tmp_path, values):
    """What DuckDB finds, and the counts of the same values in three blocks."""
    column = pa.table({"value": pa.array(values, pa.float32())})
    counts = _Counts(tmp_path).__enter__()
    with duckdb.connect() as connection:
        connection.register("events", column)
        for at, part in enumerate(np.array_split(values, 3)):
            different, n = np.unique(part.astype(np.float32), return_counts=True)
            pq.write_table(pa.table({"value": different, "n": n}), counts.folder / f"{at}.parquet")
        shares = [0.01, 0.1, 0.29, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 1.0]
        found = ", ".join(f"quantile_disc(value, {share!r})::DOUBLE" for share in shares)
        theirs = connection.execute(f"SELECT {found}, median(value)::DOUBLE FROM events").fetchall()[0]
    mine = (*(counts.quantile(share) for share in shares), counts.median())
    counts.__exit__()
    return mine, theirs


@pytest.mark.parametrize("n", [1, 2, 3, 10, 57, 100, 1000])
def test_counts__give_the_quantiles_of_the_values(tmp_path, n):
    rng = np.random.default_rng(n)
    mine, theirs = counted(tmp_path, np.round(rng.gamma(2.0, 7.0, n), 1) + 0.1)
    assert mine == theirs


def test_counts__of_nothing_have_no_quantile(tmp_path):
    with _Counts(tmp_path) as counts:
        nothing = pa.table({"value": pa.array([], pa.float32()), "n": pa.array([], pa.int64())})
        pq.write_table(nothing, counts.folder / "0.parquet")
        assert (counts.quantile(0.5), counts.median()) == (None, 1.0)
