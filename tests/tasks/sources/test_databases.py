import pytest
from shop_database import run_sql

from data_contracts.errors import ConfigurationError, DatabaseError
from data_contracts.source_section import SourceSection
from tasks.runtime.step import is_worth_a_retry
from tasks.sources.databases import describe_url, must_exist, opened, sink_url, source_url

QUERY = "SELECT 1 ORDER BY 1"


def ask(url, query="SELECT 1", doing="reading"):
    with opened(url, doing) as engine, engine.connect() as connection:
        return connection.exec_driver_sql(query).scalar()


def test_source_url__from_the_file_or_the_environment(monkeypatch):
    monkeypatch.setenv("SHOP_PASSWORD", "p@ss:w/rd")
    monkeypatch.setenv("SHOP_DB_URL", "postgres://shop:p%40ss@db/shop")
    written = source_url(SourceSection(url="postgresql://shop:{SHOP_PASSWORD}@db/shop", query=QUERY))
    held = source_url(SourceSection(url_env="SHOP_DB_URL", query=QUERY))

    assert (written.drivername, written.password) == ("postgresql+psycopg", "p@ss:w/rd")
    assert (held.drivername, held.password) == ("postgresql+psycopg", "p@ss")
    assert held.query["connect_timeout"] == "10"
    assert "p@ss" not in describe_url(held)
    assert describe_url(held) == "database 'shop' at db"


def test_source_url__what_is_missing_or_no_url_is_named_and_not_repeated(monkeypatch):
    monkeypatch.setenv("SHOP_DB_URL", "secret nonsense")

    with pytest.raises(
        ConfigurationError, match="environment variable SHOP_DB_URL is no SQLAlchemy URL"
    ) as raised:
        source_url(SourceSection(url_env="SHOP_DB_URL", query=QUERY))
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__
    with pytest.raises(ConfigurationError, match="environment variable NOWHERE is not set"):
        source_url(SourceSection(url_env="NOWHERE", query=QUERY))


def test_sink_url__a_url_or_a_variable(monkeypatch):
    monkeypatch.setenv("SHOP_DB_URL", "sqlite:////shop.db")

    for given in ("sqlite:////shop.db", "env:SHOP_DB_URL", "{SHOP_DB_URL}"):
        assert sink_url(given).database == "/shop.db"


def test_opened__a_database_that_is_down_is_worth_a_retry(closed_port):
    url = sink_url(f"postgresql://shop:secret@127.0.0.1:{closed_port}/shop")

    with pytest.raises(DatabaseError) as raised:
        ask(url)

    assert str(raised.value).startswith(
        f"reading: database 'shop' at 127.0.0.1:{closed_port} does not answer"
    )
    assert "secret" not in str(raised.value)
    assert raised.value.__suppress_context__
    assert is_worth_a_retry(None, None, Failed(raised.value))


@pytest.mark.parametrize("query", ["SELECT * FROM nowhere", "SELECT 1 FROM", "SELECT missing"])
def test_opened__what_a_database_refuses_is_not_worth_a_retry(database, query):
    with pytest.raises(ConfigurationError, match=r"reading: .* refuses it: .*") as raised:
        ask(sink_url(database), query)

    assert not is_worth_a_retry(None, None, Failed(raised.value))


@pytest.mark.postgres
def test_opened__a_driver_that_repeats_the_password_is_corrected(postgres):
    url = sink_url(postgres).set(password="nowhere_to_be_found", username="nobody_at_all")

    with pytest.raises(DatabaseError) as raised:
        ask(url)

    assert "nobody_at_all" in str(raised.value)
    assert "nowhere_to_be_found" not in str(raised.value)


def test_opened__a_busy_sqlite_file_is_worth_a_retry(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.sources.databases.BUSY_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    run_sql(url, "CREATE TABLE t (a)")
    with opened(sink_url(url), "holding") as engine, engine.connect() as holder:
        holder.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseError, match="locked"):
            ask(sink_url(url), "SELECT * FROM t")


def test_opened__a_driver_that_is_not_there():
    with pytest.raises(ConfigurationError, match=r"no driver for 'oracle' is installed"):
        ask(sink_url("oracle://shop@db/shop"))


def test_must_exist__makes_no_empty_sqlite_file(tmp_path):
    path = tmp_path / "nowhere.db"

    with pytest.raises(ConfigurationError, match=r"there is no SQLite file .*nowhere\.db"):
        must_exist(sink_url(f"sqlite:///{path}"), "reading")
    assert not path.exists()


class Failed:
    def __init__(self, error):
        self.error = error

    def result(self):
        raise self.error
