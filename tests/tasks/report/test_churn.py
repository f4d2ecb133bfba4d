"""How much lists change."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.report.churn import changed_share, churn


def write(path, lists):
    rows = [(user, item) for user, items in lists.items() for item in items]
    users, items = zip(*rows, strict=True)
    pq.write_table(pa.table({"user_id": users, "item_id": items}), path)
    return path


def test_churn__counts_places_of_users_who_had_a_list_before(tmp_path):
    old = write(tmp_path / "old.parquet", {"a": "12", "b": "12", "left": "9"})
    new = write(tmp_path / "new.parquet", {"a": "21", "b": "23", "came": "78"})

    assert churn([old, new]) == [None, 0.25]


def test_changed_share__looks_at_whole_lists_of_the_first_rows_alone(tmp_path):
    old = write(tmp_path / "old.parquet", {"a": "12", "b": "12"})
    new = write(tmp_path / "new.parquet", {"a": "13", "b": "34"})

    assert changed_share(new, old) == pytest.approx(0.75)
    assert changed_share(new, old, 3) == 0.5


def test_changed_share__of_what_cannot_be_compared_is_none(tmp_path):
    old = write(tmp_path / "old.parquet", {"a": "12"})
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")

    assert changed_share(old, write(tmp_path / "others.parquet", {"b": "1"})) is None
    assert changed_share(old, tmp_path / "bad.parquet") is None
    assert changed_share(old, tmp_path / "none.parquet") is None
