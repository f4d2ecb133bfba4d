import duckdb
import pytest

from tasks.onboarding.times import guess_time_format, is_ambiguous, looks_like_times


@pytest.mark.parametrize(
    ("values", "kind", "named", "expected"),
    [
        (["2024-01-03 08:26"], "VARCHAR", False, "auto"),
        (["03.01.2024 08:26", "31.01.2024 9:05"], "VARCHAR", False, "%d.%m.%Y %H:%M"),
        (["1704270364"], "BIGINT", False, "epoch_seconds"),
        (["1704270364000000000"], "BIGINT", False, "epoch_nanoseconds"),
        (["20240103"], "INTEGER", False, "%Y%m%d"),
        (["45294.35", "45295.1"], "VARCHAR", True, "excel_serial"),
        (["45294.35", "45295.1"], "VARCHAR", False, None),
        (["85123A", "71053"], "VARCHAR", False, None),
        (["12", "999"], "VARCHAR", True, None),
        (["x"], "TIMESTAMP", False, "auto"),
        ([], "VARCHAR", True, None),
    ],
)
def test_guess_time_format__by_content(values, kind, named, expected):
    with duckdb.connect() as connection:
        assert guess_time_format(connection, values, kind, named=named) == expected


def test_is_ambiguous__only_where_no_day_is_past_the_twelfth():
    assert is_ambiguous("%d/%m/%Y", ["01/02/2024", "12/12/2024"])
    assert not is_ambiguous("%d/%m/%Y", ["01/02/2024", "13/12/2024"])
    assert not is_ambiguous("%d.%m.%Y", ["01.02.2024"])


def test_looks_like_times__though_no_format_reads_them():
    assert looks_like_times(["2024-W01", "2024-W02"])
    assert not looks_like_times(["85123A", "Mug"])
