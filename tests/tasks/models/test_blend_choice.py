import numpy as np
import pytest

from tasks.models import _blend_choice
from tasks.models._blend import N_OWN, PRIOR
from tasks.models._blend_choice import HABITS, choose_weights, gains, habits, only_taste
from tasks.numeric.listwise import TrainingExamples, fit_listwise

NAMES = list(PRIOR)
PRIOR_WEIGHTS = np.array(list(PRIOR.values()))
OFFERED, N_OWN_ITEMS = 12, 4


def _window(rng, taken_by, n_lists=200):
    """Lists of four own and eight new items; `taken_by` scores a table, and the best of each list is taken."""
    table = rng.normal(size=(n_lists, OFFERED, len(NAMES)))
    own = np.arange(OFFERED) < N_OWN_ITEMS
    table[:, own, N_OWN:] = 0.0
    table[:, ~own, :N_OWN] = 0.0
    table[:, own, 0] = 1.0
    table[:, own, 1] = np.log1p(rng.integers(1, 9, (n_lists, N_OWN_ITEMS)))
    taken = np.zeros((n_lists, OFFERED))
    taken[np.arange(n_lists), taken_by(table).argmax(axis=1)] = 1.0
    starts = np.arange(n_lists, dtype=np.int64) * OFFERED
    return TrainingExamples(table.reshape(-1, len(NAMES)), taken.ravel(), starts)


def _by(rng, noise, **weights):
    chosen = np.array([weights.get(name.replace(",", "").replace(" ", "_"), 0.0) for name in NAMES])
    return lambda table: table @ chosen + rng.gumbel(scale=noise, size=table.shape[:2])


def _chosen(windows):
    return choose_weights(windows, PRIOR_WEIGHTS, prior_events=10.0)


def _is_habits(weights):
    return weights[1] == HABITS["own baskets"]


def _is_taste(weights):
    return not weights[N_OWN:][~only_taste(len(weights))[N_OWN:]].any()


@pytest.mark.parametrize("n_windows", [1, 2])
def test_choose_weights__takes_habits_where_own_baskets_explain_all(rng, n_windows):
    law = _by(rng, 0.3, own=9.0, own_baskets=3.0, new_popular_lately=1.0, new_taste=1.0)

    weights = _chosen([_window(rng, law) for _ in range(n_windows)])

    assert _is_habits(weights)
    assert not _is_taste(weights)


def test_choose_weights__takes_taste_for_new_items_where_taste_explains_all(rng):
    law = _by(rng, 0.2, own=-9.0, new_taste=2.0)

    weights = _chosen([_window(rng, law) for _ in range(2)])

    assert _is_taste(weights)
    assert not _is_habits(weights)
    assert weights[NAMES.index("new, taste")] > 0


def test_choose_weights__keeps_the_stack_where_all_signals_count(rng):
    law = _by(rng, 0.5, own_taste=2.0, own_taken_again=2.0, new_popular_lately=2.0, new_neighbours=2.0)
    windows = [_window(rng, law) for _ in range(2)]

    np.testing.assert_array_equal(
        _chosen(windows),
        fit_listwise(_blend_choice.joined(windows), PRIOR_WEIGHTS, prior_events=10.0),
    )


@pytest.mark.parametrize("n_lists", [1, 40])
def test_choose_weights__keeps_the_stack_where_few_lists_could_tell(rng, n_lists):
    law = _by(rng, 0.3, own=9.0, own_baskets=3.0)

    assert not _is_habits(_chosen([_window(rng, law, n_lists)]))


def test_gains__discounts_the_events_found_and_leaves_out_lists_without_any():
    """The first list takes its second item twice, the next one nothing new, the last one only what is new."""
    features = np.zeros((7, len(NAMES)))
    features[[2, 3], 0] = 1.0
    features[:, 7] = [3.0, 2.0, 0.0, 0.0, 5.0, 9.0, 8.0]
    taken = np.array([0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    examples = TrainingExamples(features, taken, np.array([0, 3, 5]))
    weights = np.where(np.array(NAMES) == "new, popular lately", 1.0, 0.0)

    np.testing.assert_allclose(
        gains(examples, weights, new_only=False), [2 / np.log2(3), 1 / np.log2(3), 1 / np.log2(3)]
    )
    np.testing.assert_allclose(
        gains(examples, weights, new_only=True), [2 / np.log2(3), np.nan, 1 / np.log2(3)]
    )


def test_habits__put_own_items_first_by_baskets():
    weights = habits(PRIOR_WEIGHTS)
    once, twice, new = (np.zeros(len(NAMES)) for _ in range(3))
    once[[0, 1, 3]] = 1.0, np.log1p(1), 9.0
    twice[[0, 1, 3]] = 1.0, np.log1p(2), 0.0
    new[7:] = 9.0, 0.0, 9.0, 0.2, 3.0

    assert twice @ weights > once @ weights > new @ weights
    np.testing.assert_array_equal(weights[N_OWN:], PRIOR_WEIGHTS[N_OWN:])


def test_parts__of_a_stack_speak_neither_of_habits_nor_where_taste_alone_orders_new_items():
    weights = np.arange(
        1.0, len(PRIOR) + 5
    )  # two parts, each with a weight for own items and one for the rest

    assert only_taste(len(weights))[len(PRIOR) :].tolist() == [True, False, True, False]
    assert habits(weights)[len(PRIOR) :].tolist() == [0.0, 14.0, 0.0, 16.0]
    assert habits(weights)[N_OWN : len(PRIOR)].tolist() == weights[N_OWN : len(PRIOR)].tolist()
