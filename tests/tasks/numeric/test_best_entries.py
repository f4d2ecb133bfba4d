import numpy as np
import pytest
from scipy.sparse import csr_matrix, random

from tasks.numeric.best_entries import best_entries


@pytest.mark.parametrize("n", [1, 3, 50])
def test_best_entries__are_the_highest_and_those_of_the_past(rng, n):
    scores = random(40, 30, 0.4, "csr", random_state=rng)
    scores.data = np.round(4 * scores.data) - 1  # ties, zeros and negatives
    past = random(40, 30, 0.2, "csr", random_state=rng)
    for row in range(40):  # in no order
        part = slice(scores.indptr[row], scores.indptr[row + 1])
        order = rng.permutation(part.stop - part.start)
        scores.indices[part], scores.data[part] = scores.indices[part][order], scores.data[part][order]

    kept = best_entries(scores, past, n)

    for row in range(40):
        part = range(scores.indptr[row], scores.indptr[row + 1])
        had = set(past[row].indices.tolist())
        positive = [(-scores.data[at], scores.indices[at]) for at in part if scores.data[at] > 0]
        best = set(sorted(each for each in positive if each[1] not in had)[:n])
        expected = best | {each for each in positive if each[1] in had}
        assert {(-scores.data[at], scores.indices[at]) for at in part if kept[at]} == expected


def test_best_entries__leave_out_what_float32_takes_for_0():
    assert best_entries(csr_matrix([[1e-60, 1e-30]]), csr_matrix((1, 2)), 5).tolist() == [False, True]
