import numpy as np
import pytest
from event_logs import grouped, random_log
from pydantic import ValidationError

from data_contracts.interactions import GroupedMatrix
from tasks.models import popularity, recent_popularity

EVENTS = [(0, 0, 40.0), (0, 0, 41.0), (1, 0, 42.0), (-1, 1, 0.0), (1, 1, 0.5), (1, 2, 10.0)]


def test_popularity__counts_every_event_anonymous_ones_too(rng):
    scorer = popularity.fit(grouped(EVENTS, 2, 4), popularity.Config(), rng=rng)

    assert scorer.items.tolist() == [3, 2, 1, 0]
    assert scorer.cold_start is scorer.items
    assert scorer.scores(np.array([1, 0])).tolist() == [[3, 2, 1, 0]] * 2


def test_popularity__without_times_counts_pairs(rng):
    matrix = grouped(EVENTS, 2, 4)

    scorer = popularity.fit(GroupedMatrix(matrix.by_user, matrix.by_item), popularity.Config(), rng=rng)

    assert scorer.items.tolist() == [2, 1, 1, 0]


def test_recent_popularity__halves_an_event_at_each_half_life(rng):
    config = recent_popularity.Config(half_life_days=10.0)

    scorer = recent_popularity.fit(grouped(EVENTS, 2, 4), config, rng=rng)

    expected = [2**-4.0 + 2**-4.1 + 2**-4.2, 2.0, 0.5, 0.0]
    np.testing.assert_allclose(scorer.items, expected)


def test_recent_popularity__with_the_longest_half_life_is_popularity(rng):
    matrix = grouped(random_log(rng), 30, 20)

    recent = recent_popularity.fit(matrix, recent_popularity.Config(half_life_days=36_500), rng=rng)

    np.testing.assert_allclose(
        recent.items, popularity.fit(matrix, popularity.Config(), rng=rng).items, rtol=2e-3
    )


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_recent_popularity__refuses_a_half_life_without_meaning(value):
    with pytest.raises(ValidationError, match="half_life_days"):
        recent_popularity.Config(half_life_days=value)
