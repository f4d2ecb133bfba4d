import numpy as np
import pytest
from event_logs import grouped, random_log
from slow_bpr import Stream, slow_ascend

from tasks.numeric.pairwise import MAX_DRAWS, ascend, draw_below, has_code


@pytest.mark.parametrize("seed", range(4))
def test_ascend__equals_the_steps_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    rows = grouped(random_log(rng, n_users=8, n_items=12, n_events=60), 8, 12).by_user
    users = np.repeat(np.arange(8, dtype=np.int32), rows.lengths())
    weights = rng.random(rows.nnz) + 0.1
    candidates = rng.permutation(12).astype(np.int32)[:9]
    X, Y = (rng.normal(size=(n, 5)).astype(np.float32) for n in (8, 12))
    bias = rng.normal(size=12).astype(np.float32)
    rates = np.float32([0.1, 0.02, 0.03, 0.04])
    slow = (X.astype(float).tolist(), Y.astype(float).tolist(), bias.astype(float).tolist())

    counts = ascend(
        400,
        seed,
        users,
        rows.indices,
        np.cumsum(weights),
        candidates,
        rows.indptr,
        rows.indices,
        rates,
        X,
        Y,
        bias,
    )

    pairs = list(zip(users.tolist(), rows.indices.tolist(), strict=True))
    seen = [set(rows.row(u)[0].tolist()) for u in range(8)]
    expected = slow_ascend(
        400, seed, pairs, weights.tolist(), candidates.tolist(), seen, rates.tolist(), slow
    )
    assert counts == expected
    for fast, exact in zip((X, Y, bias), slow, strict=True):
        np.testing.assert_allclose(fast, exact, atol=2e-4)


def test_ascend__gives_up_on_a_user_who_has_everything():
    one = np.zeros(1, dtype=np.int32)
    X, Y = np.ones((1, 2), dtype=np.float32), np.ones((1, 2), dtype=np.float32)

    counts = ascend(
        10,
        1,
        one,
        one,
        np.ones(1),
        one,
        np.int64([0, 1]),
        one,
        np.ones(4, np.float32),
        X,
        Y,
        np.zeros(1, np.float32),
    )

    assert counts == (0, 0)
    assert (X == 1).all()
    assert MAX_DRAWS > 1


def test_draw_below__is_even():
    stream = Stream(11)
    draws = [draw_below(np.uint64(stream.next()), 7) for _ in range(7_000)]

    counts = np.bincount(draws, minlength=7)
    # Seven boxes of 1,000: a standard deviation is 29.
    assert len(counts) == 7
    assert abs(counts - 1_000).max() < 150


def test_has_code__searches_only_its_row():
    indices = np.int32([1, 5, 9, 2, 5])

    assert [has_code(indices, 0, 3, code) for code in (0, 1, 2, 5, 9, 10)] == [
        False, True, False, True, True, False,
    ]  # fmt: skip
    assert not has_code(indices, 3, 3, 2)
