from dataclasses import dataclass

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from slow_topk import slow_lists, slow_scores

from data_contracts.interactions import GroupedMatrix
from tasks.numeric import dense
from tasks.numeric.dense import DenseScorer
from tasks.numeric.ranking import cold_start_list, recommend, recommend_batches, target, top_scores
from tasks.numeric.scorers import Factors, ItemScores, PersonalScores

N_USERS, N_ITEMS = 40, 25


@dataclass(frozen=True, eq=False)
class Dense(DenseScorer):
    """A scorer that is nothing but its scores."""

    block: np.ndarray

    @property
    def shape(self):
        return self.block.shape

    def scores(self, user_codes):
        return self.block[user_codes]


def _scorers():
    rng = np.random.default_rng(3)
    own = GroupedMatrix.from_csr(csr_matrix(rng.integers(0, 4, (N_USERS, N_ITEMS)) // 2)).by_user
    users, items = (rng.integers(-2, 3, (n, 5)).astype(np.float32) for n in (N_USERS, N_ITEMS))
    bias = rng.normal(size=N_ITEMS).astype(np.float32)
    return {
        "factors": Factors(users, items),
        "biased factors": Factors(users, items, bias),
        "items": ItemScores(rng.integers(0, 6, N_ITEMS).astype(np.float64), N_USERS),
        "personal": PersonalScores(own, rng.permutation(N_ITEMS) / N_ITEMS, rng.random(N_ITEMS)),
        "personal with ties": PersonalScores(own, rng.integers(0, 3, N_ITEMS) / 3, rng.random(N_ITEMS)),
        "dense": Dense(rng.integers(0, 9, (N_USERS, N_ITEMS)).astype(np.float64)),
        "dense float32": Dense(rng.integers(0, 9, (N_USERS, N_ITEMS)).astype(np.float32)),
    }


SCORERS = _scorers()


def _dense(scorer):
    if isinstance(scorer, Factors):
        return slow_scores(scorer.user_factors, scorer.item_factors, scorer.item_bias)
    return np.asarray(scorer.scores(np.arange(N_USERS)), dtype=np.float64)


def _seen(rng):
    return GroupedMatrix.from_csr(csr_matrix(rng.random((N_USERS, N_ITEMS)) < 0.4))


def _sets(csr):
    return [set(csr.row(r)[0].tolist()) for r in range(csr.shape[0])]


def _assert_lists(got, expected):
    np.testing.assert_array_equal(got[0], expected[0])
    np.testing.assert_array_equal(got[1], expected[1])


@pytest.fixture(params=SCORERS)
def scorer(request):
    return SCORERS[request.param]


@pytest.mark.parametrize("small_blocks", [False, True])
def test_recommend__equals_sorting_dense_scores(scorer, small_blocks, monkeypatch):
    if small_blocks:
        monkeypatch.setattr(dense, "DENSE_BYTES", 8 * N_ITEMS * 3)
    seen = _seen(np.random.default_rng(1)).by_user
    codes = np.random.default_rng(2).permutation(N_USERS)[:30]

    _assert_lists(recommend(scorer, codes, 6), slow_lists(_dense(scorer)[codes], 6))
    _assert_lists(
        recommend(scorer, codes, 6, exclude=seen, allow=~np.isin(np.arange(scorer.shape[1]), [0, 3])),
        slow_lists(
            _dense(scorer)[codes], 6, forbidden=[row | {0, 3} for row in np.array(_sets(seen))[codes]]
        ),
    )


@pytest.mark.parametrize("small_blocks", [False, True])
def test_target__equals_sorting_dense_scores_by_item(scorer, small_blocks, monkeypatch):
    if small_blocks:
        monkeypatch.setattr(dense, "DENSE_BYTES", 8 * N_ITEMS * 3)
        monkeypatch.setattr(dense, "COLUMNS_PER_THREAD", 4)
    seen = _seen(np.random.default_rng(1)).by_item
    codes = np.random.default_rng(2).permutation(N_ITEMS)[:15]

    _assert_lists(target(scorer, None, 7), slow_lists(_dense(scorer).T, 7))
    _assert_lists(
        target(scorer, codes, 7, exclude_by_item=seen),
        slow_lists(_dense(scorer).T[codes], 7, forbidden=np.array(_sets(seen))[codes].tolist()),
    )


def test_target__gives_the_very_scores_of_recommend():
    rng = np.random.default_rng(8)
    users, items = (rng.normal(size=(n, 37)).astype(np.float32) for n in (N_USERS, N_ITEMS))
    scorer = Factors(users, items, rng.normal(size=N_ITEMS).astype(np.float32))

    item_lists, by_user = recommend(scorer, np.arange(N_USERS), N_ITEMS)
    user_lists, by_item = target(scorer, None, N_USERS)

    dense = np.empty((N_USERS, N_ITEMS), dtype=np.float32)
    np.put_along_axis(dense, item_lists, by_user, axis=1)
    assert np.take_along_axis(dense.T, user_lists, axis=1).tobytes() == by_item.tobytes()


def test_recommend__fills_lists_longer_than_the_catalogue(scorer):
    items, scores = recommend(scorer, np.array([1, 0]), N_ITEMS + 2)

    assert (items[:, N_ITEMS:] == -1).all()
    assert (scores[:, N_ITEMS:] == -np.inf).all()
    assert sorted(items[0, :N_ITEMS]) == list(range(N_ITEMS))


def test_recommend_batches__yields_what_recommend_gives(scorer):
    batches = list(recommend_batches(scorer, np.arange(N_USERS), 4, batch=7))

    whole = recommend(scorer, np.arange(N_USERS), 4)
    assert [first for first, _, _ in batches] == list(range(0, N_USERS, 7))
    _assert_lists([np.concatenate([batch[part] for batch in batches]) for part in (1, 2)], whole)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: recommend(s, np.array([N_USERS]), 3), "user_codes must lie in 0 to 39; got 40"),
        (lambda s: recommend(s, np.array([-1]), 3), "user_codes must lie in 0 to 39; got -1"),
        (lambda s: recommend(s, np.array([0]), 0), "k and batch must be at least 1"),
        (
            lambda s: recommend(s, np.array([0]), 3, exclude=_seen(np.random.default_rng(1)).by_item),
            "by user code",
        ),
        (
            lambda s: target(s, None, 3, exclude_by_item=_seen(np.random.default_rng(1)).by_user),
            "by item code",
        ),
        (lambda s: target(s, np.array([N_ITEMS]), 3), "item_codes must lie in 0 to 24; got 25"),
        (lambda s: target(s, None, 0), "k must be at least 1"),
    ],
)
def test_ranking__refuses_bad_arguments(scorer, call, message):
    with pytest.raises(ValueError, match=message):
        call(scorer)


def test_ranking__refuses_nan_scores():
    broken = np.zeros((N_USERS, N_ITEMS))
    broken[7, 3] = np.nan
    for scorer in (Dense(broken), ItemScores(broken[7], N_USERS)):
        with pytest.raises(ValueError, match="NaN"):
            recommend(scorer, np.arange(N_USERS), 3)
        with pytest.raises(ValueError, match="NaN"):
            target(scorer, None, 3)


def test_cold_start_list__is_the_order_of_the_scores_with_ties_by_code():
    scores = np.array([1.0, 3.0, 3.0, 0.0])

    assert cold_start_list(scores, 3).tolist() == [1, 2, 0]
    assert top_scores(scores, 5)[0].tolist() == [1, 2, 0, 3, -1]
    assert top_scores(scores, 5)[1].tolist() == [3, 3, 1, 0, -np.inf]
