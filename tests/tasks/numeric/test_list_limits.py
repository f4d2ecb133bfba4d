import numpy as np
from holdouts import csr
from hypothesis import given
from hypothesis import strategies as st

from tasks.numeric.list_limits import ListLimits, taken

LABELS = [[0], [0], [0, 2], [1], [], [1, 2], [2]]
LIMITS = ListLimits(csr(LABELS, 3), np.array([1, 2, 1], np.int32), np.array([0, 0, 1], np.int32))


def slow(items):
    """Places that stay, by a dictionary."""
    counts, kept = dict.fromkeys(range(3), 0), []
    for item in items:
        fits = item >= 0 and all(counts[label] < LIMITS.most[label] for label in LABELS[item])
        for label in LABELS[item] if fits else ():
            counts[label] += 1
        kept.append(fits)
    return kept


@given(st.lists(st.permutations(range(7)), min_size=1, max_size=5), st.integers(0, 3))
def test_kept__is_what_going_through_each_list_gives(orders, padding):
    lists = np.array([[*order, *[-1] * padding] for order in orders], np.int32)

    kept = LIMITS.kept(lists)

    assert kept.tolist() == [slow(each) for each in lists]
    assert (kept[:, :4] == LIMITS.kept(lists[:, :4])).all()
    assert kept.sum(axis=1).max() <= LIMITS.longest(None)


def test_longest__counts_what_may_be_listed():
    allow = np.array([True, True, False, False, True, False, False])

    assert LIMITS.longest(allow) == 2
    assert LIMITS.longest(np.zeros(7, np.bool_)) == 0


def test_taken__closes_the_gaps_in_order():
    codes, scores = taken(
        (np.array([[4, 2, 1]], np.int32), np.array([[3.0, 2.0, 1.0]], np.float32)),
        np.array([[True, False, True]]),
    )

    assert codes.tolist() == [[4, 1, -1]]
    assert scores.tolist() == [[3.0, 1.0, -np.inf]]
