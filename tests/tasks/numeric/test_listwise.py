import numpy as np
import pytest
import slow_blend
from scipy.optimize import approx_fprime

from tasks.numeric.listwise import TrainingExamples, fit_listwise


def _choices(rng, n_lists=200, truth=(1.0, -2.0, 0.0)):
    """Lists of 2 to 8 candidates, five events each drawn from the softmax of the true weights."""
    lengths = rng.integers(2, 9, n_lists)
    features = rng.normal(size=(lengths.sum(), len(truth))) * [1.0, 0.5, 3.0]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    targets = []
    for start, length in zip(starts, lengths, strict=True):
        odds = np.exp(features[start : start + length] @ truth)
        targets.append(rng.multinomial(5, odds / odds.sum()))
    return TrainingExamples(features, np.concatenate(targets).astype(float), starts)


def test_fit_listwise__finds_the_weights_that_made_the_choices(rng):
    found = fit_listwise(_choices(rng, 3000), np.zeros(3), prior_events=0.1)

    # Standard errors are below 0.025.
    np.testing.assert_allclose(found, [1.0, -2.0, 0.0], atol=0.08)


def test_fit_listwise__ends_where_the_slow_loss_is_flat(rng):
    choices, prior = _choices(rng), np.array([0.5, 0.5, 0.5])

    found = fit_listwise(choices, prior, prior_events=7.0)

    slope = approx_fprime(found, slow_blend.listwise_loss, 1e-6, choices, prior, 7.0)
    assert np.abs(slope).max() < 0.05  # of a loss near 1,000
    assert slow_blend.listwise_loss(found, choices, prior, 7.0) < slow_blend.listwise_loss(
        prior, choices, prior, 7.0
    )


def test_fit_listwise__stays_at_a_strong_prior(rng):
    found = fit_listwise(_choices(rng), np.array([3.0, 1.0, -1.0]), prior_events=1e9)

    np.testing.assert_allclose(found, [3.0, 1.0, -1.0], atol=1e-4)


def test_fit_listwise__keeps_the_prior_of_what_the_lists_do_not_tell(rng):
    """The second feature is the same for all candidates of a list, the third for all candidates."""
    choices = _choices(rng)
    owner = np.repeat(np.arange(200), np.diff(np.append(choices.starts, len(choices.targets))))
    told = np.column_stack([choices.features[:, 0], owner % 7, np.ones(len(owner))])

    found = fit_listwise(
        TrainingExamples(told, choices.targets, choices.starts), np.array([0.0, 2.0, -3.0]), prior_events=1.0
    )

    np.testing.assert_allclose(found[1:], [2.0, -3.0], atol=1e-4)


def test_fit_listwise__is_the_prior_without_any_event():
    choices = TrainingExamples(np.array([[1.0], [2.0]]), np.zeros(2), np.array([0]))

    assert fit_listwise(choices, np.array([0.7]), prior_events=1.0) == pytest.approx([0.7])
