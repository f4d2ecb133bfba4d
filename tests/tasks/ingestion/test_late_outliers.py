import numpy as np
import pytest

from tasks.ingestion.late_outliers import last_regular_day

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

    assert newest({**seldom, 1300: 1}) == 1300
    assert newest({**seldom, 1500: 1}) == 900


def test_last_regular_day__of_few_events_none_is_an_outlier():
    assert newest({0: 98, 30_000: 1}) == 30_000
    assert newest({0: 99, 30_000: 1}) == 0


def test_last_regular_day__of_one_day():
    assert newest({7: 1000}) == 7
