"""Whole runs from a database, and what is published taken into one."""

import csv
import json

import pyarrow.parquet as pq
import pytest
import sqlalchemy
from click.testing import CliRunner
from shop_database import fill_table, make_publication, rows_of, run_sql
from small_shop import published_bytes, run, write_dataset

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, DamagedError, DatabaseError
from data_contracts.parameters import BackfillParameters, NightlyParameters
from data_contracts.predictions import TABLES
from data_contracts.source_section import SourceSection
from flows.backfill import backfill
from flows.cli import main
from tasks.ingestion import task
from tasks.publication.delivery import check_delivery, deliver, export_folder
from tasks.publication.registry import latest
from tasks.runtime.progress import Silent, listening
from tasks.sources import snapshot
from tasks.sources.databases import source_url

SECRET = "not-to-be-seen"
# Not the line: it would tell the copies of a row apart.
QUERY = """query = '''
SELECT Invoice, Item, Title, Category, Quantity, Date, Price, Customer, Country FROM orders ORDER BY line'''"""


class Heard(Silent):
    """What was done, and what was reused."""

    def __init__(self):
        self.done, self.reused = [], []

    def finished(self, step, seconds, *, reused, facts):
        (self.reused if reused else self.done).append(step)


@pytest.fixture
def shop(tmp_path, small_log, monkeypatch):
    """A SQLite file that holds the readable lines of the small log, named by a variable."""
    with small_log.open(encoding="utf-8", errors="replace", newline="") as file:
        header, *lines = csv.reader(file)
    good = [line for line in lines if len(line) == len(header) and "\ufffd" not in "".join(line)]
    rows = [(at, *(value or None for value in line)) for at, line in enumerate(good)]
    url = f"sqlite:///{tmp_path / SECRET}.db"
    fill_table(url, "orders", rows, line=sqlalchemy.Integer, **dict.fromkeys(header, sqlalchemy.Text))
    monkeypatch.setenv("SHOP_DB_URL", url)
    return url


@pytest.fixture
def from_shop(tmp_path, shop, prefect_server):
    """The dataset file of a run on that database."""
    return write_dataset(
        tmp_path,
        [('path = "sample.csv"', f"url_env = 'SHOP_DB_URL'\n{QUERY}\n#"), ('format = "csv"\n', "")],
    )


def heard_run(dataset, **parameters):
    heard = Heard()
    with listening(heard):
        return run(NightlyParameters(dataset=str(dataset), **parameters)).result(), heard


def test_nightly__from_a_database_as_from_a_file(home, from_shop, shop, first_run):
    summary, _ = heard_run(from_shop)

    assert published_bytes(summary) == published_bytes(first_run)
    written = [path for path in home.rglob("*") if path.suffix in {".json", ".html"}]
    assert len(written) > 20
    assert not [path for path in written if SECRET in path.read_text()]


def test_nightly__the_same_rows_are_read_and_nothing_else_is_done(home, from_shop, shop):
    first, _ = heard_run(from_shop)
    again, heard = heard_run(from_shop)
    run_sql(shop, "UPDATE orders SET Quantity = '7' WHERE line = 20000")
    changed, after = heard_run(from_shop)

    assert heard.done == ["read the database of small"]
    assert published_bytes(again) == published_bytes(first)
    assert after.done[:2] == ["read the database of small", "read and check small.parquet"]
    assert changed.run_id != first.run_id


def test_backfill__a_file_given_instead_of_the_database(warm_home, from_shop, small_log, monkeypatch):
    monkeypatch.delenv("SHOP_DB_URL")
    heard = Heard()
    given = BackfillParameters(
        dataset=str(from_shop), first="2025-07-01", last="2025-07-01", source=str(small_log)
    )
    with listening(heard):
        (row,) = backfill(given)

    assert row["result"] == "published"
    assert "read the database of small" not in heard.done


