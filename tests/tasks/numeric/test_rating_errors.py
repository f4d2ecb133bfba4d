from dataclasses import dataclass

import numpy as np
import pytest
from holdouts import csr

from data_contracts.holdout import HeldOutRatings
from tasks.numeric.bootstrap import interval, paired_difference, root_interval
from tasks.numeric.rating_errors import new_pairs, only, rating_errors


@dataclass
class Constant:
    value: float

    def predict_ratings(self, user_codes, item_codes):
        return np.full(len(user_codes), self.value, np.float32)


def _ratings():
    return HeldOutRatings(
        user_codes=np.array([0, 0, 1, -1], np.int32),
        items=np.array([0, 1, 1, 2], np.int32),
        values=np.array([1.0, 5.0, 3.0, 4.0], np.float32),
        owners=np.array([0, 0, 1, 2], np.int32),
        past_rows=np.array([0, 0, 1, -1], np.int32),
    )


def test_rating_errors__are_squares_and_absolutes_pair_by_pair():
    found = rating_errors(Constant(3.0), _ratings())

    assert found.columns["rmse"].tolist() == [4.0, 4.0, 0.0, 1.0]
    assert found.columns["mae"].tolist() == [2.0, 2.0, 0.0, 1.0]
    assert found.clusters.tolist() == [0, 0, 1, 2]
    fresh = new_pairs(_ratings(), csr([[0], [1]], 3))
    assert fresh.tolist() == [False, True, False, True]
    assert only(found, fresh).columns["mae"].tolist() == [2.0, 1.0]


def test_rating_errors__refuses_predictions_that_are_no_numbers():
    with pytest.raises(ValueError, match="4 of them not finite"):
        rating_errors(Constant(np.nan), _ratings())


def test_root_interval__is_that_of_the_roots():
    squares = np.random.default_rng(0).gamma(1.0, size=300)
    owners = np.arange(300) // 3

    found = root_interval(interval(squares, seed=1, clusters=owners))

    assert found.value == pytest.approx(np.sqrt(squares.mean()))
    assert 0 < found.low < found.value < found.high


def test_paired_difference__of_roots_agrees_with_a_slow_bootstrap():
    rng = np.random.default_rng(0)
    one = rng.gamma(2.0, size=240)
    other = one + rng.normal(0.3, 0.2, size=240)
    owners = np.arange(240) // 4
    found = paired_difference(one, other, seed=3, clusters=owners, n_samples=4_000, root=True)
    slow = []
    for _ in range(4_000):
        weights = np.repeat(rng.poisson(1.0, size=60), 4)
        slow.append(np.sqrt(np.average(one, weights=weights)) - np.sqrt(np.average(other, weights=weights)))

    assert found.value == pytest.approx(np.sqrt(one.mean()) - np.sqrt(other.mean()))
    assert (found.low, found.high) == pytest.approx(np.quantile(slow, [0.025, 0.975]), abs=0.004)
