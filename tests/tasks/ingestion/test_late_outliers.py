import duckdb
import numpy as np
import pytest
from real_logs import real_file

from tasks.ingestion.late_outliers import FEWEST, last_regular_day

YEAR = 365
DAILY = dict.fromkeys(range(400), 10)


def newest(counts):
    days = np.array(sorted(counts), dtype=np.int64)
    return last_regular_day(days, np.array([counts[day] for day in sorted(counts)], dtype=np.int64))


@pytest.mark.parametrize(
    ("late", "last"),
    [
        ({}, 399),
        ({399 + 74 * YEAR: 1}, 399),
        ({399 + YEAR: 1, 399 + 74 * YEAR: 2}, 399),  # several of them, far from each other
        ({399 + YEAR: 5}, 399 + YEAR),  # more than a thousandth are no accident
        ({429: 1}, 429),  # a gap of 30 days may be a holiday
        ({430: 1}, 399),
        ({420: 1, 440: 1}, 440),
    ],
)
def test_last_regular_day__a_gap_ends_the_log_if_hardly_anything_lies_behind_it(late, last):
    assert newest({**DAILY, **late}) == last


def test_last_regular_day__early_outliers_do_not_hide_late_ones():
    assert newest({-20_000: 1, **DAILY, 30_000: 1}) == 399


def test_last_regular_day__a_log_of_long_gaps_may_have_one_more():
    seldom = dict.fromkeys(range(0, 1000, 100), 50)

    assert newest({**seldom, 1100: 1}) == 1100
    assert newest({**seldom, 1101: 1}) == 900


def test_last_regular_day__a_month_mistyped_after_a_holiday_is_found():
    holiday = {day: n for day, n in DAILY.items() if not 355 < day < 367}  # 12 days from event to event

    assert newest({**holiday, 399 + 31: 1}) == 399


def test_last_regular_day__of_few_events_none_is_an_outlier():
    assert newest({0: 98, 30_000: 1}) == 30_000
    assert newest({0: 99, 30_000: 1}) == 0


def test_last_regular_day__of_one_day():
    assert newest({7: 1000}) == 7


def days_of(log, time):
    """Days and counts of the log as it was on each of its days."""
    rows = duckdb.sql(
        f"SELECT floor(epoch({time}) / 86400)::BIGINT, count(*) FROM '{log}' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    days, counts = np.array(rows, dtype=np.int64).T
    return [(days[:end], counts[:end]) for end in range(1, len(days) + 1) if counts[:end].sum() >= FEWEST]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "time", "shortest"),
    [
        ("online_retail.parquet", "InvoiceDate", 31),
        ("movielens_small_ratings.csv", "to_timestamp(timestamp)", 116),  # nobody came for 57 days once
    ],
)
def test_last_regular_day__on_every_day_of_a_real_log(name, time, shortest):
    prefixes = days_of(real_file(name), time)

    assert len(prefixes) >= 300
    for days, counts in prefixes:
        assert last_regular_day(days, counts) == days[-1]
    for days, counts in prefixes[::7]:
        for later in (shortest, 365, 36_525):
            for rows in {1, max(1, int(0.0005 * counts.sum()))}:
                mistyped = np.append(days, days[-1] + later), np.append(counts, rows)
                assert last_regular_day(*mistyped) == days[-1], (days[-1], later, rows)
