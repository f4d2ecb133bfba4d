"""An id that is spelt like a missing value is an id, in every format; only what is really missing is nobody."""

import json
import math
from datetime import datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy
from small_logs import dataset, many, run, write_csv

from tasks.sources.snapshot import Table

SPELT = (
    "NA",
    "N/A",
    "na",
    "n/a",
    "null",
    "NULL",
    "Null",
    "nan",
    "NaN",
    "None",
    "none",
    "<NA>",
    "nil",
    "-nan",
)
ROWS = [
    *(tuple(line.split(",")) for line in many(400)),
    *((text, "i1", "2024-01-05 09:00") for text in SPELT),
    *(("u1", text, "2024-01-05 09:30") for text in SPELT),
    *((None, "i2", "2024-01-06 09:00") for _ in range(5)),
    *(("u2", None, "2024-01-07 09:00") for _ in range(3)),
]
NAMES = ("user", "item", "time")


def csv(folder):
    return write_csv(folder, [",".join(value or "" for value in row) for row in ROWS])


def excel(folder):
    pd.DataFrame(ROWS, columns=NAMES).to_excel(folder / "log.xlsx", index=False)
    return folder / "log.xlsx"


def json_lines(folder):
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in ROWS))
    return path


def json_array(folder):
    path = folder / "log.json"
    path.write_text(json.dumps([dict(zip(NAMES, row, strict=True)) for row in ROWS]))
    return path


def parquet(folder):
    columns = dict(zip(NAMES, map(list, zip(*ROWS, strict=True)), strict=True))
    pq.write_table(pa.table(columns), folder / "log.parquet")
    return folder / "log.parquet"


def sqlite(folder):
    columns = pd.DataFrame(ROWS, columns=NAMES)
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'log.db'}", poolclass=sqlalchemy.NullPool)
    columns.to_sql("log", engine, index=False)
    with Table(folder / "log.parquet", NAMES, "reading") as table, engine.connect() as connection:
        table.add(connection.execute(sqlalchemy.text("SELECT * FROM log")).all())
    return folder / "log.parquet"


@pytest.mark.parametrize("write", [csv, excel, json_lines, json_array, parquet, sqlite])
def test_ids__spelt_like_missing_values_stay_ids_in_every_format(tmp_path, write):
    facts, events, quarantine, _ = run(tmp_path, dataset(tmp_path), write(tmp_path))

    assert (facts["rows_read"], facts["anonymous"], facts["rejected"]) == (436, 5, {"missing_item": 3})
    assert [(row["user_id"], row["item_id"]) for row in events] == [row[:2] for row in ROWS if row[1]]
    assert [row["user"] for row in quarantine] == ["u2"] * 3
    for text in ("NA", "N/A", "null", "nan", "None"):
        assert any(f"1 row has {text!r} in 'user'" in said for said in facts["warnings"]), text


def test_ids__a_number_that_is_none_is_nobody(tmp_path):
    users = [float(at % 7) for at in range(60)] + [math.nan, None]
    rest = {"item": ["i1", "i2"] * 31, "time": [datetime(2024, 1, 1 + at % 9) for at in range(62)]}  # noqa: DTZ001
    pq.write_table(pa.table({"user": pa.array(users, pa.float64()), **rest}), tmp_path / "log.parquet")
    lines = [{"user": user, "item": "i1", "time": "2024-01-05"} for user in users]
    (tmp_path / "log.jsonl").write_text(
        "".join(json.dumps(line) + "\n" for line in lines)
    )  # NaN, as Python writes it
    with Table(tmp_path / "mixed.parquet", NAMES, "reading") as table:
        table.add([(user if at % 2 else str(at), "i1", "2024-01-05") for at, user in enumerate(users)])
        table.add([(Decimal("NaN"), "i1", "2024-01-05"), (math.nan, "i1", "2024-01-05")])

    for name, n_nobody in (("log.parquet", 2), ("log.jsonl", 2), ("mixed.parquet", 3)):
        facts, events, *_ = run(tmp_path, dataset(tmp_path), tmp_path / name, name=f"out-{name}")
        assert (facts["anonymous"], facts["rows_rejected"]) == (n_nobody, 0), name
        assert not {"nan", "NaN"} & {row["user_id"] for row in events}
