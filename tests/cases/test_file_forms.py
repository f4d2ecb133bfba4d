"""Forms that logs come in, and what is said of those that are not read."""

import gzip
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from accepted import accept
from small_logs import dataset, many, run, write_csv

from data_contracts.errors import ConfigurationError, ContractError
from tasks.onboarding.draft import look_at

ROWS = [line.split(",") for line in many(60)]


def objects():
    return [json.dumps({"reviewerID": user, "asin": item, "when": time}) for user, item, time in ROWS]


def test_zip__of_one_file(tmp_path):
    write_csv(tmp_path, many(60))
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.write(tmp_path / "log.csv", "export/log.csv")
        archive.writestr("__MACOSX/export/._log.csv", "x")

    assert accept(tmp_path, tmp_path / "log.zip").facts["rows_accepted"] == 60


def test_zip__of_several_files_needs_a_member(tmp_path):
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("a.csv", "\n".join(["user,item,time", *many(60)]))
        archive.writestr("b.csv", "user,item,time\nu,i,2024-01-01")

    with pytest.raises(ConfigurationError, match=r"holds 2 files: a\.csv, b\.csv; write member ="):
        run(tmp_path, dataset(tmp_path), tmp_path / "log.zip")
    facts, *_ = run(tmp_path, dataset(tmp_path, source="member = 'b.csv'"), tmp_path / "log.zip")
    assert facts["rows_accepted"] == 1


@pytest.mark.parametrize("name", ["log.jsonl", "log.json.gz", "log.ndjson", "log.txt"])
def test_json_lines__plain_packed_or_under_another_name(tmp_path, name):
    content = ("\n".join(objects()) + "\n").encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)

    got = accept(tmp_path, tmp_path / name)

    assert got.spec.columns.by_role() == {"user": "reviewerID", "item": "asin", "time": "when"}
    assert [event["user_id"] for event in got.events] == [row[0] for row in ROWS]


def test_json_lines__bad_lines_are_named_with_their_rows(tmp_path):
    lines = [line for _ in range(30) for line in objects()]
    lines[100], lines[900] = '{"reviewerID": "u1", ', '["no object"]'
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n\n")
    columns = '[columns]\nuser = "reviewerID"\nitem = "asin"\ntime = "when"\n'

    facts, _, quarantine, _ = run(tmp_path, dataset(tmp_path, columns=columns), tmp_path / "log.jsonl")

    assert (facts["rows_read"], facts["rejected"]) == (1800, {"invalid_json": 2})
    assert [(row["row_number"], row["raw_line"]) for row in quarantine] == [
        (101, lines[100]),
        (901, lines[900]),
    ]


def test_headerless__roles_by_content(tmp_path):
    body = [f"{at % 9}\t{at % 5:03}\t{1 + at % 5}\t17041083{at:02}" for at in range(60)]
    (tmp_path / "u.data.csv").write_text("\n".join(body) + "\n")

    got = accept(tmp_path, tmp_path / "u.data.csv")

    assert got.spec.source.names == ("column1", "column2", "column3", "column4")
    assert list(got.spec.columns.by_role().values()) == ["column1", "column2", "column4", "column3"]
    assert got.facts["rows_read"] == 60
    assert any(note.startswith("WARNING: there is no header line") for note in got.notes)


@pytest.mark.parametrize(
    "above", ["sep=,\n", '"sep=,"\r\n', "# Export of orders, 2024\n\n", "Orders\n\n\n", "Orders,,\n,,\n"]
)
def test_preamble__is_skipped_and_rows_keep_their_numbers(tmp_path, above):
    end = "\r\n" if "\r" in above else "\n"
    (tmp_path / "log.csv").write_text(
        above + end.join(["user,item,time", *many(300), "short", *many(10)]) + end, newline=""
    )

    got = accept(tmp_path, tmp_path / "log.csv")

    assert got.facts["rows_accepted"] == 310
    assert got.facts["rejected"] == {"missing_columns": 1}
    assert pd.read_parquet(tmp_path / "quarantine.parquet")["row_number"].tolist() == [301]


