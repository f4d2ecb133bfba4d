"""Examples of rejected rows."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.report import rejected
from tasks.report.rejected import rejected_rows


@pytest.fixture
def quarantine(tmp_path):
    path = tmp_path / "quarantine.parquet"
    table = {
        "who": ["u1", "u2", None, "u4", None],
        "price": ["-1", "-2", "", "x", None],
        "raw_line": [None, None, None, None, 'a;"b'],
        "source_file": ["log.csv"] * 5,
        "row_number": [3, 5, 8, 9, 11],
        "reasons": [["bad_price"], ["bad_price", "late"], ["late", "spaces"], ["bad_price"], ["invalid"]],
    }
    pq.write_table(pa.table(table), path)
    return path


def test_rejected_rows__a_few_for_each_reason_and_none_twice(quarantine):
    found = rejected_rows(quarantine, ["bad_price", "late", "invalid"], 2)

    assert [(each.reason, each.row) for each in found] == [
        ("bad_price", 3),
        ("bad_price", 5),
        ("late", 8),
        ("invalid", 11),
    ]
    assert found[0].cells == (("who", "u1"), ("price", "-1"))
    assert found[2].cells == ()
    assert found[3].cells == (("", 'a;"b'),)


def test_rejected_rows__reads_no_further_than_it_must(quarantine, monkeypatch):
    monkeypatch.setattr(rejected, "BATCH", 1)

    assert [each.row for each in rejected_rows(quarantine, ["late", "bad_price"], 1)] == [5, 3]
    assert [each.row for each in rejected_rows(quarantine, ["late"], 1)] == [5]


def test_rejected_rows__says_how_many_columns_are_not_shown(quarantine, monkeypatch):
    monkeypatch.setattr(rejected, "N_COLUMNS", 1)

    assert rejected_rows(quarantine, ["bad_price"], 1)[0].n_more == 1


def test_rejected_rows__may_be_switched_off_or_lack(quarantine, tmp_path):
    assert rejected_rows(quarantine, ["bad_price"], 0) == []
    assert rejected_rows(tmp_path / "none.parquet", ["bad_price"], 3) == []
    assert rejected_rows(quarantine, [], 3) == []
