import numpy as np
import pytest
import slow_metrics

from tasks.numeric import bootstrap
from tasks.numeric.bootstrap import enough_samples, interval, intervals, paired_difference, resampled_sums


@pytest.mark.parametrize("n_samples", [1, 6, 8])
def test_resampled_sums__equal_the_slow_reference(n_samples):
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(50, 3))

    sums = resampled_sums(columns, seed=5, n_samples=n_samples)

    counts = slow_metrics.poisson_counts(5, 50, n_samples, bootstrap._COUNT_OF_BITS.tolist())
    np.testing.assert_allclose(sums, counts @ columns, rtol=1e-4, atol=1e-4)


def test_resampled_sums__do_not_depend_on_the_block_size(monkeypatch):
    columns = np.random.default_rng(0).normal(size=(100, 2))
    whole = resampled_sums(columns, seed=1, n_samples=20)

    monkeypatch.setattr(bootstrap, "UNIT_BLOCK", 7)

    np.testing.assert_allclose(resampled_sums(columns, seed=1, n_samples=20), whole, rtol=1e-4, atol=1e-4)


def test_draw_counts__are_poisson_with_mean_one_and_independent_of_each_other():
    counts = np.empty((1000, 1000), dtype=np.float32)
    bootstrap.draw_counts(np.uint64(3), 0, bootstrap._COUNT_OF_BITS, counts)

    # Standard errors are 0.001 for the mean and 0.0017 for the variance.
    assert counts.mean() == pytest.approx(1.0, abs=0.005)
    assert counts.var() == pytest.approx(1.0, abs=0.01)
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=0.003)
    for one, other in ((counts[:-1], counts[1:]), (counts[:, :-1], counts[:, 1:])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.005


def test_interval__is_the_normal_one_for_a_large_plain_mean():
    values = np.random.default_rng(0).exponential(size=4000)
    error = values.std() / np.sqrt(len(values))

    found = interval(values, seed=0)

    assert found.value == pytest.approx(values.mean())
    assert (found.value - found.low) / error == pytest.approx(1.96, rel=0.08)
    assert (found.high - found.value) / error == pytest.approx(1.96, rel=0.08)


def test_interval__covers_the_truth_nineteen_times_of_twenty():
    rng = np.random.default_rng(1)
    found = [interval(rng.random(200), seed=at, n_samples=500) for at in range(400)]

    share = np.mean([entry.low <= 0.5 <= entry.high for entry in found])

    assert 0.915 < share < 0.98  # 0.95 +- 3.2 standard errors


def test_interval__is_wider_when_units_of_one_cluster_agree():
    """200 users with 5 equal baskets each are 200 observations, not 1,000."""
    per_user = np.random.default_rng(2).random(200)
    values, clusters = np.repeat(per_user, 5), np.repeat(np.arange(200), 5)

    clustered = interval(values, seed=0, clusters=clusters)

    alone, naive = interval(per_user, seed=0), interval(values, seed=0)
    assert clustered.value == pytest.approx(alone.value)
    assert (clustered.low, clustered.high) == pytest.approx((alone.low, alone.high), rel=1e-5)
    assert (clustered.high - clustered.low) > 2 * (naive.high - naive.low)


def test_interval__is_a_ratio_of_sums_where_clusters_differ_in_size():
    found = interval(np.array([1.0, 0.0, 0.0, 0.0]), seed=0, clusters=np.array([9, 4, 4, 4]))

    assert found.value == 0.25
    assert (found.low, found.high) == (0.0, 1.0)


def test_interval__of_one_unit_is_its_value():
    found = interval(np.array([0.25]), seed=0)

    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)


def test_intervals__are_the_same_for_a_column_alone_and_among_others():
    values = np.random.default_rng(0).random((300, 4))

    together = intervals(values, seed=7)

    assert together[2].low == pytest.approx(interval(values[:, 2], seed=7).low, rel=1e-6)


def test_paired_difference__is_narrow_where_models_agree_on_most_users():
    rng = np.random.default_rng(0)
    one = rng.random(2000)
    other = one - 0.01 * (rng.random(2000) < 0.5)

    found = paired_difference(one, other, seed=0)

    assert 0.0 < found.low < found.value < found.high < 0.01
    assert found.value == pytest.approx((one - other).mean())


@pytest.mark.parametrize(
    ("values", "extra", "message"),
    [
        (np.empty((0, 2)), {}, r"at least one unit; got \(0, 2\)"),
        (np.array([[1.0], [np.nan]]), {}, "must be finite; 1 are not"),
        (np.ones((2, 1)), {"clusters": np.array([0])}, r"clusters must have shape \(2,\); got \(1,\)"),
        (np.ones((2, 1)), {"n_samples": 0}, "n_samples must be >= 1"),
    ],
)
def test_intervals__refuse_bad_arguments(values, extra, message):
    with pytest.raises(ValueError, match=message):
        intervals(values, seed=0, **extra)


def test_paired_difference__refuses_other_units():
    with pytest.raises(ValueError, match=r"same units; got \(2,\) and \(3,\)"):
        paired_difference(np.ones(2), np.ones(3), seed=0)


@pytest.mark.parametrize(
    ("n_units", "asked", "taken"),
    [(10, 2_000, 2_000), (50_000, 2_000, 2_000), (200_000, 2_000, 500), (10**7, 300, 300)],
)
def test_enough_samples__are_fewer_where_there_are_many_units(n_units, asked, taken):
    assert enough_samples(n_units, asked) == taken
