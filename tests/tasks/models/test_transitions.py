import numpy as np
import pytest
from event_logs import full_log, random_log

from data_contracts.scoring import Sequences
from tasks.models.transitions import Config, fit


def _baskets(matrix):
    """Each user's baskets as sets, oldest first."""
    history, found = matrix.history, []
    for user in range(matrix.n_users):
        mine = {}
        for at in range(history.indptr[user], history.indptr[user + 1]):
            mine.setdefault(history.baskets[at], set()).add(int(history.items[at]))
        found.append(list(mine.values()))
    return found


def _chances(matrix, config):
    """Chance of j after i, (n_items, n_items): steps seen and steps by popularity."""
    counts = np.zeros((matrix.n_items, matrix.n_items))
    for baskets in _baskets(matrix):
        for at, basket in enumerate(baskets):
            for distance, after in enumerate(baskets[at + 1 : at + 1 + config.reach], start=1):
                for i in basket:
                    counts[i, sorted(after)] += 1 / (distance * len(after))
    popular = matrix.item_events(config.half_life_days)
    counts += config.smoothing * popular / popular.sum()
    return counts / counts.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("reach", "last", "smoothing"), [(1, 1, 5.0), (3, 2, 0.5), (2, 50, 100.0)])
def test_fit__scores_by_the_smoothed_chance_of_what_follows(rng, reach, last, smoothing):
    matrix = full_log(random_log(rng), 30, 20)
    config = Config(reach=reach, last=last, smoothing=smoothing)
    chances = _chances(matrix, config)

    scores = fit(matrix, config, rng=rng).scores(np.arange(30))

    for user, baskets in enumerate(_baskets(matrix)):
        spoken = [chances[sorted(b)].mean(axis=0) / d for d, b in enumerate(baskets[::-1][:last], start=1)]
        if spoken:
            expected = sum(spoken)
            np.testing.assert_allclose(
                scores[user] / scores[user].sum(), expected / expected.sum(), rtol=1e-5
            )


def test_fit__does_not_hang_on_the_order_within_a_basket(rng):
    matrix = full_log([(0, 1, 9.0), (0, 2, 9.0), (0, 3, 2.0), (1, 1, 4.0)], 2, 4)

    steps = fit(matrix, Config(smoothing=1.0), rng=rng).steps.to_scipy().toarray()

    np.testing.assert_allclose(steps[1], [0, 0, 0, 0.5])
    np.testing.assert_allclose(steps[2], [0, 0, 0, 0.5])


def test_next_scores__follow_the_last_items_and_an_empty_sequence_gets_popularity(rng):
    matrix = full_log(random_log(rng), 30, 20)
    config = Config(last=2)
    scorer, chances = fit(matrix, config, rng=rng), _chances(matrix, config)

    found = scorer.next_scores(
        Sequences(np.array([0, 3, 3], np.int64), np.array([5, 1, 0], np.int32), np.array([-1, 2], np.int32))
    )

    expected = chances[0] + chances[1] / 2
    np.testing.assert_allclose(found[0] / found[0].sum(), expected / expected.sum(), rtol=1e-5)
    np.testing.assert_array_equal(found[1], scorer.cold_start)


def test_fit__keeps_the_most_likely_followers(rng):
    matrix = full_log(random_log(rng), 30, 20)
    whole = fit(matrix, Config(), rng=rng).steps.to_scipy().toarray()

    few = fit(matrix, Config(followers=2), rng=rng).steps

    assert few.lengths().max() == 2
    for item in range(20):
        kept = few.row(item)[1]
        np.testing.assert_allclose(np.sort(kept), np.sort(whole[item])[20 - len(kept) :])
