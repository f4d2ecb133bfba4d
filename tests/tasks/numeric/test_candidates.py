import numpy as np
import pytest
from scipy.sparse import csr_matrix

from data_contracts.interactions import Csr, GroupedMatrix
from tasks.numeric.candidates import best_candidates, retrieve, room

N_USERS, N_ITEMS = 12, 30


@pytest.fixture
def parts():
    rng = np.random.default_rng(4)
    past = GroupedMatrix.from_csr(
        csr_matrix(np.where(rng.random((N_USERS, N_ITEMS)) < 0.15, 2.0, 0.0))
    ).by_user
    near = GroupedMatrix.from_csr(
        csr_matrix(np.where(rng.random((N_ITEMS, N_ITEMS)) < 0.1, 0.5, 0.0))
    ).by_user
    factors = tuple(rng.normal(size=(n, 5)).astype(np.float32) for n in (N_USERS, N_ITEMS))
    tasteful = np.stack([rng.permutation(N_ITEMS)[:4] for _ in range(N_USERS)]).astype(np.int32)
    tasteful[:, -1] = -1
    return past, near, factors, tasteful, rng.permutation(N_ITEMS).astype(np.int32)


def _slow(parts, user, n_popular):
    """The candidates of a user as the module's docstring words them."""
    past, near, _, tasteful, popular = parts
    own = past.row(user)[0].tolist()
    others = [item for source in own for item in near.row(source)[0].tolist()]
    others += [item for item in tasteful[user].tolist() if item >= 0]
    others += [item for item in popular.tolist() if item not in own][:n_popular]
    return own, {item for item in others if item not in own}


def test_retrieve__finds_own_items_their_neighbours_and_the_best_by_taste_and_popularity(parts):
    past, near, factors, tasteful, popular = parts
    users = np.array([3, 0, 11, 7])

    found = retrieve(users, past, near, factors, tasteful[users], popular, 3)

    closeness = (past.to_scipy() @ near.to_scipy()).toarray()
    for at, user in enumerate(users.tolist()):
        own, others = _slow(parts, user, 3)
        items = found.items[found.row(at)]
        assert items[: found.n_own[at]].tolist() == own
        assert set(items[found.n_own[at] :].tolist()) == others
        assert len(items) == len(own) + len(others)
        np.testing.assert_allclose(found.near[found.row(at)], closeness[user, items], rtol=1e-5)
        products = factors[0][user] @ factors[1][items].T
        np.testing.assert_allclose(found.taste[found.row(at)], products, rtol=1e-4, atol=1e-6)
    assert (found.counts <= room(past, near, users, tasteful.shape[1] + 3)).all()


def test_retrieve__names_the_entries_of_what_a_user_had(parts):
    past, near, factors, tasteful, popular = parts
    users = np.arange(N_USERS)

    found = retrieve(users, past, near, factors, tasteful, popular, 0)
    places, entries = found.own_entries(past.indptr)

    assert entries.tolist() == list(range(past.nnz))
    assert (found.items[places] == past.indices).all()


def test_best_candidates__keeps_what_may_be_listed_ties_by_code(parts):
    past, near, factors, tasteful, popular = parts
    users = np.array([2, 5])
    found = retrieve(users, past, near, factors, tasteful[users], popular, 5)
    scores = np.zeros(len(found.items), np.float32)
    allow = np.arange(N_ITEMS) % 3 > 0
    exclude = Csr(np.array([0, 1, 1]), np.array([4], np.int32), np.ones(1, np.float32), N_ITEMS)

    items, values = best_candidates(found, scores, 4, exclude, allow)

    for at in range(2):
        may = sorted(i for i in found.items[found.row(at)].tolist() if i % 3 and not (at == 0 and i == 4))
        assert items[at][items[at] >= 0].tolist() == may[:4]
        assert (values[at] == 0).sum() == min(4, len(may))
