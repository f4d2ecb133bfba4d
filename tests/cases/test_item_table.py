"""The table of items is read with the log's care: its own layout, bad lines counted and named, matches reported."""

import pytest
from small_logs import dataset, many, run, write_csv

from data_contracts.errors import ConfigurationError, ContractError

ITEMS = '[items]\npath = "items.csv"\nid = "id"\ntitle = "name"\n'
GOOD = [f"i{at},Mug {at}" for at in range(40)]


def read(folder, *, rows=GOOD, extra="", header="id,name", encoding="utf-8", above=""):
    (folder / "items.csv").write_bytes((above + "\n".join([header, *rows]) + "\n").encode(encoding))
    facts, _, _, items = run(folder, dataset(folder, ITEMS + extra), write_csv(folder, many(60)))
    return facts, {item["item_id"]: item["title"] for item in items}


def test_item_table__matches_are_counted(tmp_path):
    facts, titles = read(tmp_path)

    assert facts["item_table"] == {
        "rows": 40,
        "unreadable": 0,
        "without_id": 0,
        "repeated_ids": 0,
        "items": 5,
        "matched": 5,
    }
    assert titles["i3"] == "Mug 3"
    assert facts["warnings"] == []


def test_item_table__bad_lines_are_counted_and_named(tmp_path):
    facts, titles = read(tmp_path, rows=[*GOOD, "i7", ",nameless", "i1,Another"])

    text = "\n".join(facts["warnings"])
    assert (
        facts["item_table"]["unreadable"],
        facts["item_table"]["without_id"],
        facts["item_table"]["repeated_ids"],
    ) == (1, 1, 1)
    assert "1 of 43 lines of the item table items.csv are left out: row 41 (missing_columns): i7" in text
    assert "have no item id" in text
    assert titles["i1"] == "Another"


def test_item_table__of_bad_lines_is_refused(tmp_path):
    with pytest.raises(ContractError, match=r"20 of 60 lines of the item table .* encoding under \[items\]"):
        read(tmp_path, rows=[*GOOD, *["bad"] * 20])


def test_item_table__has_an_encoding_and_a_layout_of_its_own(tmp_path):
    rows = [f"i{at};Crème {at}" for at in range(40)]
    extra = 'encoding = "cp1252"\nskip_rows = 1\n'

    _, titles = read(
        tmp_path, rows=rows, header="id;name", encoding="cp1252", above="Catalogue\n", extra=extra
    )

    assert titles["i4"] == "Crème 4"


def test_item_table__in_another_encoding_says_which_section_to_correct(tmp_path):
    with pytest.raises(ConfigurationError, match=r"item table: .*encoding = 'utf-16' under \[items\]"):
        read(tmp_path, encoding="utf-16")


def test_item_table__that_knows_few_items_is_a_warning(tmp_path):
    facts, _ = read(tmp_path, rows=["I0,Mug", "i1,Cup"])

    assert facts["item_table"]["matched"] == 1
    assert (
        "1 of 5 items of the log are in the item table items.csv: the log has 'i0', the table 'I0'"
        in facts["warnings"][0]
    )
    assert "upper_case_items" in facts["warnings"][0]
