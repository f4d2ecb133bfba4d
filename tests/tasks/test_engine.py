import pytest

from tasks.engine import connect, first_line, literal, quote


@pytest.mark.parametrize("name", ["plain", 'with "quotes"', "with 'ticks'", "tab\tand\nline", "🛒", "select"])
def test_quote_and_literal__hold_any_text(tmp_path, name):
    with connect(tmp_path) as connection:
        result = connection.sql(f"SELECT {literal(name)} AS {quote(name)}")

        assert result.columns == [name]
        assert result.fetchall() == [(name,)]


def test_connect__leaves_nothing_behind_even_after_an_error(tmp_path):
    def work():
        with connect(tmp_path) as connection:
            connection.execute("CREATE TABLE t AS SELECT * FROM range(100_000)")
            assert list(tmp_path.iterdir())
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        work()

    assert not list(tmp_path.iterdir())


def test_connect__keeps_to_its_limit_by_spilling(tmp_path):
    with connect(tmp_path, memory_limit="60MB") as connection:
        connection.execute("SET threads = 1")
        connection.execute("CREATE TABLE t AS SELECT hash(i)::VARCHAR AS text FROM range(2_000_000) AS r(i)")
        connection.execute("CREATE TABLE sorted AS SELECT text FROM t ORDER BY text")

        assert connection.execute("SELECT count(*) FROM sorted").fetchall() == [(2_000_000,)]
        assert connection.execute("SELECT current_setting('memory_limit')").fetchall() == [("57.2 MiB",)]


def test_first_line__leaves_the_page_of_settings_out():
    assert first_line(ValueError("wrong\n  file = x\n")) == "wrong"
