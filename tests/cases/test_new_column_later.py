"""Folders of day files: columns come and go, and only those that a role names must be in each."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from accepted import accept
from small_logs import COLUMNS, dataset, many, run, write_csv

from data_contracts.errors import ConfigurationError


def day(folder, name, start, extra=None):
    at = folder / f"dt={name}" / "part-0.parquet"
    at.parent.mkdir(parents=True)
    rows = [line.split(",") for line in many(40, start)]
    table = pa.table(
        {role: [row[place] for row in rows] for place, role in enumerate(("user", "item", "time"))}
    )
    pq.write_table(table.append_column("coupon", pa.array([extra] * 40)) if extra else table, at)


def test_new_column__that_no_role_names_does_not_stop_the_run(tmp_path):
    for month in range(3):
        day(tmp_path / "log", f"2024-0{month + 1}", 40 * month)
    day(tmp_path / "log", "2024-04", 120, extra="X")

    facts, events, _, _ = run(tmp_path, dataset(tmp_path), tmp_path / "log")

    assert facts["rows_read"] == facts["rows_accepted"] == 160
    assert [event["user_id"] for event in events] == [line.split(",")[0] for line in many(160)]


def test_new_column__goes_into_the_quarantine_of_rows_that_have_it(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    write_csv(log, [*many(300), ",,2024-01-01"], name="a.csv")
    write_csv(
        log,
        [*[f"{line},X" for line in many(300)], ",,2024-01-01,Y"],
        name="b.csv",
        header="user,item,time,coupon",
    )

    facts, _, quarantine, _ = run(tmp_path, dataset(tmp_path), log)

    assert facts["rejected"]["missing_item"] == 2
    assert [row["coupon"] for row in quarantine] == [None, "Y"]


def test_new_column__a_title_may_be_missing_but_a_value_may_not(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    write_csv(log, many(20), name="a.csv")
    write_csv(log, [f"{line},Mug,3" for line in many(20)], name="b.csv", header="user,item,time,name,n")

    _, _, _, items = run(tmp_path, dataset(tmp_path, columns=COLUMNS + 'title = "name"\n'), log)
    assert {item["title"] for item in items} == {"Mug"}

    valued = dataset(tmp_path, '[feedback]\nkind = "quantity"', columns=COLUMNS + 'value = "n"\n')
    with pytest.raises(ConfigurationError, match=r"a\.csv has no column 'n', which .* names .* files = "):
        run(tmp_path, valued, log)


def test_day_files__are_drafted_from_all_of_them(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    for at in range(3):
        write_csv(log, many(40, 40 * at), name=f"2024-01-0{at + 1}.csv")
    (log / "c.csv").write_text("user,item,time,coupon\nu1,i1,2024-02-01,X\n")

    got = accept(tmp_path, log)

    assert got.facts["rows_accepted"] == 121
    assert "121 rows" in got.toml
    assert "columns that only some files have: coupon" in got.toml


def test_folder__of_several_tables_is_read_by_a_pattern(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    for at in range(2):
        write_csv(log, many(40, 40 * at), name=f"orders-{at}.csv")
    write_csv(log, ["i1,Mug"], name="stock.csv", header="item,name")

    got = accept(tmp_path, log)

    assert got.spec.source.files == "orders-*.csv"
    assert got.facts["rows_accepted"] == 80
    assert "other tables of the folder that are not read: stock.csv" in got.toml
