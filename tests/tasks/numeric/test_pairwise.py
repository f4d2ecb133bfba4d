import numpy as np
import pytest
from event_logs import grouped, random_log
from slow_bpr import Stream, slow_ascend

from tasks.numeric.pairwise import MAX_DRAWS, ascend, draw_below, draw_pair, has_code, sort_cells


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
        _guided(weights),
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
        (np.ones(1), np.zeros(1, np.int32)),
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


def _guided(weights):
    """What pairs of one cell are drawn by."""
    n = len(weights)
    out = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n), np.empty(n, np.int32)
    alone = np.zeros(n, np.int32)
    sort_cells(alone, alone, np.asarray(weights, np.float64), alone, out, np.zeros(2, np.int64), np.zeros(1))
    return out[2:]


@pytest.mark.parametrize("weights", [[1.0], [1, 1, 1, 1], [0, 0, 5, 0, 1e-9, 3, 0], [1e6, 1e-6, 1, 0]])
def test_draw_pair__is_a_search_in_the_running_sum(weights):
    cumulative, guide = _guided(weights)
    shares = np.append(np.random.default_rng(0).random(2_000), [0.0, 1 - 2.0**-53])

    found = [draw_pair(cumulative, guide, share) for share in shares]

    expected = np.searchsorted(cumulative, shares * cumulative[-1], side="right")
    assert found == np.minimum(expected, len(weights) - 1).tolist()


def test_sort_cells__keeps_the_order_within_each_part_of_the_items():
    rng = np.random.default_rng(2)
    users, items = np.sort(rng.integers(0, 9, 50)).astype(np.int32), rng.integers(0, 12, 50).astype(np.int32)
    weights, item_part = rng.random(50).astype(np.float32), rng.integers(0, 4, 12).astype(np.int16)
    out = np.empty(50, np.int32), np.empty(50, np.int32), np.empty(50), np.empty(50, np.int32)
    edges, totals = np.zeros(5, np.int64), np.zeros(4)

    sort_cells(users, items, weights, item_part, out, edges, totals)

    order = np.argsort(item_part[items], kind="stable")
    assert out[0].tolist() == users[order].tolist()
    assert out[1].tolist() == items[order].tolist()
    for part in range(4):
        own = slice(edges[part], edges[part + 1])
        assert (item_part[out[1][own]] == part).all()
        np.testing.assert_allclose(out[2][own], np.cumsum(weights[order].astype(float)[own]))
        assert totals[part] == (out[2][own][-1] if own.stop > own.start else 0)
