import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.numeric.gather import add_rows, add_scaled, dot, dots, weighted_dot


@settings(deadline=None, max_examples=40)
@given(
    n_ids=st.integers(0, 70),
    n_factors=st.integers(1, 70),
    dtype=st.sampled_from([np.float32, np.int16]),
    seed=st.integers(0, 9),
)
def test_dots_and_add_rows__equal_numpy(n_ids, n_factors, dtype, seed):
    rng = np.random.default_rng(seed)
    rows = (rng.normal(size=(30, n_factors)) * 100).astype(dtype)
    ids = rng.integers(0, 30, n_ids).astype(np.int32)
    vector = rng.normal(size=n_factors).astype(np.float32)
    weights = rng.normal(size=n_ids).astype(np.float32)
    scores, total = np.empty(n_ids, dtype=np.float32), vector.copy()

    dots(rows, ids, vector, scores)
    add_rows(rows, ids, weights, total)

    assert scores == pytest.approx(rows[ids] @ vector.astype(np.float64), abs=0.01)
    assert total == pytest.approx(vector + weights.astype(np.float64) @ rows[ids], abs=0.01)


def test_short_vectors__equal_numpy(rng):
    a, b, c = rng.normal(size=(3, 50)).astype(np.float32)
    out = a.copy()
    add_scaled(out, np.float32(0.5), b)

    assert dot(a, b) == pytest.approx(a @ b, abs=1e-4)
    assert weighted_dot(a, b, c) == pytest.approx((a * b) @ c, abs=1e-4)
    assert out == pytest.approx(a + 0.5 * b, abs=1e-5)


def test_dots__reach_the_last_row_that_int32_can_name():
    n_rows = np.iinfo(np.int32).max
    try:
        # Pages that nobody touches take no memory: a row of one number costs 8 GB of addresses only.
        rows = np.zeros((n_rows, 1), dtype=np.float32)
    except MemoryError:
        pytest.skip("this machine gives no process 8 GB of addresses")
    rows[-1] = 3
    ids = np.full(5, n_rows - 1, dtype=np.int32)
    scores, total = np.empty(5, dtype=np.float32), np.zeros(1, dtype=np.float32)

    dots(rows, ids, np.ones(1, dtype=np.float32), scores)
    add_rows(rows, ids, scores, total)

    assert scores.tolist() == [3] * 5
    assert total.tolist() == [45]
