import gzip

import duckdb
import pytest

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.sources import csv_format
from tasks.sources.content import as_utf8


def section(**keys):
    return SourceSection(path="log.csv", **keys)


def write(folder, content):
    path = folder / "log.csv"
    path.write_bytes(content)
    return path


def read(path, n_columns, delimiter=",", quote='"'):
    """Rows and unreadable lines."""
    with duckdb.connect() as connection:
        csv_format.forget_unreadable(connection)
        sql = csv_format.table_function(path, n_columns, delimiter, quote)
        rows = connection.execute(f"SELECT * FROM {sql}").fetchall()
        return rows, csv_format.unreadable(connection, path, len(rows))


@pytest.mark.parametrize(
    ("content", "names", "delimiter"),
    [
        (b"a,b\n1,2\n", ["a", "b"], ","),
        (b"a;b,c\n1;2\n", ["a", "b,c"], ";"),
        (b"a\tb\r\n1\t2\r\n", ["a", "b"], "\t"),
        (b"a|b|c", ["a", "b", "c"], "|"),
        (b"\xef\xbb\xbfa,b\n", ["a", "b"], ","),
        (b'"a, or b","c\nd",e\n', ["a, or b", "c\nd", "e"], ","),
        (b"a\n1\n", ["a"], ","),
    ],
)
def test_layout__finds_names_and_delimiter(tmp_path, content, names, delimiter):
    source = section(delimiter=";" if content.startswith(b"a;b,c") else "auto")

    assert csv_format.layout(write(tmp_path, content), source) == (names, delimiter, 0)


def test_layout__delimiter_of_two_characters(tmp_path):
    path = write(tmp_path, b"a::b::c\n1::2::3\n4::5\n")
    names, delimiter, _ = csv_format.layout(path, section(delimiter="::"))

    assert names == ["a", "b", "c"]
    assert read(path, 3, delimiter) == ([("1", "2", "3")], [(2, "missing_columns", "4::5")])


def test_layout__nothing_is_quoted(tmp_path):
    path = write(tmp_path, b'size,"b\n5" nail,"x\n')

    assert csv_format.layout(path, section(quote=""))[0] == ["size", '"b']
    assert read(path, 2, quote="") == ([('5" nail', '"x')], [])


def test_layout__names_file_and_encoding_where_it_cannot_be_read(tmp_path):
    with pytest.raises(ConfigurationError, match=r"header of .*log\.csv cannot be read as utf-8"):
        csv_format.layout(write(tmp_path, b"caf\xe9,b\n"), section())
    with pytest.raises(ConfigurationError, match=r"source\.encoding = 'klingon' is no encoding"):
        csv_format.layout(write(tmp_path, b"a,b\n"), section(encoding="klingon"))


def test_layout__empty_first_line(tmp_path):
    with pytest.raises(ContractError, match=r"log\.csv is empty: it has no header line"):
        csv_format.layout(write(tmp_path, b"\n"), section())


def test_layout__broken_gzip(tmp_path):
    content = gzip.compress(b"a,b\n" * 1000)

    with pytest.raises(ConfigurationError, match=r"header of .*log\.csv cannot be read"):
        csv_format.layout(write(tmp_path, content[:20]), section())


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "shift-jis"])
def test_as_utf8__copies_other_encodings(tmp_path, encoding):
    text = "a,b\r\nné,ü\r\n" if encoding != "shift-jis" else "a,b\r\n茶,碗\r\n"
    path = write(tmp_path, text.encode(encoding))
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    copy = as_utf8(path, section(encoding=encoding), scratch)

    assert copy.read_bytes() == text.encode("utf-8")
    assert csv_format.layout(path, section(encoding=encoding))[0] == ["a", "b"]


def test_as_utf8__leaves_utf8_where_it_is(tmp_path):
    path = write(tmp_path, b"a,b\n")

    assert as_utf8(path, section(encoding="UTF8"), tmp_path) == path


def test_as_utf8__names_bytes_that_do_not_fit(tmp_path):
    path = write(tmp_path, b"a,b\n\x81,1\n")

    with pytest.raises(ContractError, match=r"log\.csv is not all cp1252: .*0x81"):
        as_utf8(path, section(encoding="cp1252"), tmp_path)


def test_unreadable__keeps_the_whole_line_with_its_reason(tmp_path):
    long = b"x" * 20_000
    path = write(tmp_path, b'a,b\n1,2\nshort\n\xe9t\xe9,1\n"x"y,3\n1,2,' + long + b"\n3,4\n")

    rows, lines = read(path, 2)

    assert rows == [("1", "2"), ("3", "4")]
    assert lines == [
        (2, "missing_columns", "short"),
        (3, "invalid_encoding", "\\xe9t\\xe9,1"),
        (4, "unquoted_value", '"x"y,3'),
        (5, "too_many_columns", "1,2," + long.decode()),
    ]


def test_unreadable__counts_rows_not_line_ends_inside_quotes(tmp_path):
    path = write(tmp_path, b'a,b\nbad\n"x\n\ny",1\nbad\n')

    assert [record for record, _, _ in read(path, 2)[1]] == [1, 3]


def test_unreadable__numbers_hold_in_large_files_read_by_many_threads(tmp_path):
    lines = [b"%d,%s" % (at, b"x" * 60) for at in range(1, 200_001)]
    for at in (1, 99_999, 200_000):
        lines[at - 1] = b"bad"
    path = write(tmp_path, b"a,b\n" + b"\n".join(lines) + b"\n")

    rows, found = read(path, 2)

    assert [record for record, _, _ in found] == [1, 99_999, 200_000]
    assert [row[0] for row in rows[:2]] == ["2", "3"]
    assert len(rows) == 199_997


def test_unreadable__a_quote_that_is_never_closed_is_refused(tmp_path):
    path = write(tmp_path, b'a,b\n1,2\n3,"4\n5,6\n7,8\n')

    with pytest.raises(ContractError, match=r"log\.csv, row 2: a quotation mark is opened and never closed"):
        read(path, 2)


def test_unreadable__an_open_quote_in_the_last_line_costs_only_that_line(tmp_path):
    assert read(write(tmp_path, b'a,b\n1,2\n3,"4\n'), 2)[1][0][:2] == (2, "unquoted_value")
