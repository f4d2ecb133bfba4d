import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from slow_topk import slow_lists

from data_contracts.interactions import GroupedMatrix
from tasks.numeric import common_order
from tasks.numeric.common_order import CommonOrder
from tasks.numeric.scorers import PersonalScores


def _rows(rng, n_rows, n_items, share):
    return GroupedMatrix.from_csr(csr_matrix(rng.random((n_rows, n_items)) < share)).by_user


def _sets(csr):
    return [set(csr.row(r)[0].tolist()) for r in range(csr.shape[0])]


@given(
    seed=st.integers(0, 10_000),
    n_rows=st.integers(1, 9),
    n_items=st.integers(1, 14),
    k=st.integers(1, 14),
    shares=st.tuples(*[st.sampled_from([0.0, 0.3, 0.9, 1.0])] * 3),
)
def test_best__equals_sorting_dense_scores(seed, n_rows, n_items, k, shares):
    rng = np.random.default_rng(seed)
    own, exclude = (_rows(rng, n_rows, n_items, share) for share in shares[:2])
    own.values[:] = rng.integers(1, 4, len(own.values))
    denied = rng.random(n_items) < shares[2]
    scorer = PersonalScores(own, rng.integers(0, 3, n_items) / 4, np.zeros(n_items))
    codes = rng.integers(0, n_rows, 5)
    k = min(k, n_items)

    items, scores = scorer.top_k(codes, k, exclude=exclude, allow=~denied)

    forbidden = [_sets(exclude)[code] | set(np.flatnonzero(denied).tolist()) for code in codes]
    expected = slow_lists(scorer.scores(codes), k, forbidden=forbidden)
    np.testing.assert_array_equal(items, expected[0])
    np.testing.assert_array_equal(scores, expected[1])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_best__goes_by_code_where_rounding_makes_scores_equal(k):
    own = _rows(np.random.default_rng(0), 1, 3, 0.0)
    # In the order of the levels, 1 2 0, the first to be found is not the last one to enter.
    level = np.array([1e-18, 3e-18, 2e-18])

    items, scores = CommonOrder.of("level", level, 1, own, 1.0).best(np.array([0]), k)

    assert items[0].tolist() == [0, 1, 2][:k]
    assert (scores == -1).all()


def test_best__gives_the_same_lists_for_any_blocks(monkeypatch):
    rng = np.random.default_rng(5)
    own, exclude = (_rows(rng, 50, 12, 0.3) for _ in range(2))
    order = CommonOrder.of("level", rng.random(12), 50, own, 1.0)
    whole = order.best(np.arange(50), 4, exclude=exclude)
    monkeypatch.setattr(common_order, "BLOCK_ROWS", 7)

    parts = order.best(np.arange(50), 4, exclude=exclude)

    assert [part.tobytes() for part in parts] == [part.tobytes() for part in whole]


def test_best__sorts_the_candidates_once_for_many_batches(monkeypatch):
    sorts = []
    argsort = np.argsort

    def counted(*args, **options):
        sorts.append(1)
        return argsort(*args, **options)

    monkeypatch.setattr(common_order.np, "argsort", counted)
    scorer = PersonalScores(_rows(np.random.default_rng(1), 6, 4, 0.5), np.arange(4) / 4, np.zeros(4))

    for user_code in range(6):
        scorer.top_k(np.array([user_code]), 2)

    assert len(sorts) == 1
