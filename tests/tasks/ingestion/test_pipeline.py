import datetime as dt
import gzip
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_logs import COLUMNS, dataset, many, rule, run, suite, write_csv

from data_contracts.errors import ConfigurationError, ContractError
from tasks.ingestion.pipeline import ingest

UTC = dt.UTC


def test_ingest__keeps_ids_as_text_and_times_in_utc(tmp_path):
    columns = COLUMNS + 'value = "n"\nbasket = "b"'
    source = write_csv(
        tmp_path,
        ["0012,85123A,2011-07-01 10:00,2,B1", "9999999999999999999,00071,2011-07-01T10:00:00Z,3.5,"],
        header="user,item,time,n,b",
    )
    spec = dataset(tmp_path, source='timezone = "Europe/London"', columns=columns)

    facts, events, quarantine, items = run(tmp_path, spec, source)

    assert events == [
        {
            "user_id": "0012",
            "item_id": "85123A",
            "event_time": dt.datetime(2011, 7, 1, 9, 0, tzinfo=UTC),
            "value": 2.0,
            "basket_id": "B1",
        },
        {
            "user_id": "9999999999999999999",
            "item_id": "00071",
            "event_time": dt.datetime(2011, 7, 1, 10, 0, tzinfo=UTC),
            "value": 3.5,
            "basket_id": None,
        },
    ]
    assert quarantine == []
    assert items == []
    assert facts["rows_read"] == facts["rows_accepted"] == 2
    assert facts["first_event_time"] == "2011-07-01T09:00:00Z"
    assert facts["last_event_time"] == "2011-07-01T10:00:00Z"


def test_ingest__strange_ids_survive(tmp_path):
    ids = [
        "a\tb",
        "line\nbreak",
        'say "hi"',
        "../../etc/passwd",
        "C:\\x",
        "🛒",
        "naïve",
        "o'clock",
        "NULL",
        "nan",
    ]
    quoted = [f'"{one.replace(chr(34), chr(34) * 2)}",i{at},2024-01-01' for at, one in enumerate(ids)]
    source = write_csv(tmp_path, quoted)

    _, events, _, _ = run(tmp_path, dataset(tmp_path), source)

    assert [event["user_id"] for event in events] == ids


def test_ingest__cleans_ids_and_counts_how_often(tmp_path):
    source = write_csv(
        tmp_path, [" u1,15056bl,2024-01-01", "u2, 15056BL\t,2024-01-02", "u3,x,2024-01-03", "u4,Y,2024-01-04"]
    )

    facts, events, _, _ = run(tmp_path, dataset(tmp_path, "[cleaning]\nupper_case_items = true"), source)

    assert [(event["user_id"], event["item_id"]) for event in events] == [
        ("u1", "15056BL"),
        ("u2", "15056BL"),
        ("u3", "X"),
        ("u4", "Y"),
    ]
    assert facts["normalised"] == {"stripped": 2, "upper_cased": 2}


def test_ingest__quarantines_whole_rows_with_every_reason(tmp_path):
    columns = COLUMNS + 'value = "n"'
    spec = dataset(tmp_path, columns=columns, extra='[contract]\nmax_reject_rate = 0.2\nsuite = "tiny.json"')
    suite(
        tmp_path,
        [
            rule("values_to_not_be_null", "user_id", "guest", tolerance=0.5),
            rule("values_to_not_be_null", "item_id", "no_item", tolerance=0.5),
            rule("values_to_not_be_null", "event_time", "no_time", tolerance=0.5),
            rule("values_to_be_between", "value", "negative", tolerance=0.5, min_value=0),
            rule("values_to_be_between", "price", "cheap", tolerance=0.5, min_value=1, action="count"),
        ],
        columns={"price": "number"},
    )
    rows = [f"{line},1,5" for line in many(20)]
    rows[3] = ",,yesterday,-1,0.5"
    rows[5] = ",i1,2024-01-01,1,5"
    source = write_csv(tmp_path, rows, header="user,item,time,n,price")

    facts, events, quarantine, _ = run(tmp_path, spec, source)

    assert quarantine == [
        {
            "user": None,
            "item": None,
            "time": "yesterday",
            "n": "-1",
            "price": "0.5",
            "raw_line": None,
            "source_file": "log.csv",
            "row_number": 4,
            "reasons": ["guest", "no_item", "no_time", "negative", "cheap"],
        }
    ]
    assert len(events) == 19
    assert facts["rejected"] == {"no_item": 1, "no_time": 1, "negative": 1}
    assert facts["counted"] == {"guest": 2, "cheap": 1}
    assert facts["anonymous"] == 1
    assert (facts["rows_read"], facts["rows_accepted"], facts["rows_rejected"]) == (20, 19, 1)


