import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_contracts.interactions import Csr
from tasks.models._training_examples import BLOCK_USERS, best, returning_users, with_targets

scores = arrays(np.float32, st.integers(1, 12), elements=st.sampled_from([-1.5, 0.0, 0.25, 3.0]))


@given(scores, st.integers(0, 14))
def test_best__is_the_head_of_the_whole_order(values, n):
    expected = sorted(range(len(values)), key=lambda place: (-values[place], place))[:n]

    assert best(values, n).tolist() == expected


def test_returning_users__are_those_known_before_and_there_next():
    known = Csr(np.array([0, 1, 1, 2]), np.array([2, 0], np.int32), np.ones(2, np.float32), 3)
    later = Csr(np.array([0, 1, 2, 2]), np.array([1, 1], np.int32), np.ones(2, np.float32), 3)

    assert returning_users(known, later).tolist() == [0]


def test_with_targets__counts_what_was_taken_of_what_was_offered_across_blocks():
    n_users = BLOCK_USERS + 1
    later = Csr(
        np.arange(n_users + 1) * 2,
        np.tile(np.array([1, 3], np.int32), n_users),
        np.tile(np.array([2, 1], np.float32), n_users),
        4,
    )
    sizes = []

    def see(users):
        sizes.append(len(users))
        offered = [np.array([3, 0]) if code else np.array([1, 2, 3]) for code in users]
        return offered, np.concatenate(
            [items[:, None] + 10.0 * code for code, items in zip(users, offered, strict=True)]
        )

    table, targets, lengths = with_targets(np.arange(n_users), later, see)

    assert sizes == [BLOCK_USERS, 1]
    assert lengths.tolist() == [3] + [2] * BLOCK_USERS
    assert targets.tolist() == [2, 0, 1] + [1, 0] * BLOCK_USERS
    assert table[:5, 0].tolist() == [1, 2, 3, 13, 10]