def test_find_source__the_snapshot_given_as_a_file_is_the_same_source(home, from_shop):
    spec = DatasetSpec.load(from_shop)
    read = task.find_source(spec)

    assert task.find_source(spec, str(read.path)) == read
    assert read.path.name == "small.parquet"
    assert SECRET not in read.model_dump_json()


def test_find_source__tries_again_when_the_database_is_away(home, from_shop, monkeypatch):
    take, calls = snapshot.take_snapshot, []

    def away_once(spec):
        calls.append(spec.name)
        if len(calls) == 1:
            raise DatabaseError("the database is being restarted")
        return take(spec)

    monkeypatch.setattr(snapshot, "take_snapshot", away_once)
    monkeypatch.setattr(
        task, "snapshot", task.snapshot.with_options(retry_delay_seconds=0, retry_jitter_factor=None)
    )

    assert task.find_source(DatasetSpec.load(from_shop)).path.exists()
    assert calls == ["small", "small"]


def test_find_source__a_wrong_query_is_not_tried_again(home, from_shop, shop, monkeypatch):
    take, calls = snapshot.take_snapshot, []
    run_sql(shop, "DROP TABLE orders")
    monkeypatch.setattr(snapshot, "take_snapshot", lambda spec: calls.append(spec) or take(spec))

    with pytest.raises(ConfigurationError, match="no such table: orders"):
        task.find_source(DatasetSpec.load(from_shop))
    assert len(calls) == 1


def test_source_url__from_a_prefect_block(prefect_server):
    from prefect.blocks.system import Secret

    Secret(value=f"postgresql://shop:{SECRET}@db/shop").save("shop-db")

    assert source_url(SourceSection(url_block="shop-db", query="SELECT 1 ORDER BY 1")).password == SECRET
    with pytest.raises(ConfigurationError, match="there is no Prefect Secret block 'nowhere'"):
        source_url(SourceSection(url_block="nowhere", query="SELECT 1 ORDER BY 1"))


@pytest.fixture
def delivering(tmp_path, database, monkeypatch, prefect_server):
    """A dataset whose runs are delivered as CSV and into a database."""
    monkeypatch.setenv("SINK_URL", database)
    path = tmp_path / "shop.toml"
    path.write_text(
        'name = "shop"\n[source]\npath = "log.csv"\n[columns]\nuser = "u"\nitem = "i"\ntime = "t"\n'
        "[export]\nformats = ['csv']\nsink_env = 'SINK_URL'\n"
    )
    return DatasetSpec.load(path)


def test_deliver__what_is_live_and_nothing_else(home, tmp_path, delivering, database):
    newer = make_publication(tmp_path, "second", model="bpr", day=2)
    told = deliver(newer, delivering)
    older = make_publication(tmp_path, "first", day=1)

    assert [row["what"] for row in told] == [
        *(f"{name}.csv" for name in TABLES),
        *(f"shelftalker_{name}" for name in TABLES),
    ]
    assert deliver(older, delivering) == []
    assert deliver(newer, delivering) == told
    assert run_sql(database, "SELECT DISTINCT run FROM shelftalker_loads") == [("second",)]
    assert sorted(path.name for path in export_folder(newer).iterdir()) == sorted(f"{n}.csv" for n in TABLES)
    assert not export_folder(older).exists()


def test_deliver__into_redis(home, tmp_path, delivering, redis_url, monkeypatch):
    import redis

    monkeypatch.setenv("SINK_URL", redis_url)
    check_delivery(delivering)
    newer = make_publication(tmp_path, "second", model="bpr", day=2)
    told = deliver(newer, delivering)

    assert told[len(TABLES)]["what"] == "shelftalker:shop:second:user:*"
    with redis.Redis.from_url(redis_url) as client:
        assert json.loads(client.get("shelftalker:shop:live"))["run"] == "second"
    monkeypatch.setenv("SINK_URL", "redis://host/shop")
    with pytest.raises(ConfigurationError, match="'shop' is no database of the Redis server at host"):
        check_delivery(delivering)