def test_ingest__anonymous_rows_are_rejected_where_the_dataset_says_so(tmp_path):
    spec = dataset(tmp_path, '[cleaning]\nanonymous = "reject"')
    source = write_csv(tmp_path, [*many(30), ",i1,2024-01-01"])

    facts, events, quarantine, _ = run(tmp_path, spec, source)

    assert len(events) == 30
    assert [row["reasons"] for row in quarantine] == [["anonymous"]]
    assert facts["rejected"] == {"anonymous": 1}


def test_ingest__unreadable_lines_go_to_quarantine_and_rows_keep_their_numbers(tmp_path):
    good = many(500)
    lines = [
        *good[:2],
        "only,two",
        '"u,""1""","i\n2",2024-01-01',
        *good[2:],
        "a,b,2024-01-01,d",
        "x,,2024-01-01",
    ]
    source = write_csv(tmp_path, lines)
    source.write_bytes(source.read_bytes() + b"caf\xe9,i1,2024-01-01\n")

    facts, events, quarantine, _ = run(tmp_path, dataset(tmp_path), source)

    assert len(events) == 501
    assert [(row["row_number"], row["reasons"], row["raw_line"]) for row in quarantine] == [
        (504, ["missing_item"], None),
        (3, ["missing_columns"], "only,two"),
        (503, ["too_many_columns"], "a,b,2024-01-01,d"),
        (505, ["invalid_encoding"], "caf\\xe9,i1,2024-01-01"),
    ]
    assert facts["rows_read"] == 505


def test_ingest__extra_copies_of_a_row_are_told_from_equal_looking_ones(tmp_path):
    spec = dataset(tmp_path, "[cleaning]\ndrop_exact_duplicates = true")
    good = [f"u{at},i1,2024-01-01" for at in range(100)]
    source = write_csv(tmp_path, [*good, good[3], "u3 ,i1,2024-01-01", good[3]])

    facts, _, quarantine, _ = run(tmp_path, spec, source)

    assert [row["row_number"] for row in quarantine] == [101, 103]
    assert facts["rejected"] == {"exact_duplicate": 2}


def test_ingest__cancellations_by_prefix_and_by_number(tmp_path):
    rows = [*(f"{line},1,5" for line in many(20)), "u1,i1,2024-01-01,C7,5", "u1,i1,2024-01-01,7,-5"]
    source = write_csv(tmp_path, rows, header="user,item,time,invoice,n")
    by_prefix = dataset(tmp_path, '[cancellation]\ncolumn = "invoice"\nstarts_with = "C"')
    _, _, first, _ = run(tmp_path, by_prefix, source)
    by_number = dataset(tmp_path, '[cancellation]\ncolumn = "n"\nbelow = 0')
    _, _, second, _ = run(tmp_path, by_number, source)

    assert [(row["row_number"], row["reasons"]) for row in first] == [(21, ["cancellation"])]
    assert [(row["row_number"], row["reasons"]) for row in second] == [(22, ["cancellation"])]


def test_ingest__takes_the_most_frequent_title_and_a_separate_table_wins(tmp_path):
    columns = COLUMNS + 'title = "name"\nattributes = ["kind"]'
    rows = [
        "u1,a,2024-01-01,Mug,k",
        "u1,a,2024-01-02,Cup,k",
        "u2,a,2024-01-03, Cup ,j",
        "u2,b,2024-01-03,B,",
        "u2,c,2024-01-03,,",
    ]
    source = write_csv(tmp_path, rows, header="user,item,time,name,kind")
    _, _, _, items = run(tmp_path, dataset(tmp_path, columns=columns), source)

    assert items == [
        {"item_id": "a", "title": "Cup", "kind": "k"},
        {"item_id": "b", "title": "B", "kind": None},
    ]

    write_csv(tmp_path, ["b;Better B;9", "z;Never seen;1"], name="items.csv", header="id;label;size")
    table = '[items]\npath = "items.csv"\nid = "id"\ntitle = "label"\nattributes = ["size"]'
    _, _, _, items = run(
        tmp_path, dataset(tmp_path, table, columns=columns, source='delimiter = ","'), source
    )

    assert items == [
        {"item_id": "a", "title": "Cup", "kind": "k", "size": None},
        {"item_id": "b", "title": "Better B", "kind": None, "size": "9"},
        {"item_id": "z", "title": "Never seen", "kind": None, "size": "1"},
    ]


