import csv
import errno
import json

import numpy as np
import pytest
from shop_database import ODD_IDS, make_publication, rows_of

from data_contracts.predictions import TABLES
from tasks.publication import file_export
from tasks.publication.file_export import write_copy


@pytest.fixture
def publication(home, tmp_path):
    return make_publication(tmp_path)


def single(row):
    return tuple(float(np.float32(value)) if type(value) is float else value for value in row)


@pytest.mark.parametrize("table", TABLES)
def test_write_copy__csv_is_read_back_as_it_was(publication, tmp_path, table):
    path = tmp_path / "out" / "table.csv"
    n = write_copy(publication.folder / TABLES[table], path, "csv", chunk_rows=5)
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    kinds = {"rank": int, "score": lambda text: float(np.float32(text))}
    read = [tuple(kinds.get(name, str)(v) for name, v in zip(header, row, strict=True)) for row in rows]

    assert read == rows_of(publication, table)
    assert n == len(rows)
    assert path.read_bytes().endswith(b"\r\n")
    assert path.stat().st_mode & 0o777 == 0o644


def test_write_copy__numbers_are_as_short_as_they_are(publication, tmp_path):
    path = tmp_path / "unknown users.csv"
    write_copy(publication.folder / TABLES["strangers"], path, "csv")

    assert path.read_bytes() == b"rank,item_id,score,model\r\n1,0071053,0.9,wals\r\n2,85123A,0.4,wals\r\n"


def test_write_copy__json_lines_are_one_object_each(publication, tmp_path):
    path = tmp_path / "predictions.jsonl"
    n = write_copy(publication.folder / TABLES["predictions"], path, "jsonl", chunk_rows=5)
    rows = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]

    assert [single(row.values()) for row in rows] == rows_of(publication, "predictions")
    assert n == len(rows) == 2 * len(ODD_IDS)
    assert "漢字" in path.read_text("utf-8")


def test_write_copy__parquet_is_the_same_bytes(publication, tmp_path):
    source, path = publication.folder / TABLES["predictions"], tmp_path / "copy.parquet"
    write_copy(source, path, "parquet")

    assert path.read_bytes() == source.read_bytes()


def test_write_copy__a_full_disk_leaves_what_was_there(publication, tmp_path, monkeypatch):
    source, folder = publication.folder / TABLES["predictions"], tmp_path / "out"
    write_copy(source, folder / "p.csv", "csv")
    before = (folder / "p.csv").read_bytes()
    batches = file_export.plain_batches

    def full(path, rows):
        yield next(batches(path, 3))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_export, "plain_batches", full)
    with pytest.raises(OSError, match="No space left"):
        write_copy(source, folder / "p.csv", "csv")

    assert (folder / "p.csv").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["p.csv"]
