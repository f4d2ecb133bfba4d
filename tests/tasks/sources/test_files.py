import zipfile

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_logs import dataset, write_csv

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.source_section import SourceSection
from tasks.sources import files
from tasks.sources.excel import read_sheet

SOURCE = SourceSection(path="x")


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


def test_locate__beside_the_toml_then_in_the_current_folder_or_where_told(tmp_path, monkeypatch):
    spec = dataset(tmp_path)
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere.csv"
    here.mkdir()
    monkeypatch.chdir(here)
    with pytest.raises(
        ConfigurationError, match=r"source of dataset 'tiny' is not at .* nor .*; give .* --source"
    ):
        files.locate(spec)

    in_folder = write_csv(here, [])
    assert files.locate(spec) == in_folder
    beside = write_csv(tmp_path, [])
    assert files.locate(spec) == beside
    elsewhere.touch()
    assert files.locate(spec, elsewhere) == elsewhere
    with pytest.raises(ConfigurationError, match=r"is not at .*nothing\.csv; give"):
        files.locate(spec, tmp_path / "nothing.csv")


def test_locate_items__beside_the_toml_or_the_log(tmp_path):
    spec = dataset(tmp_path, '[items]\npath = "items.csv"\nid = "id"')
    far = tmp_path / "far"
    far.mkdir()
    log = write_csv(far, [])
    with pytest.raises(ConfigurationError, match=r"item table 'items\.csv' of dataset 'tiny' is neither in"):
        files.locate_items(spec, log)

    (far / "items.csv").touch()
    assert files.locate_items(spec, log) == far / "items.csv"
    assert files.locate_items(dataset(tmp_path), log) is None