def test_ingest__a_log_without_times_or_values(tmp_path):
    source = write_csv(tmp_path, ["u1,i1", "u2,i2"], header="user,item")
    spec = dataset(tmp_path, columns='[columns]\nuser = "user"\nitem = "item"', split="random")

    facts, events, _, _ = run(tmp_path, spec, source)

    assert events[0] == {"user_id": "u1", "item_id": "i1", "event_time": None, "value": 1.0}
    assert facts["first_event_time"] is None


def test_ingest__labels_become_their_place(tmp_path):
    extra = '[feedback]\nkind = "ordinal"\nlabels = ["view", "cart", "buy"]'
    lines = [f"{line},{('view', 'cart', 'buy')[at % 3]}" for at, line in enumerate(many(200))]
    source = write_csv(tmp_path, [*lines, "u1,i1,2024-01-01,steal"], header="user,item,time,what")

    _, events, quarantine, _ = run(
        tmp_path, dataset(tmp_path, extra, columns=COLUMNS + 'value = "what"'), source
    )

    assert [event["value"] for event in events[:3]] == [1.0, 2.0, 3.0]
    assert [row["reasons"] for row in quarantine] == [["unreadable_value"]]


def test_ingest__same_input_same_bytes(tmp_path):
    source = write_csv(tmp_path, [*many(3000), ",i1,2024-01-01", "u1,,2024-01-01", "broken"])
    spec = dataset(tmp_path, columns=COLUMNS + 'title = "item"')
    run(tmp_path, spec, source, "first")
    run(tmp_path, spec, source, "second")

    for first in sorted((tmp_path / "first").iterdir()):
        assert first.read_bytes() == (tmp_path / "second" / first.name).read_bytes(), first.name
    assert json.loads((tmp_path / "first" / "profile.json").read_text())["rows_read"] == 3003


def test_ingest__pieces_make_no_difference(tmp_path, monkeypatch):
    lines = [*many(2000), "broken", ",i1,2024-01-01", "u1,,2024-01-01", *many(1000), "u1,,2024-01-01"]
    source = write_csv(tmp_path, lines)
    spec = dataset(tmp_path)
    whole = run(tmp_path, spec, source, "whole")
    monkeypatch.setattr("tasks.ingestion.log_pass.CHUNK_ROWS", 700)
    monkeypatch.setattr("tasks.ingestion.reader.BATCH_ROWS", 300)
    pieces = run(tmp_path, spec, source, "pieces")

    assert pieces[1:] == whole[1:]
    assert {**pieces[0], "seconds": 0} == {**whole[0], "seconds": 0}


def test_ingest__folder_of_gzipped_csv_in_order_of_names(tmp_path):
    folder = tmp_path / "log"
    folder.mkdir()
    for name, start in (("b.csv.gz", 5), ("a.csv.gz", 0)):
        with gzip.open(folder / name, "wt") as file:
            file.write("user,item,time\n" + "\n".join(many(5, start)) + "\n")
    (folder / "notes.md").write_text("not data")

    facts, events, _, _ = run(tmp_path, dataset(tmp_path), folder)

    assert [event["user_id"] for event in events] == [f"u{at % 7}" for at in range(10)]
    assert facts["files"] == 2


def test_ingest__parquet_folder_with_float_customers_and_hive_columns(tmp_path):
    for day, user in (("2024-01-01", 17850.0), ("2024-01-02", float("nan"))):
        folder = tmp_path / "log" / f"day={day}"
        folder.mkdir(parents=True)
        table = pa.table({"user": [user, 12.5], "item": pa.array([22, 23], pa.int64())})
        pq.write_table(table, folder / "part.parquet")
    columns = '[columns]\nuser = "user"\nitem = "item"\ntime = "day"'

    _, events, _, _ = run(tmp_path, dataset(tmp_path, columns=columns), tmp_path / "log")

    assert [event["user_id"] for event in events] == ["17850", "12.5", None, "12.5"]
    assert [event["item_id"] for event in events] == ["22", "23", "22", "23"]
    assert events[2]["event_time"] == dt.datetime(2024, 1, 2, tzinfo=UTC)


