import numpy as np
from holdouts import csr
from hypothesis import given
from hypothesis import strategies as st

from tasks.numeric.list_limits import ListLimits
from tasks.numeric.scorers import Factors
from tasks.rules.applied import recommend_within

N_USERS, N_ITEMS = 5, 40
SCORER = Factors(
    *(np.random.default_rng(5).normal(size=(n, 3)).astype(np.float32) for n in (N_USERS, N_ITEMS))
)
EVERYBODY = np.arange(N_USERS)


def limits(brands, most):
    labels = csr([[] if brand is None else [brand] for brand in brands], 6)
    return ListLimits(labels, np.full(6, most, np.int32), np.zeros(6, np.int32))


def slow(k, brands, most, allow, exclude):
    """All items from the best to the worst, each taken if it fits."""
    lists = []
    for user, scores in enumerate(SCORER.scores(EVERYBODY)):
        order, taken = np.lexsort((np.arange(N_ITEMS), -scores)), []
        for item in order:
            fits = brands[item] is None or sum(brands[each] == brands[item] for each in taken) < most
            if allow[item] and item not in exclude[user] and fits and len(taken) < k:
                taken.append(int(item))
        lists.append(taken)
    return lists


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=N_ITEMS, max_size=N_ITEMS),
    st.integers(1, 3),
    st.lists(st.booleans(), min_size=N_ITEMS, max_size=N_ITEMS),
    st.lists(st.sets(st.integers(0, N_ITEMS - 1)), min_size=N_USERS, max_size=N_USERS),
)
def test_recommend_within__the_best_that_may_stand_there_in_their_order(brands, most, allowed, excluded):
    allow = np.array(allowed)

    items, scores, whole = recommend_within(
        SCORER,
        EVERYBODY,
        4,
        reserve=3,
        limits=limits(brands, most),
        exclude=csr(excluded, N_ITEMS),
        allow=allow,
    )

    assert [[item for item in row if item >= 0] for row in items[:, :4].tolist()] == slow(
        4, brands, most, allow, excluded
    )
    assert (np.isfinite(scores) == (items >= 0)).all()
    assert items.shape == (N_USERS, 7)
    assert whole.all()


def test_recommend_within__without_limits_is_the_plain_list():
    plain = SCORER.top_k(EVERYBODY, 5)

    items, scores, whole = recommend_within(SCORER, EVERYBODY, 3, reserve=2)

    assert (items == plain[0]).all()
    assert (scores == plain[1]).all()
    assert whole is None


def test_recommend_within__looks_no_deeper_than_it_has_to(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "tasks.rules.applied.recommend",
        lambda scorer, users, k, **more: asked.append((len(users), k)) or scorer.top_k(users, k),
    )
    one_brand = limits([0] * N_ITEMS, 2)

    items = recommend_within(SCORER, EVERYBODY, 4, reserve=1, limits=one_brand).items

    # Two is all that the limit leaves.
    assert asked == [(N_USERS, 5)]
    assert (items >= 0).sum(axis=1).tolist() == [2] * N_USERS


def test_recommend_within__what_costs_too_much_to_fill_is_short(monkeypatch):
    best = SCORER.top_k(EVERYBODY, 3)[0]
    crowded = limits([0 if item in set(best.ravel()) else None for item in range(N_ITEMS)], 1)
    monkeypatch.setattr("tasks.rules.applied.MOST_ENTRIES", 10)

    items, _, whole = recommend_within(SCORER, EVERYBODY, 3, limits=crowded)

    assert (items >= 0).sum(axis=1).tolist() == [1] * N_USERS
    assert not whole.any()