def test_files_of__sorted_and_only_what_can_be_read(tmp_path):
    for name in ("b.csv", "a/c.PARQUET", ".hidden.csv", "_done", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    found = [
        (path.name, kind)
        for path, kind in files.files_of(tmp_path, SOURCE.model_copy(update={"format": "auto"}))
    ]

    assert found == [("c.PARQUET", "parquet"), ("b.csv", "csv")]
    assert [
        path.name for path, _ in files.files_of(tmp_path, SOURCE.model_copy(update={"format": "csv"}))
    ] == ["b.csv"]
    with pytest.raises(ConfigurationError, match="holds no file to read"):
        files.files_of(tmp_path, SOURCE.model_copy(update={"format": "excel"}))


def test_files_of__an_ending_that_says_nothing(tmp_path):
    path = tmp_path / "log.data"
    path.touch()

    assert files.files_of(path, SOURCE.model_copy(update={"format": "csv"})) == [(path, "csv")]
    with pytest.raises(ConfigurationError, match=r"ending of .*log\.data says no format"):
        files.files_of(path, SOURCE.model_copy(update={"format": "auto"}))


def test_source_hash__follows_content_not_place(tmp_path):
    spec = dataset(tmp_path)
    first = write_csv(tmp_path, ["u,i,2024-01-01"], name="a.csv")
    second = write_csv(tmp_path, ["u,i,2024-01-01"], name="b.csv")
    third = write_csv(tmp_path, ["u,i,2024-01-02"], name="c.csv")

    assert files.source_hash(spec, first) == files.source_hash(spec, second)
    assert files.source_hash(spec, first) != files.source_hash(spec, third)


def test_source_hash__knows_names_in_a_folder_and_the_item_table(tmp_path):
    spec = dataset(tmp_path, '[items]\npath = "items.csv"\nid = "id"')
    (tmp_path / "items.csv").write_text("id\n1\n")
    log = tmp_path / "log"
    log.mkdir()
    part = write_csv(log, ["u,i,2024-01-01"], name="a.csv")
    seen = {files.source_hash(spec, log)}
    part.rename(log / "b.csv")
    seen.add(files.source_hash(spec, log))
    (tmp_path / "items.csv").write_text("id\n2\n")
    seen.add(files.source_hash(spec, log))

    assert len(seen) == 3


@pytest.mark.parametrize("header", ["a,b,a", '"a",b,a'])
def test_open_file__refuses_repeated_names(tmp_path, connection, header):
    path = write_csv(tmp_path, ["1,2,3"], header=header)

    with pytest.raises(ConfigurationError, match=r"log\.csv has more than one column named 'a'"):
        files.open_file(connection, path, "csv", SOURCE, tmp_path)


def test_open_file__csv_names_may_differ_by_case_but_parquet_names_may_not(tmp_path, connection):
    text = write_csv(tmp_path, ["1,2"], header="a,A")
    opened = files.open_file(connection, text, "csv", SOURCE, tmp_path)
    assert connection.execute(f"SELECT {opened.column('A')[0]} FROM {opened.relation}").fetchall() == [("2",)]

    path = tmp_path / "log.parquet"
    pq.write_table(pa.table([[1], [2]], names=["a", "A"]), path)
    with pytest.raises(ConfigurationError, match=r"log\.parquet has more than one column named 'a'"):
        files.open_file(connection, path, "parquet", SOURCE, tmp_path)


@pytest.mark.parametrize("kind", ["csv", "parquet", "excel"])
def test_open_file__empty_file(tmp_path, connection, kind):
    path = tmp_path / "log"
    path.touch()

    with pytest.raises(ContractError, match=r"log is empty"):
        files.open_file(connection, path, kind, SOURCE, tmp_path)


@pytest.mark.parametrize(
    ("kind", "words"), [("parquet", "no readable Parquet file"), ("excel", "no readable Excel file")]
)
def test_open_file__garbage(tmp_path, connection, kind, words):
    path = tmp_path / "log"
    path.write_bytes(b"garbage " * 100)

    with pytest.raises(ContractError, match=words):
        files.open_file(connection, path, kind, SOURCE, tmp_path)


def test_open_file__damaged_parquet_footer_blames_the_file(tmp_path, connection):
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    content = bytearray(path.read_bytes())
    begins = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[begins : begins + 4] = b"\xff" * 4  # of the metadata: pyarrow says OSError, without a number
    path.write_bytes(content)

    with pytest.raises(ContractError, match=r"log\.parquet is no readable Parquet file"):
        files.open_file(connection, path, "parquet", SOURCE, tmp_path)


def test_open_file__zip_that_names_a_place_before_its_beginning_blames_the_file(tmp_path, connection):
    path = tmp_path / "log.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("log.csv", "a,b\n1,2\n")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"log.csva,b", b"log.csv"))  # shorter than its directory says

    with pytest.raises(ContractError, match=r"log\.zip"):
        files.open_file(connection, path, "csv", SOURCE, tmp_path)


def test_open_file__empty_sheet_and_missing_sheet(tmp_path, connection):
    path = tmp_path / "log.xlsx"
    pd.DataFrame().to_excel(path, index=False)

    with pytest.raises(ContractError, match="sheet 'first' is empty"):
        files.open_file(connection, path, "excel", SOURCE, tmp_path)
    with pytest.raises(ConfigurationError, match=r"no sheet 'Sales'; .*one of \['Sheet1'\]"):
        files.open_file(connection, path, "excel", SOURCE.model_copy(update={"sheet": "Sales"}), tmp_path)


def test_read_sheet__both_engines_read_the_same_text(tmp_path, monkeypatch):
    path = tmp_path / "log.xlsx"
    times = pd.to_datetime(["2024-01-01 08:26", "2024-01-02 00:00"])
    pd.DataFrame({"id": ["0012", "85123A"], "n": [17850.0, 2.5], "t": times}).to_excel(path, index=False)
    first = read_sheet(path, SOURCE)
    monkeypatch.setattr("tasks.sources.excel.importlib.util.find_spec", lambda _: None)
    second = read_sheet(path, SOURCE)

    assert first.loc[1].tolist() == ["0012", "17850", "2024-01-01 08:26:00"]
    pd.testing.assert_frame_equal(first, second)


def test_column__says_what_there_is(tmp_path, connection):
    path = write_csv(tmp_path, [], header="CustomerID,StockCode")
    opened = files.open_file(connection, path, "csv", SOURCE, tmp_path)

    with pytest.raises(
        ConfigurationError, match=r"no column 'Customer'; did you mean 'CustomerID'\?\n  columns: Cust"
    ):
        opened.column("Customer")
