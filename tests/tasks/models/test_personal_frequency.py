import numpy as np
import pytest
from event_logs import grouped, random_log

from data_contracts.interactions import GroupedMatrix
from tasks.models.personal_frequency import Config, fit

EVERYTHING_COUNTS = Config(half_life_days=None, fill_half_life_days=None, cold_start_half_life_days=None)


def _order(row):
    return np.lexsort((np.arange(len(row)), -row)).tolist()


def _decay(age, half_life_days):
    return 1.0 if half_life_days is None else 2.0 ** (-age / half_life_days)


def _slow_order(events, user, n_items, config):
    """The list as the docstring words it, one event at a time."""
    own = {}
    popular = dict.fromkeys(range(n_items), 0.0)
    for who, item, age in events:
        if who == user:
            own[item] = own.get(item, 0.0) + _decay(np.float32(age), config.half_life_days)
        if who >= 0:
            popular[item] += _decay(np.float32(age), config.fill_half_life_days)
    by_popularity = sorted(range(n_items), key=lambda i: (-round(popular[i], 9), i))
    bonus = {item: 1 - place / n_items for place, item in enumerate(by_popularity)}
    return sorted(by_popularity, key=lambda i: (i not in own, -(own.get(i, 0) + bonus[i])))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "config", [EVERYTHING_COUNTS, Config(), Config(half_life_days=7.0, fill_half_life_days=3.0)]
)
def test_personal_frequency__orders_by_count_then_popularity(seed, config):
    rng = np.random.default_rng(seed)
    events = random_log(rng)

    scores = fit(grouped(events, 30, 20), config, rng=rng).scores(np.arange(30))

    assert [_order(row) for row in scores] == [_slow_order(events, user, 20, config) for user in range(30)]


def test_personal_frequency__gives_unknown_users_popularity_with_anonymous_events(rng):
    events = [(0, 0, 1.0), (-1, 2, 1.0), (-1, 2, 1.0)]

    scorer = fit(grouped(events, 1, 3), EVERYTHING_COUNTS, rng=rng)

    assert scorer.cold_start.tolist() == [1, 0, 2]
    assert _order(scorer.scores(np.array([0]))[0]) == [0, 1, 2]


def test_personal_frequency__takes_values_as_counts_where_there_are_no_times(rng):
    timed = grouped([(0, 3, 0.0), (0, 1, 0.0), (0, 3, 0.0), (1, 2, 0.0)], 2, 4)

    scorer = fit(GroupedMatrix(timed.by_user, timed.by_item), Config(), rng=rng)

    assert [_order(row) for row in scorer.scores(np.arange(2))] == [[3, 1, 2, 0], [2, 1, 3, 0]]


def test_personal_frequency__an_item_once_had_comes_before_one_never_had(rng):
    events = [(0, 1, 5000.0), *[(1, 0, 0.0)] * 50]

    scorer = fit(grouped(events, 2, 2), Config(half_life_days=1.0), rng=rng)

    assert scorer.scores(np.array([0])).argmax() == 1


def test_config__takes_the_name_that_older_files_use():
    assert Config(stranger_half_life_days=3.0).cold_start_half_life_days == 3.0
