import errno

import duckdb
import pytest

from tasks.runtime.duckdb_engine import connect, first_line, literal, quote


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


def test_connect__a_full_disk_is_an_oserror_that_names_the_folder(tmp_path):
    def fill():
        with connect(tmp_path):
            raise duckdb.IOException('Could not write file "x": No space left on device\nmore')

    with pytest.raises(OSError, match=r"No space left on device; free some space there") as caught:
        fill()

    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path))


def test_connect__other_io_errors_stay_what_they_are(tmp_path):
    with connect(tmp_path) as connection, pytest.raises(duckdb.IOException, match="nowhere"):
        connection.execute("SELECT * FROM read_parquet('nowhere.parquet')")


def test_connect__too_little_memory_says_which_limit_to_raise(tmp_path):
    def sort():
        with connect(tmp_path, memory_limit="12MB") as connection:
            connection.execute("SET max_temp_directory_size = '0KB'")
            connection.execute(
                "CREATE TABLE t AS SELECT hash(i) AS h FROM range(5_000_000) AS r(i) ORDER BY h"
            )

    with pytest.raises(MemoryError, match=r"raise SHELFTALKER_MEMORY_LIMIT \(now 12MB\), or free disk in"):
        sort()


def test_first_line__leaves_the_page_of_settings_out():
    assert first_line(ValueError("wrong\n  file = x\n")) == "wrong"