def test_ingest__excel(tmp_path):
    source = tmp_path / "log.xlsx"
    moments = pd.to_datetime(["2024-01-01 08:26", "2024-01-02 00:00"])
    pd.DataFrame({"user": [17850.0, None], "item": ["0012", "85123A"], "time": moments}).to_excel(
        source, index=False
    )

    _, events, _, _ = run(tmp_path, dataset(tmp_path), source)

    assert [(event["user_id"], event["item_id"]) for event in events] == [("17850", "0012"), (None, "85123A")]
    assert events[0]["event_time"] == dt.datetime(2024, 1, 1, 8, 26, tzinfo=UTC)


def test_ingest__a_cell_of_ten_megabytes_is_read(tmp_path):
    source = write_csv(
        tmp_path,
        [*(f"{line},x" for line in many(3)), f"u1,i1,2024-01-01,{'x' * 10_000_000}"],
        header="user,item,time,text",
    )

    _, events, _, _ = run(tmp_path, dataset(tmp_path), source)

    assert len(events) == 4


def test_ingest__an_id_of_ten_megabytes_is_not(tmp_path):
    source = write_csv(tmp_path, [*many(2000), f"u1,{'x' * 10_000_000},2024-01-01"])

    _, events, quarantine, _ = run(tmp_path, dataset(tmp_path), source)

    assert len(events) == 2000
    assert [row["reasons"] for row in quarantine] == [["id_too_long"]]
    assert len(quarantine[0]["item"]) == 10_000_000


def test_ingest__source_columns_with_our_names_do_not_clash(tmp_path):
    source = write_csv(
        tmp_path,
        [*(f"{line},r,7" for line in many(200)), "u1,,2024-01-01,r,7"],
        header="user_id,item,time,reasons,row_number",
    )
    columns = COLUMNS.replace('"user"', '"user_id"')

    _, _, quarantine, _ = run(tmp_path, dataset(tmp_path, columns=columns), source)

    assert quarantine[0]["reasons (source)"] == "r"
    assert quarantine[0]["row_number (source)"] == "7"
    assert quarantine[0]["row_number"] == 201


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], r"log\.csv holds no row below its header"),
        (
            [f"u1,i1,{day}" for day in ("soon", "later")],
            r"unreadable_time .*2 of 2 rows = 100\.00%, limit 1\.00%",
        ),
        ([",i1,2024-01-01"] * 3, r"anonymous .*3 of 3 rows = 100\.00%, limit 60\.00%"),
        (["u1,,2024-01-01"] * 3, r"missing_item .*3 of 3"),
        (["u1,i1,9999-12-31"] * 3, r"unreadable_time .*3 of 3"),
        (
            [*many(50), "x", "y"],
            r"missing_columns \(every line has as many .*\): 2 of 52 rows = 3\.85%, limit 1\.00%",
        ),
        (
            [*many(20), '"u1,i1,2024-01-01', *many(20)],
            r"log\.csv, row 21: a quotation mark is opened and never",
        ),
    ],
)
def test_ingest__broken_data_stops_with_counts_and_places(tmp_path, lines, message):
    source = write_csv(tmp_path, lines)

    with pytest.raises(ContractError, match=message):
        run(tmp_path, dataset(tmp_path), source)


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "1e300", "", "two"])
def test_ingest__values_that_are_no_finite_numbers_are_rejected(tmp_path, bad):
    source = write_csv(
        tmp_path, [*(f"{line},1" for line in many(200)), f"u1,i1,2024-01-01,{bad}"], header="user,item,time,n"
    )

    facts, _, quarantine, _ = run(tmp_path, dataset(tmp_path, columns=COLUMNS + 'value = "n"'), source)

    assert len(quarantine) == 1
    assert set(facts["rejected"]) <= {"unreadable_value", "impossible_value"}


def test_ingest__message_shows_the_first_rows_where_they_stand(tmp_path):
    source = write_csv(tmp_path, ["broken", *many(10), *["u1,,2024-02-30"] * 5])
    spec = dataset(tmp_path)

    with pytest.raises(ContractError) as caught:
        run(tmp_path, spec, source)

    message = str(caught.value)
    assert "tiny (raw_events.json) breaks its contract" in message
    assert "log.csv, row 12: u1, None, 2024-02-30" in message
    assert "log.csv, row 14" in message
    assert "log.csv, row 15" not in message
    assert "log.csv, row 1: broken" in message


