"""Logs in databases: types, content, memory, and the same events as from a file."""

import os
import subprocess
import sys
import textwrap
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy
from shop_database import ODD_IDS, database_spec, fill_table, run_sql
from small_logs import dataset
from sqlalchemy.dialects import postgresql

from data_contracts.errors import ConfigurationError
from tasks.ingestion.pipeline import ingest
from tasks.runtime import store
from tasks.sources import snapshot
from tasks.sources.snapshot import snapshot_file, take_snapshot

START = datetime.fromisoformat("2024-01-01T10:00:07.123456")
LOG = [
    (
        user,
        ODD_IDS[(at * 5 + step) % len(ODD_IDS)],
        START + timedelta(days=at, minutes=step),
        at,
        step + 0.5,
    )
    for at, user in enumerate(ODD_IDS)
    for step in range(3)
]
TYPES = {
    "user": sqlalchemy.Text,
    "item": sqlalchemy.Text,
    "time": sqlalchemy.DateTime,
    "n": sqlalchemy.BigInteger,
    "price": sqlalchemy.Double,
}
ORDERS = 'SELECT "user", item, "time", n, price FROM orders ORDER BY "time", "user", item'


@pytest.fixture
def shop(database, home, monkeypatch):
    """A function that makes the database's orders table, by default of LOG."""
    monkeypatch.setenv("SHOP_DB_URL", database)

    def make(rows=LOG, **types):
        fill_table(database, "orders", rows, **(types or TYPES))
        return database

    return make


def read(spec):
    """Rows of a snapshot as tuples, and its types."""
    table = pq.read_table(take_snapshot(spec).folder / snapshot_file(spec))
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True)), table.schema.types


def test_take_snapshot__same_rows_same_key_other_rows_other_key(shop, tmp_path):
    database = shop()
    spec = database_spec(tmp_path, ORDERS)
    first, second = take_snapshot(spec), take_snapshot(spec)
    run_sql(database, "UPDATE orders SET price = 9.75 WHERE n = 3 AND price = 0.5")
    changed = take_snapshot(spec)
    run_sql(database, "UPDATE orders SET price = 0.5 WHERE n = 3 AND price = 9.75")

    assert first == second == take_snapshot(spec)
    assert changed.key != first.key
    assert first.facts["rows"] == len(LOG)
    assert len(list((store.home() / "artifacts" / "snapshot").iterdir())) == 2
    assert not list(store.home().rglob(f"{store.TEMPORARY}*"))


def test_take_snapshot__repairs_a_damaged_one(shop, tmp_path):
    shop()
    spec = database_spec(tmp_path, ORDERS)
    path = take_snapshot(spec).folder / snapshot_file(spec)
    whole = path.read_bytes()
    path.write_bytes(b"harm")

    assert (take_snapshot(spec).folder / snapshot_file(spec)).read_bytes() == whole


def test_take_snapshot__gives_the_events_that_a_file_gives(shop, tmp_path):
    shop()
    spec = database_spec(tmp_path, ORDERS)
    by_time = sorted(LOG, key=lambda row: (row[2], row[0], row[1]))
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table(list(zip(*by_time, strict=True)), names=list(TYPES)), path)
    source = take_snapshot(spec).folder / snapshot_file(spec)
    found = {}
    for name, given, where in (("file", dataset(tmp_path), path), ("database", spec, source)):
        (tmp_path / name).mkdir()
        ingest(given, where, tmp_path / name, scratch=tmp_path)
        found[name] = (tmp_path / name / "events.parquet").read_bytes()

    assert found["file"] == found["database"]
    events = pq.read_table(tmp_path / "database" / "events.parquet")
    assert set(events.column("user_id").to_pylist()) == {user.strip() for user in ODD_IDS}