def test_excel__a_sheet_by_name_with_its_header_further_down(tmp_path):
    cells = [["Orders 2024 - exported", None, None], [None] * 3, ["user", "item", "time"], *ROWS]
    with pd.ExcelWriter(tmp_path / "log.xlsx") as book:
        pd.DataFrame([["only words"]]).to_excel(book, sheet_name="Info", index=False, header=False)
        pd.DataFrame(cells).to_excel(book, sheet_name="Orders", index=False, header=False)

    got = accept(tmp_path, tmp_path / "log.xlsx")

    assert (got.spec.source.sheet, got.spec.source.skip_rows) == ("Orders", 2)
    assert got.facts["rows_accepted"] == 60
    assert "sheets that are not read: Info" in got.toml


def test_excel__numbers_follow_the_decimal_comma_of_texts(tmp_path):
    frame = pd.DataFrame(
        {"user": ["a", "b"], "item": ["i", "j"], "time": ["2024-01-01"] * 2, "n": ["1,5", 2.5]}
    )
    frame.to_excel(tmp_path / "log.xlsx", index=False)
    columns = '[columns]\nuser = "user"\nitem = "item"\ntime = "time"\nvalue = "n"\n'
    spec = dataset(tmp_path, '[feedback]\nkind = "quantity"', source="decimal = ','", columns=columns)

    _, events, _, _ = run(tmp_path, spec, tmp_path / "log.xlsx")

    assert [event["value"] for event in events] == [1.5, 2.5]


def test_line_ends__that_differ_are_read(tmp_path):
    ends = [b"\r\n", b"\n"]
    for first, other in (ends, ends[::-1]):
        lines = [f"{line}".encode() + first for line in many(3000)]
        (tmp_path / "log.csv").write_bytes(
            b"user,item,time" + first + b"".join(lines) + b"u,i,2024-01-01" + other
        )

        facts, *_ = run(tmp_path, dataset(tmp_path), tmp_path / "log.csv", name=f"out{len(first)}")

        assert facts["rows_accepted"] == 3001


def test_line_ends__that_differ_are_refused_when_the_dataset_says_they_do_not(tmp_path):
    (tmp_path / "log.csv").write_bytes(
        b"user,item,time\r\n" + b"".join(f"{line}\r\n".encode() for line in many(30)) + b"u,i,2024-01-01\n"
    )

    with pytest.raises(ContractError, match="leave line_ends out"):
        run(tmp_path, dataset(tmp_path, source="line_ends = 'same'"), tmp_path / "log.csv")
    facts, *_ = run(tmp_path, dataset(tmp_path, source="line_ends = 'mixed'"), tmp_path / "log.csv")
    assert facts["rows_accepted"] == 31


def test_names__must_be_as_many_as_the_columns(tmp_path):
    path = write_csv(tmp_path, many(5))

    with pytest.raises(ConfigurationError, match=r"has 3 fields, but names under \[source\] lists 2"):
        run(tmp_path, dataset(tmp_path, source="names = ['user', 'item']"), path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("log.xls", b"<html><table></table></html>", "web page"),
        ("log.xml", b"<?xml version='1.0'?><rows/>", "XML or a web page"),
        ("shop.db", b"SQLite format 3\0" + bytes(99), "url = 'sqlite"),
        ("log.feather", b"ARROW1\0\0" + bytes(99), "save it as Parquet"),
        ("log.json", b"{'user': 'a'}\n", "single quotes"),
        ("dump.sql", b"INSERT INTO orders VALUES (1);\n", "dump of a database"),
        ("log.bin", b"\x00\x01\x02\x03" * 9, "says no format"),
    ],
)
def test_other_forms__are_refused_with_what_to_do(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)

    with pytest.raises((ConfigurationError, ContractError), match=words):
        look_at(tmp_path / name)


@pytest.mark.parametrize(
    "address", ["s3://bucket/log.parquet", "https://shop.org/log.csv", "gs://bucket/log.csv"]
)
def test_addresses__are_refused_with_what_to_do(address):
    with pytest.raises(
        ConfigurationError,
        match=r"is an address; .* copy it here first .* JSON Lines, Parquet and Excel are read",
    ):
        look_at(Path(address))
