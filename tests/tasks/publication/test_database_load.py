"""Loading into a shop's database: readers see the old tables or the new ones, whole."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from shop_database import ODD_IDS, make_publication, rows_of, run_sql

from data_contracts.errors import ConfigurationError, DatabaseError
from data_contracts.predictions import TABLES
from tasks.publication import database_load, database_sinks
from tasks.publication.database_load import load
from tasks.sources.databases import sink_url

NAMES = [f"shelftalker_{name}" for name in TABLES]


@pytest.fixture
def publications(home, tmp_path):
    """Two publications that share no row and differ in length."""
    first = make_publication(tmp_path, "first", model="wals")
    many = tuple(f"user-{at:05d}" for at in range(700))
    return first, make_publication(tmp_path, "second", users=many, k=10, model="bpr", day=2)


def send(publication, url, **options):
    files = {name: publication.folder / file for name, file in TABLES.items()}
    return load(publication, files, sink_url(url), **options)


def found(url, table="predictions"):
    """Rows of a table as the file has them: single precision, in the order of the key."""
    rows = run_sql(url, f"SELECT * FROM shelftalker_{table}")
    return sorted(tuple(float(np.float32(v)) if type(v) is float else v for v in row) for row in rows)


def runs(url):
    return {row[0] for row in run_sql(url, "SELECT run FROM shelftalker_loads")}


def tables(url):
    if url.startswith("sqlite"):
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    return {row[0] for row in run_sql(url, query)}


def test_load__rows_are_those_of_the_publication(database, publications):
    first, _ = publications
    told = send(first, database, chunk_rows=5)

    for name in TABLES:
        assert found(database, name) == sorted(rows_of(first, name))
    assert {row[0] for row in found(database)} == set(ODD_IDS)
    assert [row["rows"] for row in told] == [24, 24, 2, 24]
    assert tables(database) == {*NAMES, "shelftalker_loads"}
    query = "SELECT table_name, dataset, CAST(as_of AS TEXT), run, row_count FROM shelftalker_loads"
    assert set(run_sql(database, query)) == {
        (row["what"], "shop", "2026-01-01", "first", row["rows"]) for row in told
    }


def test_load__replaces_what_is_there_again_and_again(database, publications):
    for publication in (*publications, *publications):
        send(publication, database, chunk_rows=1000)

        assert found(database) == sorted(rows_of(publication, "predictions"))
        assert runs(database) == {publication.run}
    # The key keeps its rows apart under the lasting table, too.
    with pytest.raises(Exception, match=r"(?i)unique"):
        run_sql(database, "INSERT INTO shelftalker_predictions SELECT * FROM shelftalker_predictions")


def test_load__a_table_that_is_not_ours_is_left_alone(database, publications):
    first, _ = publications
    run_sql(
        database,
        "CREATE TABLE shelftalker_strangers (a INTEGER)",
        "INSERT INTO shelftalker_strangers VALUES (7)",
    )

    with pytest.raises(ConfigurationError, match=r"shelftalker_strangers in .* was not made by shelftalker"):
        send(first, database)
    assert run_sql(database, "SELECT a FROM shelftalker_strangers") == [(7,)]


def test_load__another_dataset_is_refused(database, publications):
    first, _ = publications
    send(first, database)
    files = {"strangers": first.folder / TABLES["strangers"]}

    with pytest.raises(ConfigurationError, match=r"holds dataset 'shop'; load dataset 'other' into another"):
        load(first.model_copy(update={"dataset": "other"}), files, sink_url(database))


def test_load__rows_that_do_not_arrive_replace_nothing(database, publications, monkeypatch):
    first, second = publications
    send(first, database)
    kind = database_sinks.Sqlite if database.startswith("sqlite") else database_sinks.Postgres
    insert = kind.insert
    monkeypatch.setattr(kind, "insert", lambda self, *given: insert(self, *given[:2], given[2].slice(1)))

    with pytest.raises(DatabaseError, match=r"is not what was sent: count.* nothing was replaced"):
        send(second, database)
    assert found(database) == sorted(rows_of(first, "predictions"))
    assert tables(database) == {*NAMES, "shelftalker_loads"}


def test_load__a_view_of_the_shop_goes_on(database, publications):
    first, second = publications
    send(first, database)
    run_sql(
        database, "CREATE VIEW best AS SELECT user_id, item_id FROM shelftalker_predictions WHERE rank = 1"
    )
    send(second, database)

    assert len(run_sql(database, "SELECT * FROM best")) == 700


@pytest.mark.postgres
def test_load__what_was_granted_on_postgresql_stays_granted(postgres, publications):
    first, second = publications
    send(first, postgres)
    run_sql(postgres, "GRANT SELECT ON shelftalker_predictions TO PUBLIC")
    run_sql(postgres, 'GRANT SELECT, INSERT ON shelftalker_predictions TO "pg_monitor" WITH GRANT OPTION')
    acl = (
        "SELECT pg_get_userbyid(grantee), privilege_type, is_grantable FROM pg_class, aclexplode(relacl) "
        "WHERE oid = to_regclass('shelftalker_predictions') ORDER BY 1, 2"
    )
    before = run_sql(postgres, acl)
    send(second, postgres)

    assert run_sql(postgres, acl) == before
    assert ("pg_monitor", "INSERT", True) in before


@pytest.mark.postgres
def test_load__a_reader_with_an_old_snapshot_sees_the_old_rows(postgres, publications):
    first, second = publications
    send(first, postgres)
    with (
        database_load.opened(sink_url(postgres), "reading") as engine,
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as reader,
    ):
        reader.exec_driver_sql("SELECT 1")
        send(second, postgres)
        query = "SELECT count(*), min(model) FROM shelftalker_predictions"
        old = tuple(reader.exec_driver_sql(query).one())

    assert old == (24, "wals")
    assert run_sql(postgres, query) == [(7000, "bpr")]


@pytest.mark.postgres
def test_load__a_schema_that_is_named(postgres, publications):
    first, _ = publications
    schema = run_sql(postgres, "SELECT current_schema()")[0][0]
    other = f"{schema}-Other"
    with pytest.raises(ConfigurationError, match=f"has no schema '{other}'; make it: CREATE SCHEMA"):
        send(first, postgres, schema=other)
    run_sql(postgres, f'CREATE SCHEMA "{other}"')
    try:
        send(first, postgres, schema=other)
        send(first, postgres, schema=other)
        assert run_sql(postgres, f'SELECT count(*) FROM "{other}".shelftalker_predictions') == [(24,)]
    finally:
        run_sql(postgres, f'DROP SCHEMA "{other}" CASCADE')


def test_load__where_nothing_can_be_loaded(tmp_path, publications):
    first, _ = publications
    for url, schema, said in (
        ("sqlite://", None, "in memory ends with the load"),
        (f"sqlite:///{tmp_path}/a.db", "x", "has no schemas"),
        (f"sqlite:///{tmp_path}/no/folder/a.db", None, "does not answer as it should: unable to open"),
    ):
        with pytest.raises((ConfigurationError, DatabaseError), match=said):
            send(first, url, schema=schema)


def test_load__readers_see_one_publication_whole(database, publications):
    send(publications[0], database)
    whole = {(24, "wals", "wals"), (7000, "bpr", "bpr")}
    seen, stop = [], threading.Event()

    def read():
        while not stop.is_set():
            query = "SELECT count(*), min(model), max(model) FROM shelftalker_predictions"
            seen.append(run_sql(database, query)[0])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(4):
            for publication in reversed(publications):
                send(publication, database, chunk_rows=500)
    finally:
        stop.set()
        reader.join()

    assert set(seen) == whole


def test_load__two_at_once_do_not_mix(database, publications):
    def send_often(publication):
        for _ in range(3):
            send(publication, database, chunk_rows=500)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send_often, publications))

    (run,) = runs(database)
    last = next(each for each in publications if each.run == run)
    for name in TABLES:
        assert found(database, name) == sorted(rows_of(last, name))


def test_load__a_load_that_does_not_end_is_not_waited_for_forever(database, publications, monkeypatch):
    first, _ = publications
    monkeypatch.setattr(database_sinks, "WAIT_SECONDS", 0.3)
    with (
        database_load.opened(sink_url(database), "holding") as engine,
        engine.connect() as connection,
        database_sinks.sink_of(engine, None).alone(connection),
        pytest.raises(DatabaseError, match="another load has held"),
    ):
        send(first, database)


KILLED = textwrap.dedent("""
    import os, signal, sys
    from data_contracts.predictions import TABLES
    from tasks.publication import database_load, database_sinks
    from tasks.sources.databases import sink_url
    from tasks.publication.registry import Publication

    url, moment, publication = sys.argv[1], sys.argv[2], Publication.model_validate_json(sys.argv[3])
    kind = database_sinks.Sqlite if url.startswith("sqlite") else database_sinks.Postgres
    insert, record = kind.insert, database_load._record
    calls = 0

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def insert_some(*given):
        global calls
        insert(*given)
        calls += 1
        if moment == "insert" and calls == 3:
            die()

    def record_and_die(*given):
        record(*given)
        if moment == "swap":  # everything is renamed, nothing committed
            die()

    kind.insert, database_load._record = insert_some, record_and_die
    files = {name: publication.folder / file for name, file in TABLES.items()}
    database_load.load(publication, files, sink_url(url), chunk_rows=500)
    if moment == "after":
        die()
""")


@pytest.mark.parametrize("moment", ["insert", "swap", "after"])
def test_load__killed_in_the_middle_leaves_the_old_and_the_next_one_cleans_up(database, moment, publications):
    first, second = publications
    send(first, database)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, database, moment, second.model_dump_json()],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        check=False,
    )
    left = second if moment == "after" else first

    assert killed.returncode == -signal.SIGKILL
    assert runs(database) == {left.run}
    for name in TABLES:
        assert found(database, name) == sorted(rows_of(left, name))
    assert any("_staging" in name for name in tables(database)) == (moment != "after")

    files = {"strangers": second.folder / TABLES["strangers"]}
    load(second, files, sink_url(database))
    assert tables(database) == {*NAMES, "shelftalker_loads"}
    assert pq.read_metadata(files["strangers"]).num_rows == len(found(database, "strangers"))