@pytest.mark.postgres
def test_take_snapshot__keeps_what_postgresql_has(postgres, home, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DB_URL", postgres)
    key = uuid.UUID(int=7)
    winter = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    row = (
        Decimal(12345678901234567890),
        key,
        71053,
        "0071053",
        winter,
        date(2024, 2, 29),
        True,
        Decimal("2.50"),
    )
    kinds = {
        "a": sqlalchemy.Numeric(20),
        "b": postgresql.UUID,
        "c": sqlalchemy.Integer,
        "d": sqlalchemy.CHAR(7),
        "e": sqlalchemy.DateTime(timezone=True),
        "f": sqlalchemy.Date,
        "g": sqlalchemy.Boolean,
        "h": sqlalchemy.Numeric(10, 2),
    }
    fill_table(postgres, "kept", [row, (None,) * 8], **kinds)
    rows, types = read(database_spec(tmp_path, "SELECT * FROM kept ORDER BY a NULLS LAST"))

    assert rows == [
        (
            "12345678901234567890",
            str(key),
            71053,
            "0071053",
            winter.astimezone(UTC),
            date(2024, 2, 29),
            True,
            "2.50",
        ),
        (None,) * 8,
    ]
    assert [str(each) for each in types] == [
        *("string", "string", "int64", "string", "timestamp[us, tz=UTC]", "date32[day]", "bool", "string"),
    ]


def test_take_snapshot__a_query_is_passed_on_as_it_is(shop, tmp_path):
    shop()
    query = (
        "SELECT '10:30:00' AS a, ':name' AS b, 'a%b %s' AS c, '\\:x' AS d, CAST('7' AS TEXT) AS e ORDER BY 1"
    )

    assert read(database_spec(tmp_path, query.replace("\\", "\\\\")))[0] == [
        ("10:30:00", ":name", "a%b %s", "\\:x", "7")
    ]


@pytest.mark.postgres
def test_take_snapshot__colons_of_postgresql(postgres, home, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DB_URL", postgres)
    query = (
        """SELECT 7::text AS a, '{"k":"v"}'::jsonb->>'k' AS b, (ARRAY[1,2,3])[2:3]::text AS c ORDER BY 1"""
    )

    assert read(database_spec(tmp_path, query))[0] == [("7", "v", "{2,3}")]


@pytest.mark.parametrize(
    ("values", "kept", "kind"),
    [
        ([None, None, None, 7], [None, None, None, 7], "int64"),
        ([7, None, None, None], [7, None, None, None], "int64"),
        ([None] * 4, [None] * 4, "string"),
        ([1, 2, 3, "0071053"], ["1", "2", "3", "0071053"], "string"),
        (["85123A", 2, None, 2.5], ["85123A", "2", None, "2.5"], "string"),
        ([1, 2, 3, 2.5], ["1", "2", "3", "2.5"], "string"),
        ([1.5, 2.0, 17850.0, -0.1], [1.5, 2.0, 17850.0, -0.1], "double"),
        ([2.0, "x", 1e300, 17850.0], ["2.0", "x", "1e+300", "17850.0"], "string"),
    ],
)
def test_take_snapshot__a_column_has_one_type_whatever_the_chunks(
    values, kept, kind, tmp_path, home, monkeypatch
):
    url = f"sqlite:///{tmp_path / 'loose.db'}"
    monkeypatch.setenv("SHOP_DB_URL", url)
    shown = ", ".join(
        f"({at}, {'NULL' if value is None else repr(value)})" for at, value in enumerate(values)
    )
    run_sql(url, "CREATE TABLE loose (at INTEGER, x)", f"INSERT INTO loose VALUES {shown}")
    spec = database_spec(tmp_path, "SELECT at, x FROM loose ORDER BY at")
    for chunk in (1, 2, 3, 50):
        monkeypatch.setattr(snapshot, "CHUNK_ROWS", chunk)
        rows, types = read(spec)

        assert [row[1] for row in rows] == kept
        assert str(types[1]) == kind


def test_take_snapshot__numbers_beyond_64_bits_are_text(tmp_path, home, monkeypatch):
    table = snapshot.Table(tmp_path / "big.parquet", ["a"], "reading")
    with table:
        table.add([(2**63 - 1,), (None,)])
        table.add([(2**64,)])

    assert pq.read_table(tmp_path / "big.parquet").column(0).to_pylist() == [str(2**63 - 1), None, str(2**64)]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("part-")] == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT missing FROM orders ORDER BY 1", "missing"),
        (
            'SELECT "user", item AS "User" FROM orders ORDER BY 1',
            "more than one column 'user'; name one with AS",
        ),
        ("DELETE FROM orders -- ORDER BY", "refuses it|is no SELECT"),
        ("SELECT CAST('x' AS BLOB) AS x ORDER BY 1", "holds values of type bytes; leave it out|refuses it"),
    ],
)
def test_take_snapshot__what_cannot_be_read(shop, tmp_path, query, said):
    database = shop()

    with pytest.raises(ConfigurationError, match=said):
        take_snapshot(database_spec(tmp_path, query))
    assert run_sql(database, "SELECT count(*) FROM orders") == [(len(LOG),)]
    assert not list(store.home().rglob(f"{store.TEMPORARY}*"))


STREAM = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
    "SELECT 'user-' || (i % 90001) AS u, 'item-' || (i % 5003) AS i, i AS n FROM n ORDER BY n",
    "postgresql": "SELECT 'user-' || (i % 90001) AS u, 'item-' || (i % 5003) AS i, i AS n "
    "FROM generate_series(1, 1000000) AS s(i) ORDER BY n",
}
MEASURE = textwrap.dedent("""
    import os, sys
    from data_contracts.dataset import DatasetSpec
    from tasks.runtime.progress import Silent, listening
    from tasks.sources.snapshot import take_snapshot

    class Memory(Silent):
        seen = []

        def advanced(self, step, done, total, figures):
            pages = int(open("/proc/self/statm").read().split()[1])
            self.seen.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)

    with listening(Memory()):
        rows = take_snapshot(DatasetSpec.load(sys.argv[1])).facts["rows"]
    print(rows, max(Memory.seen[3:]) - Memory.seen[2])
""")


@pytest.mark.slow
def test_take_snapshot__memory_does_not_grow_with_the_rows(database, home, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DB_URL", database)
    run_sql(database, "SELECT 1")
    spec = database_spec(
        tmp_path,
        STREAM[database.partition("+")[0].partition(":")[0]],
        columns="user = 'u'\nitem = 'i'\ntime = 'n'",
    )
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, spec.file],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=True,
    )
    rows, growth_mb = done.stdout.split()

    assert int(rows) == 1_000_000
    # A million such rows as Python tuples take 250 MB; 150,000 of them were seen at the first measurement.
    assert float(growth_mb) < 50