def test_nightly__loads_what_becomes_live_into_the_shops_database(warm_home, small, tmp_path, monkeypatch):
    wanted = [("[evaluation]", '[export]\nformats = ["csv"]\nsink_env = "SHOP_SINK"\n\n[evaluation]')]
    with pytest.raises(ConfigurationError, match="SHOP_SINK"):
        run(small(wanted)).result()
    monkeypatch.setenv("SHOP_SINK", url := f"sqlite:///{tmp_path / 'site.db'}")
    summary = run(small(wanted)).result()
    predictions = pq.read_table(f"{summary.path}/predictions.parquet")

    assert run_sql(url, "SELECT count(*) FROM shelftalker_predictions") == [(len(predictions),)]
    assert (export_folder(latest("small")) / "predictions.csv").is_file()


def test_deliver__a_dataset_that_asks_for_nothing(first_run, warm_home, tmp_path):
    assert deliver(latest("small"), DatasetSpec.load(write_dataset(tmp_path))) == []


@pytest.fixture
def export(home, monkeypatch):
    monkeypatch.setattr("flows.cli_common.settle", lambda home, **_: None)
    return lambda *words: CliRunner().invoke(main, ["export", "--dataset", "shop", *map(str, words)])


def test_export__files_are_not_replaced_unless_told(export, tmp_path):
    publication = make_publication(tmp_path)
    words = ("--format", "jsonl", "--table", "strangers", "--output", tmp_path / "out", "--json")
    first, second = export(*words), export(*words)

    assert json.loads(first.stdout) == [
        {"what": "strangers.jsonl", "rows": 2, "where": str(tmp_path / "out")}
    ]
    assert second.exit_code == 2
    assert "strangers.jsonl exists already; move it away, or give --overwrite" in second.stderr
    assert export(*words, "--overwrite").exit_code == 0
    assert export().exit_code == 0
    assert (export_folder(publication) / "predictions.csv").exists()


def test_export__a_run_by_its_name_into_a_database(export, tmp_path, database, monkeypatch):
    monkeypatch.setenv("SINK_URL", database)
    older = make_publication(tmp_path, "abc-first", day=1)
    make_publication(tmp_path, "second", model="bpr", day=2)
    done = export("--run", "abc", "--sink", "env:SINK_URL", "--chunk-rows", 3, "--json")

    assert [row["what"] for row in json.loads(done.stdout)] == [f"shelftalker_{name}" for name in TABLES]
    assert len(run_sql(database, "SELECT * FROM shelftalker_predictions")) == len(
        rows_of(older, "predictions")
    )
    assert run_sql(database, "SELECT DISTINCT run FROM shelftalker_loads") == [("abc-first",)]
    assert not export_folder(older).exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--run", "nowhere"], 2, "has no single publication 'nowhere'; there are: first"),
        (["--sink", "env:NOWHERE"], 2, "environment variable NOWHERE is not set"),
        (["--sink", "nonsense"], 2, "is no SQLAlchemy URL"),
        (["--sink", "mssql+pyodbc://h/d"], 2, "no driver for 'mssql+pyodbc' is installed"),
        (["--format", "xml"], 2, "'xml' is not one of"),
        (["--dataset", "elsewhere"], 2, "nothing is published for dataset 'elsewhere'"),
    ],
)
def test_export__what_cannot_be_done(export, tmp_path, words, code, said):
    make_publication(tmp_path)
    done = export(*words)

    assert (done.exit_code, said in done.stderr) == (code, True)


def test_export__a_damaged_publication_goes_nowhere(export, tmp_path):
    publication = make_publication(tmp_path)
    path = publication.folder / TABLES["strangers"]
    pq.write_table(pq.read_table(path).slice(1), path)
    done = export("--output", tmp_path / "out")

    assert done.exit_code == DamagedError.exit_code
    assert "is damaged" in done.stderr
    assert not (tmp_path / "out").exists()
