"""Files that are cut, damaged, too long in a line or oddly named: nothing passes that was not read to its end."""

import gzip
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_logs import dataset, many, run, write_csv

from data_contracts.errors import ConfigurationError, ContractError
from tasks.sources import files

HEADER = "user,item,time\n"


def test_gzip__of_which_a_bit_is_wrong_or_the_end_is_missing_is_refused(tmp_path):
    packed = gzip.compress((HEADER + "\n".join(many(500)) + "\n").encode())
    for at in range(20, len(packed), len(packed) // 40):
        damaged = bytearray(packed)
        damaged[at] ^= 0x10
        for content in (bytes(damaged), packed[:at]):
            (tmp_path / "log.csv.gz").write_bytes(content)
            with pytest.raises((ContractError, ConfigurationError), match=r"log\.csv\.gz"):
                run(tmp_path, dataset(tmp_path), tmp_path / "log.csv.gz")


def test_parquet__of_which_a_page_does_not_fit_its_checksum_is_refused(tmp_path):
    rows = [line.split(",") for line in many(5000)]
    table = pa.table({name: [row[at] for row in rows] for at, name in enumerate(("user", "item", "time"))})
    path = tmp_path / "log.parquet"
    pq.write_table(table, path, compression=None, use_dictionary=False, write_page_checksum=True)
    run(tmp_path, dataset(tmp_path), path, name="whole")
    content = bytearray(path.read_bytes())
    at = content.rindex(rows[4000][2].encode())
    content[at] ^= 1
    path.write_bytes(content)

    with pytest.raises(ContractError, match=r"log\.parquet is damaged"):
        run(tmp_path, dataset(tmp_path), path)


def test_names__that_look_like_patterns_mean_the_file_itself(tmp_path):
    folder = tmp_path / "a[b]*"
    folder.mkdir()
    write_csv(folder, ["u,wrong,2024-01-01"], name="log1.csv")
    path = write_csv(folder, ["u,right,2024-01-01"], name="log[1].csv")

    assert [event["item_id"] for event in run(tmp_path, dataset(tmp_path), path)[1]] == ["right"]


def test_source_hash__knows_the_format(tmp_path):
    spec = dataset(tmp_path)
    path = write_csv(tmp_path, many(5))

    assert files.source_hash(spec, path) != files.source_hash(spec, path.rename(tmp_path / "log.json"))


def test_folder__with_a_part_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    part = tmp_path / "log" / "b"
    part.mkdir(parents=True)
    write_csv(tmp_path / "log", many(5))
    scandir = os.scandir

    def locked(path):
        if os.fspath(path) == str(part):
            raise PermissionError(13, "Permission denied", str(part))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(ConfigurationError, match="b cannot be read"):
        files.readable_inside(tmp_path / "log")


def test_folder__with_a_link_to_nothing_is_refused(tmp_path):
    (tmp_path / "b.csv").symlink_to(tmp_path / "gone.csv")

    with pytest.raises(ConfigurationError, match=r"b\.csv is a link to nothing"):
        files.readable_inside(tmp_path)


def test_rows__that_are_no_utf8_or_too_long_go_to_quarantine(tmp_path):
    lines = [line.encode() for line in many(300)]
    lines[3] = b"u,\xff,2024-01-01"
    lines[100] = b"u," + b"i" * 40 * 2**20 + b",2024-01-01"
    (tmp_path / "log.csv").write_bytes(HEADER.encode() + b"\n".join(lines) + b"\n")

    facts, _, quarantine, _ = run(tmp_path, dataset(tmp_path), tmp_path / "log.csv")

    assert facts["rows_read"] == 300
    assert facts["rejected"] == {"invalid_encoding": 1, "line_size_over_maximum": 1}
    assert [row["row_number"] for row in quarantine] == [4, 101]


def test_folder__with_links_to_folders_is_read_once(tmp_path):
    log, elsewhere = tmp_path / "log", tmp_path / "elsewhere"
    for folder in (log / "2024", elsewhere):
        folder.mkdir(parents=True)
        (folder / "day.csv").write_text("user,item\na,b\n")
    (log / "all").symlink_to(log)
    (log / "latest").symlink_to(log / "2024")
    (log / "more").symlink_to(elsewhere)

    found = files.readable_inside(log)

    assert [path.relative_to(log).as_posix() for path in found] == ["2024/day.csv", "more/day.csv"]