def test_ingest__all_reasons_together_have_a_limit_too(tmp_path):
    spec = dataset(tmp_path, "[contract]\nmax_reject_rate = 0.001")
    source = write_csv(tmp_path, [*many(300), "u1,,2024-01-01"])

    with pytest.raises(ContractError, match=r"all reasons together \(max_reject_rate\): 1 of 301"):
        run(tmp_path, spec, source)


def test_ingest__columns_and_formats_are_checked_first(tmp_path):
    source = write_csv(tmp_path, many(3))

    with pytest.raises(ConfigurationError, match=r"log\.csv has no column 'users'; did you mean 'user'\?"):
        run(tmp_path, dataset(tmp_path, columns=COLUMNS.replace('"user"', '"users"')), source)
    with pytest.raises(ConfigurationError, match=r"only one column was found: correct delimiter"):
        run(tmp_path, dataset(tmp_path, source='delimiter = ";"'), source)
    with pytest.raises(ConfigurationError, match=r"time_format = '%Q' .* is no strptime format"):
        run(tmp_path, dataset(tmp_path, source='time_format = "%Q"'), source)
    with pytest.raises(ConfigurationError, match=r"'elsewhere\.json' is not in"):
        run(tmp_path, dataset(tmp_path, '[contract]\nsuite = "elsewhere.json"'), source)


def test_ingest__files_of_one_log_must_have_the_columns_of_the_roles(tmp_path):
    folder = tmp_path / "log"
    folder.mkdir()
    write_csv(folder, many(3), name="a.csv")
    write_csv(folder, ["i1,u1,2024-01-01"], name="b.csv", header="item,user,time")
    _, events, _, _ = run(tmp_path, dataset(tmp_path), folder)

    assert events[3]["user_id"] == "u1"

    write_csv(folder, ["i1,2024-01-01"], name="c.csv", header="item,time")
    with pytest.raises(ConfigurationError, match=r"c\.csv has no column 'user', which .* files ="):
        run(tmp_path, dataset(tmp_path), folder)


def test_ingest__what_the_dataset_asks_for_the_suite_must_judge(tmp_path):
    suite(
        tmp_path,
        [rule("values_to_not_be_null", "user_id", "guest"), rule("values_to_not_be_null", "item_id", "x")],
    )
    source = write_csv(tmp_path, many(3))

    with pytest.raises(ConfigurationError, match=r"has 'event_time', but its suite .*tiny\.json has no rule"):
        run(tmp_path, dataset(tmp_path, '[contract]\nsuite = "tiny.json"'), source)


def test_ingest__corrupt_parquet_names_the_file(tmp_path):
    source = tmp_path / "log.parquet"
    table = pa.table(
        {"user": [f"u{k}" for k in range(5000)], "item": ["i"] * 5000, "time": ["2024-01-01"] * 5000}
    )
    pq.write_table(table, source, compression="zstd")
    content = bytearray(source.read_bytes())
    content[200:4000] = b"\xff" * 3800
    source.write_bytes(content)

    with pytest.raises(ContractError, match=r"log\.parquet"):
        run(tmp_path, dataset(tmp_path), source)


def test_ingest__a_full_disk_leaves_nothing_in_scratch(tmp_path, monkeypatch):
    def no_space(*_args, **_kwargs):
        raise OSError(28, "No space left on device", "events.parquet")

    source = write_csv(tmp_path, many(10))
    monkeypatch.setattr("tasks.ingestion.event_writer.pq.ParquetWriter.write_table", no_space)
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    with pytest.raises(OSError, match=r"No space left on device.*events\.parquet"):
        ingest(dataset(tmp_path), source, tmp_path, scratch=scratch)

    assert not list(scratch.iterdir())


def test_ingest__a_mistyped_year_is_told_and_does_not_end_the_log(tmp_path):
    source = write_csv(
        tmp_path, [*(f"u,i,2024-01-01 10:00:{at % 60:02}" for at in range(200)), "u,i,2099-01-01"]
    )

    facts, *_ = run(tmp_path, dataset(tmp_path), source)

    assert facts["late_outliers"] == 1
    assert facts["last_regular_event_time"] == "2024-01-01T10:00:59.000000Z"
    assert facts["last_event_time"] == "2099-01-01T00:00:00Z"
    assert "1 events lie far behind all others" in facts["warnings"][0]
