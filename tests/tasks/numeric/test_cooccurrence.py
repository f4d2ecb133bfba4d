import numpy as np
import pytest
from scipy.sparse import csr_matrix

from data_contracts.interactions import GroupedMatrix
from tasks.numeric import cooccurrence
from tasks.numeric.cooccurrence import Histories, best_companions
from tasks.numeric.similar import similar_by_users


def _matrix(seed, n_users=40, n_items=15):
    rng = np.random.default_rng(seed)
    return GroupedMatrix.from_csr(csr_matrix(rng.random((n_users, n_items)) < 0.3))


def _slow_cosine(matrix, k):
    """Lists by sorting all cosines of dense columns."""
    dense = matrix.by_user.to_scipy().toarray() > 0
    lists = []
    for item in range(dense.shape[1]):
        found = []
        for other in range(dense.shape[1]):
            common = np.float32((dense[:, item] & dense[:, other]).sum())
            if other != item and common > 0:
                lengths = [np.float32(np.sqrt(dense[:, each].sum())) for each in (item, other)]
                found.append((-(common / lengths[0] / lengths[1]), other))
        lists.append([code for _, code in sorted(found)[:k]])
    return lists


@pytest.mark.parametrize(("seed", "k"), [(0, 3), (1, 1), (2, 30)])
def test_similar_by_users__equals_sorting_all_cosines(seed, k):
    matrix = _matrix(seed)

    codes, scores = similar_by_users(matrix, k)

    assert [row[row >= 0].tolist() for row in codes] == _slow_cosine(matrix, k)
    assert (np.diff(np.where(codes >= 0, scores, -1.0), axis=1) <= 0).all()


def test_similar_by_users__leaves_items_without_users_alone():
    matrix = GroupedMatrix.from_csr(csr_matrix(np.array([[1, 1, 0], [1, 1, 0]])))

    codes, _ = similar_by_users(matrix, 2)

    assert codes.tolist() == [[1, -1], [0, -1], [-1, -1]]


def test_histories__sample_a_long_history_the_same_way_every_time(monkeypatch):
    monkeypatch.setattr(cooccurrence, "MOST_ITEMS", 4)
    matrix = GroupedMatrix.from_csr(csr_matrix(np.array([[1] * 12, [1, 1, 0] * 4])))

    first, second = (Histories.of(matrix.by_user, np.ones(matrix.nnz)) for _ in range(2))

    assert first.by_user.lengths().tolist() == [4, 4]
    assert (first.by_user.indices == second.by_user.indices).all()
    assert set(first.by_user.row(1)[0].tolist()) <= {0, 1, 3, 4, 6, 7, 9, 10}
    turned = first.by_item.to_scipy().T.toarray()
    assert (turned == first.by_user.to_scipy().toarray()).all()


def test_best_companions__ignore_entries_without_weight():
    matrix = GroupedMatrix.from_csr(csr_matrix(np.ones((3, 4))))
    histories = Histories.of(matrix.by_user, np.zeros(matrix.nnz))

    codes, _ = best_companions(histories, 2, np.ones(4), shrinkage=1.0, cosine=False)

    assert (codes == -1).all()
