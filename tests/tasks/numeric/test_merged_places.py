import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.numeric.merged_places import merged_places


def _slowly(first, second, own, seconds, share):
    """Items of one row in order, chosen place by place."""
    ones = sorted(np.flatnonzero(~seconds), key=lambda item: (-first[item], item))
    others = sorted(np.flatnonzero(seconds), key=lambda item: (-second[item], item))
    order, passed, given_ = [], 0, 0
    while ones or others:
        fits = given_ + 1 <= share * (passed + given_ + 1) + 1e-9
        if others and (fits or not ones):
            order.append(others.pop(0))
            given_ += 1
        else:
            order.append(ones.pop(0))
            passed += not own[order[-1]]
    return order


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.7, 1.0]))
def test_merged_places__are_those_of_the_obvious_way(seed, share):
    rng = np.random.default_rng(seed)
    n_rows, n_items = rng.integers(1, 40), rng.integers(1, 50)
    # Rounded: ties happen.
    first, second = np.round(rng.normal(size=(2, n_rows, n_items)), 1)
    first = first.astype(np.float32)
    own, seconds = rng.random((2, n_rows, n_items)) < 0.3
    seconds &= ~own

    found = merged_places(first, second, own, seconds, share)

    for row in range(n_rows):
        expected = _slowly(first[row], second[row], own[row], seconds[row], share)
        assert np.argsort(-found[row]).tolist() == expected
        assert sorted(-found[row]) == list(range(n_items))


@pytest.mark.parametrize("leave_out", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_merged_places__no_beginning_holds_more_than_the_share(rng, share, leave_out):
    first, second = rng.random((2, 50, 200))
    first = first.astype(np.float32)
    own, seconds = rng.random((2, 50, 200)) < 0.2
    seconds &= ~own

    order = np.argsort(-merged_places(first, second, own, seconds, share), axis=1)

    for row in range(50):
        kept = [item for item in order[row] if not (leave_out and own[row, item])]
        held = np.cumsum([seconds[row, item] for item in kept[:60]])
        assert (held <= share * np.arange(1, len(held) + 1) + 1e-9).all()
        assert held[-1] > 0
