import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import models
from tasks.models._search_space import Categorical, Doubling, Range

TUNABLE = [name for name in models.names() if models.load_spec(name).search]


def _values(each):
    if isinstance(each, Categorical):
        return st.sampled_from(each.values)
    if isinstance(each, Doubling):
        return st.sampled_from((each.first, *each.larger()))
    if each.whole:
        return st.integers(int(each.low), int(each.high))
    return st.floats(each.low, each.high)


def test_search_space__is_there_for_the_models_that_matter():
    assert {"als", "bpr", "personal_frequency", "recent_popularity", "wals"} <= set(TUNABLE)
    assert models.load_spec("popularity").search == {}


@pytest.mark.parametrize("name", TUNABLE)
@given(data=st.data())
def test_search_space__holds_valid_configs_only(name, data):
    space = models.load_spec(name).search
    drawn = {key: data.draw(_values(each), label=key) for key, each in space.items()}

    config = models.load(name).Config(**drawn)

    assert {key: getattr(config, key) for key in drawn} == drawn


@pytest.mark.parametrize("name", TUNABLE)
def test_search_space__starts_from_the_defaults(name):
    space = models.load_spec(name).search
    config = models.load(name).Config()
    # als has a default that reproduces a published figure rather than a good one.
    outside = {"als": {"regularization"}}.get(name, set())

    for key, each in space.items():
        if not isinstance(each, Doubling) and key not in outside and getattr(config, key) != "auto":
            assert each.nearest(getattr(config, key)) == getattr(config, key), key


def test_range__takes_the_middle_for_a_word():
    assert Range(0.01, 1.0, log=True).nearest("auto") == pytest.approx(0.1)
    assert Range(1, 4).nearest("auto") == 2


@given(value=st.floats(-1e6, 1e6))
def test_range__nearest_is_inside_and_idempotent(value):
    each = Range(0.5, 20.0, log=True)

    near = each.nearest(value)

    assert 0.5 <= near <= 20.0
    assert each.nearest(near) == near
    assert near == value or not 0.5 <= value <= 20.0
    assert each.nearest(None) == 20.0


@pytest.mark.parametrize(("low", "high", "log"), [(2.0, 1.0, False), (1.0, 1.0, False), (0.0, 1.0, True)])
def test_range__refuses_ends_that_make_no_range(low, high, log):
    with pytest.raises(ValueError, match="low < high"):
        Range(low, high, log=log)


def test_doubling__goes_up_to_its_last():
    assert Doubling(64, 256).larger() == (128, 256)
    assert Doubling(64, 200).larger() == (128,)
