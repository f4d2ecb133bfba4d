import datetime as dt

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_logs import COLUMNS, dataset

from data_contracts.errors import ConfigurationError
from tasks.ingestion.normalization import projection
from tasks.sources.files import open_file


def project(folder, values, spec, rule_columns=None):
    """The projected columns of a Parquet file with the given columns."""
    path = folder / "log.parquet"
    pq.write_table(pa.table(values), path)
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = '{spec.source.timezone}'")
        file = open_file(connection, path, "parquet", spec.source, folder)
        listed = ", ".join(
            f'{sql} AS "{name}"' for name, sql in projection(file, spec, rule_columns or {}).items()
        )
        return connection.sql(f"SELECT {listed} FROM {file.relation}").to_arrow_table().to_pydict()


def times(folder, values, **source):
    spec = dataset(folder, source="\n".join(f'{key} = "{value}"' for key, value in source.items()))
    rows = {"user": ["u"] * len(values), "item": ["i"] * len(values), "time": values}
    return [None if found is None else str(found) for found in project(folder, rows, spec)["event_time"]]


@pytest.mark.parametrize(
    ("value", "source", "expected"),
    [
        ("2011-07-01 10:00", {}, "2011-07-01 10:00:00"),
        ("2011-07-01 10:00", {"timezone": "Europe/London"}, "2011-07-01 09:00:00"),
        ("2011-01-01 10:00", {"timezone": "Europe/London"}, "2011-01-01 10:00:00"),
        ("2011-07-01T10:00:00Z", {"timezone": "Europe/London"}, "2011-07-01 10:00:00"),
        ("2011-07-01 10:00:00+02:00", {}, "2011-07-01 08:00:00"),
        ("2011-07-01", {"timezone": "Asia/Tokyo"}, "2011-06-30 15:00:00"),
        ("12/1/2010 8:26", {"time_format": "%m/%d/%Y %H:%M"}, "2010-12-01 08:26:00"),
        (
            "1.7.2011 10:00",
            {"time_format": "%d.%m.%Y %H:%M", "timezone": "Europe/Berlin"},
            "2011-07-01 08:00:00",
        ),
        ("964982703", {"time_format": "epoch_seconds", "timezone": "Europe/London"}, "2000-07-30 18:45:03"),
        ("964982703.5", {"time_format": "epoch_seconds"}, "2000-07-30 18:45:03.500000"),
        ("964982703123", {"time_format": "epoch_milliseconds"}, "2000-07-30 18:45:03.123000"),
        ("1e300", {"time_format": "epoch_seconds"}, None),
        ("nan", {"time_format": "epoch_seconds"}, None),
        ("soon", {"time_format": "epoch_seconds"}, None),
        ("soon", {}, None),
        ("12/1/2010 8:26", {}, None),
        ("2011-02-30", {}, None),
        ("9999-12-31", {}, None),
        ("1066-10-14", {}, None),
        ("infinity", {}, None),
        ("", {}, None),
        (None, {}, None),
    ],
)
def test_projection__reads_times_as_utc_or_not_at_all(tmp_path, value, source, expected):
    column = pa.array([value], pa.string())

    assert times(tmp_path, column, **source) == [expected]


def test_projection__takes_stored_timestamps_as_they_are_meant(tmp_path):
    moment = dt.datetime.fromisoformat("2011-07-01T10:00:00")
    london = {"timezone": "Europe/London"}

    assert times(tmp_path, pa.array([moment], pa.timestamp("ns")), **london) == ["2011-07-01 09:00:00"]
    assert times(tmp_path, pa.array([moment], pa.timestamp("ms", tz="UTC")), **london) == [
        "2011-07-01 10:00:00"
    ]
    assert times(tmp_path, pa.array([moment.date()], pa.date32()), **london) == ["2011-06-30 23:00:00"]
    assert times(tmp_path, pa.array([964982703], pa.int64()), time_format="epoch_seconds") == [
        "2000-07-30 18:45:03"
    ]
    assert times(tmp_path, pa.array([964982703.0]), time_format="epoch_seconds") == ["2000-07-30 18:45:03"]


def test_projection__numbers_as_times_need_to_be_told_how(tmp_path):
    with pytest.raises(ConfigurationError, match="time column 'time' holds numbers; write time_format"):
        times(tmp_path, pa.array([964982703], pa.int64()))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            pa.array([17850.0, float("nan"), None, 2.5, -1.0, 1e16]),
            ["17850", None, None, "2.5", "-1", "1e+16"],
        ),
        (pa.array([17850.0], pa.float32()), ["17850"]),
        (pa.array([2**62, -5], pa.int64()), [str(2**62), "-5"]),
        (pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pa.array(["0012", "", "  ", " x\t"]), ["0012", None, None, "x"]),
        (pa.array([True]), ["true"]),
    ],
)
def test_projection__ids_are_text_as_people_write_it(tmp_path, values, expected):
    rows = {"user": values, "item": ["i"] * len(values), "time": ["2024-01-01"] * len(values)}

    assert project(tmp_path, rows, dataset(tmp_path))["user_id"] == expected


def test_projection__cleaning_can_be_switched_off(tmp_path):
    spec = dataset(tmp_path, "[cleaning]\nstrip_ids = false")
    found = project(tmp_path, {"user": [" u"], "item": [" a "], "time": ["2024-01-01"]}, spec)

    assert (found["user_id"], found["item_id"], found["stripped"]) == ([" u"], [" a "], [False])


def test_projection__values_and_what_cancels_them(tmp_path):
    spec = dataset(
        tmp_path, '[cancellation]\ncolumn = "invoice"\nstarts_with = "C"', columns=COLUMNS + 'value = "n"'
    )
    rows = {
        "user": ["u"] * 4,
        "item": ["i"] * 4,
        "time": ["2024-01-01"] * 4,
        "invoice": ["1", "C2", None, "3"],
        "n": ["2", "3", "x", "inf"],
    }

    found = project(tmp_path, rows, spec, {"n": "text", "invoice": "number"})

    assert found["value"] == [2.0, 3.0, None, float("inf")]
    assert found["cancelled"] == [0, 1, 0, 0]
    assert found["kept_value"] == [2.0, None, None, float("inf")]
    assert found["n"] == ["2", "3", "x", "inf"]
    assert found["invoice"] == [1.0, None, None, 3.0]


def test_projection__a_label_may_hold_a_quote(tmp_path):
    extra = '[feedback]\nkind = "ordinal"\nlabels = ["didn\'t like", "liked"]'
    spec = dataset(tmp_path, extra, columns=COLUMNS + 'value = "n"')
    rows = {
        "user": ["u"] * 3,
        "item": ["i"] * 3,
        "time": ["2024-01-01"] * 3,
        "n": ["liked ", "didn't like", "Liked"],
    }

    assert project(tmp_path, rows, spec)["value"] == [2.0, 1.0, None]
