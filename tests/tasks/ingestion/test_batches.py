import threading

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ingestion.batches import ahead, rechunk


@given(st.lists(st.integers(0, 50), max_size=12), st.integers(1, 30))
def test_rechunk__keeps_order_and_cuts_evenly(sizes, n_rows):
    numbers = iter(range(sum(sizes)))
    schema = pa.schema([("x", pa.int64())])
    batches = [pa.record_batch([[next(numbers) for _ in range(size)]], schema=schema) for size in sizes]

    tables = list(rechunk(batches, n_rows))

    assert [x for table in tables for x in table["x"].to_pylist()] == list(range(sum(sizes)))
    assert all(table.num_rows == n_rows for table in tables[:-1])
    assert all(0 < table.num_rows <= n_rows for table in tables[-1:])


def test_ahead__yields_everything_in_order():
    with ahead(lambda: iter(range(100))) as numbers:
        assert list(numbers) == list(range(100))


def test_ahead__raises_the_error_of_the_thread_after_what_came_before():
    def broken():
        yield 1
        raise OSError("disk on fire")

    seen = []
    with pytest.raises(OSError, match="disk on fire"), ahead(broken) as numbers:
        seen.extend(numbers)

    assert seen == [1]


def test_ahead__is_never_far_ahead_and_ends_with_the_block():
    made = []

    def many():
        for number in range(1000):
            made.append(number)
            yield number

    with ahead(many, depth=2) as numbers:
        assert next(numbers) == 0

    assert len(made) <= 5
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]
