from dataclasses import fields

import numpy as np
import pytest
import slow_pair_times
from event_logs import grouped
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.interactions import Csr
from tasks.numeric.pair_times import SOON_DAYS, pair_times

events = st.lists(
    st.tuples(
        st.integers(0, 4), st.integers(0, 5), st.sampled_from([0.0, 1.0, 5.5, 30.0, 31.0, 62.0, 90.25])
    ),
    min_size=1,
    max_size=60,
)


def _columns(times):
    return [getattr(times, field.name) for field in fields(times)]


@given(events)
def test_pair_times__equals_the_slow_count(log):
    matrix = grouped(log, 6, 6)

    columns = _columns(pair_times(matrix.history, matrix.by_user))

    pairs, users = slow_pair_times.pair_times(matrix.history, matrix.by_user, SOON_DAYS)
    np.testing.assert_allclose(np.column_stack(columns[:6]), pairs, rtol=1e-6)
    np.testing.assert_allclose(np.column_stack(columns[6:]), users, rtol=1e-6)


def test_pair_times__reads_a_history_by_hand():
    # Item 0 in three of four baskets (twice in one), item 1 only in the latest.
    matrix = grouped([(0, 0, 60.0), (0, 0, 20.0), (0, 0, 20.0), (0, 0, 10.0), (0, 1, 1.0)], 1, 2)

    times = pair_times(matrix.history, matrix.by_user)

    assert times.baskets.tolist() == [3, 1]
    assert times.last.tolist() == [10, 1]
    assert times.first.tolist() == [60, 1]
    assert times.since.tolist() == [1, 0]
    assert times.until.tolist() == [4, 1]
    assert times.soon.tolist() == [1, 0]
    assert [times.user_baskets[0], times.user_last[0], times.user_first[0]] == [4, 1, 60]


def test_pair_times__leaves_a_pair_alone_that_the_history_does_not_hold():
    matrix = grouped([(0, 1, 3.0)], 1, 3)
    wider = Csr(np.array([0, 2]), np.array([0, 1], np.int32), np.ones(2, np.float32), 3)

    times = pair_times(matrix.history, wider)

    assert times.baskets.tolist() == [0, 1]
    assert times.last.tolist() == pytest.approx([np.nan, 3], nan_ok=True)
