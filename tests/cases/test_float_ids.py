"""One blank row made an export write ids as floats: 5863.0 beside an item table that says 5863."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from accepted import accept
from small_logs import dataset, run, write_csv

ITEMS = '\n[items]\npath = "items.csv"\nid = "item"\ntitle = "name"\n'
CLEANING = '[cleaning]\nid_format = "integer"\n'


def log(n=60):
    return [f"{at % 7}.0,58{at % 5:02}.0,2024-01-{1 + at % 28:02} 10:00" for at in range(n)]


def items(folder):
    write_csv(folder, [f"58{at:02},T{at}" for at in range(5)], name="items.csv", header="item,name")


def test_float_ids__init_sees_them_and_every_title_is_found(tmp_path):
    items(tmp_path)
    rows = [*log(), ",5801.0,2024-01-29 10:00"]
    name = '# [items]                       # a table beside the log that describes items\n# path = "items.csv"\n# id = "..."\n# title = "..."'

    got = accept(tmp_path, write_csv(tmp_path, rows), change={name: ITEMS})

    assert got.spec.cleaning.id_format == "integer"
    assert {event["item_id"] for event in got.events} == {f"580{at}" for at in range(5)}
    assert got.facts["item_table"] | {"rows": 5} == got.facts["item_table"]
    assert (got.facts["item_table"]["matched"], got.facts["item_table"]["items"]) == (5, 5)
    assert got.facts["anonymous"] == 1
    assert got.facts["warnings"] == []


def test_float_ids__a_run_that_does_not_know_warns_of_them_and_of_the_titles(tmp_path):
    items(tmp_path)

    facts, *_ = run(tmp_path, dataset(tmp_path, ITEMS), write_csv(tmp_path, log()))

    text = "\n".join(facts["warnings"])
    assert "ids of 'item' look like '5800.0'; if '5800' is meant" in text
    assert "id_format = 'integer'" in text
    assert (
        "0 of 5 items of the log are in the item table items.csv: the log has '5800.0', the table '5800'"
        in text
    )


@pytest.mark.parametrize("kind", [pa.float64(), pa.decimal128(10, 2), pa.int64()])
def test_float_ids__numbers_of_any_type_are_one_id(tmp_path, kind):
    table = pa.table({"user": ["a", "b"], "item": pa.array([5863, 17], kind), "time": ["2024-01-01"] * 2})
    pq.write_table(table, tmp_path / "log.parquet")

    _, events, _, _ = run(tmp_path, dataset(tmp_path), tmp_path / "log.parquet")

    assert [event["item_id"] for event in events] == ["5863", "17"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5863.0", "5863"),
        ("5863.00", "5863"),
        ("0071", "0071"),
        ("85123A", "85123A"),
        ("1.5", "1.5"),
        ("v2.0", "v2.0"),
        (" 7.0 ", "7"),
    ],
)
def test_float_ids__only_whole_numbers_lose_their_fraction(tmp_path, text, expected):
    spec = dataset(tmp_path, CLEANING)

    _, events, _, _ = run(tmp_path, spec, write_csv(tmp_path, [f"u,{text},2024-01-01"]))

    assert events[0]["item_id"] == expected


def test_null_texts__are_nobody_only_where_the_dataset_says_so(tmp_path):
    rows = [r"\N,i1,2024-01-01", "NULL,i2,2024-01-01", "u,i1,2024-01-02", "null,i1,2024-01-02"]
    path = write_csv(tmp_path, rows)

    plain, before, _, _ = run(tmp_path, dataset(tmp_path), path, name="plain")
    told, after, _, _ = run(
        tmp_path, dataset(tmp_path, source=r"null_values = ['\N', 'NULL']"), path, name="told"
    )

    assert [event["user_id"] for event in before] == [r"\N", "NULL", "u", "null"]
    assert any("null_values" in warning for warning in plain["warnings"])
    assert [event["user_id"] for event in after] == [None, None, "u", "null"]
    assert told["anonymous"] == 2


def test_uuid_bytes__are_written_as_uuids(tmp_path):
    table = pa.table(
        {"user": pa.array([bytes(range(16))], pa.binary(16)), "item": ["i"], "time": ["2024-01-01"]}
    )
    pq.write_table(table, tmp_path / "log.parquet")
    spec = dataset(tmp_path, '[cleaning]\nid_format = { user = "uuid" }')

    _, events, _, _ = run(tmp_path, spec, tmp_path / "log.parquet")

    assert events[0]["user_id"] == "00010203-0405-0607-0809-0a0b0c0d0e0f"
