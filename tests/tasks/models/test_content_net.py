"""Content network: what is taken next, from the features of what came last."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from event_logs import features, full_log, grouped, random_log

from data_contracts.interactions import ItemFeatures
from data_contracts.scoring import Sequences
from tasks.models._cost import Sizes
from tasks.models.content_net import Config, Layer, cost, fit, forward

WORDS = ("cup", "hat", "pen", "box")


def test_file__is_imported_without_torch():
    code = (
        "import sys, tasks.models.content_net; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def cycle(n_users=40, n_items=24, n_new=0):
    """Users take an item of the first word, then of the second, and so on round: the word says what is next."""
    rng = np.random.default_rng(3)
    events = [
        (user, int(rng.integers(n_items // 4)) * 4 + (user + at) % 4, 50.0 - at)
        for user in range(n_users)
        for at in range(10)
    ]
    titles = [f"{WORDS[item % 4]} {item}" for item in range(n_items + n_new)]
    return replace(
        grouped(events, n_users, n_items + n_new),
        item_features=ItemFeatures(titles=pa.array(titles, pa.large_string())),
        catalogue_items=n_new,
    )


def train(matrix, seed=0, progress=None, **parameters):
    pytest.importorskip("torch")
    return fit(matrix, Config(**parameters), rng=np.random.default_rng(seed), progress=progress)


def sequence(*items):
    return Sequences(np.array([0, len(items)]), np.array(items, np.int32), np.array([-1], np.int32))


def test_next_scores__follow_the_order_that_the_features_tell():
    scorer = train(cycle(), n_last=1, epochs=15)
    after = [scorer.next_scores(sequence(item))[0] for item in range(24)]

    # All six items of the next word before all others.
    best = [np.argsort(-scores)[:6] % 4 for scores in after]
    assert np.mean([row == (item + 1) % 4 for item, row in enumerate(best)]) > 0.9


def test_scores__of_a_user_are_those_after_the_users_history():
    matrix = full_log(random_log(np.random.default_rng(1)), 30, 20)
    scorer = train(matrix, epochs=2, half_life=3.0, n_last=4)
    history = matrix.history
    everybody = Sequences(history.indptr, history.items, np.arange(30, dtype=np.int32))

    np.testing.assert_allclose(
        scorer.scores(np.arange(30)), scorer.next_scores(everybody), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(scorer.cold_start, scorer.scores(np.array([29]))[0], rtol=1e-4, atol=1e-5)


def test_without_a_history__all_items_of_a_user_count_alike():
    scorer = train(replace(cycle(), history=None), epochs=1, n_last=2)

    there_and_back = [scorer.next_scores(sequence(*items)) for items in ((0, 5, 9, 2), (2, 9, 5, 0))]

    np.testing.assert_allclose(*there_and_back, rtol=1e-4, atol=1e-6)


def test_own_items__are_lifted_where_users_repeat_and_lowered_where_they_never_do():
    repeats = [(user, (user * 7 + at % 2) % 20, 40.0 - at) for user in range(30) for at in range(12)]
    never = [(user, (user * 7 + at) % 20, 40.0 - at) for user in range(30) for at in range(12)]
    lifts = [
        train(replace(grouped(events, 30, 20), item_features=features(20)), epochs=20).own.values.mean()
        for events in (repeats, never)
    ]

    assert lifts[0] > 0.05
    assert lifts[1] < -0.05


def test_items_without_events__are_like_items_of_their_title():
    scorer = train(cycle(n_new=4), epochs=15)

    for item, row in zip(range(24, 28), scorer.similar_items(np.arange(24, 28), 3)[0], strict=True):
        assert (row % 4 == item % 4).all()


def test_training__stops_where_held_out_users_say_so():
    rng = np.random.default_rng(5)
    events = [(user, int(rng.integers(30)), float(age)) for user in range(300) for age in (3, 2, 1)]
    matrix = replace(grouped(events, 300, 30), item_features=features(30))
    curve = []

    train(matrix, epochs=30, patience=2, learning_rate=0.05, progress=lambda *call: curve.append(call))

    # Chance alone: nothing that is learned holds for others.
    assert len(curve) < 30
    assert curve[-1][0] == curve[-1][1] == len(curve)
    losses = [figures["validation_loss"] for _, _, figures in curve]
    assert min(losses) == min(losses[:-2])


def test_sample_of_items__stands_for_all_of_them(monkeypatch):
    network = pytest.importorskip("tasks.models._content_network", exc_type=ImportError)
    monkeypatch.setattr(network, "MOST_SCORED", 10)
    rng, targets = np.random.default_rng(0), np.array([3, 3, 40])
    sums = []
    for _ in range(3000):
        items, offsets = network._scored(targets, 50, rng)
        assert np.isin(targets, items).all()
        assert (np.diff(items) > 0).all()
        sums.append((np.exp(offsets) * items).sum())

    assert np.mean(sums) == pytest.approx(sum(range(50)), rel=0.02)


def test_sampled_training__learns_the_order_too(monkeypatch):
    network = pytest.importorskip("tasks.models._content_network", exc_type=ImportError)
    monkeypatch.setattr(network, "MOST_SCORED", 8)
    scorer = train(cycle(), n_last=1, epochs=15)
    best = [np.argsort(-scorer.next_scores(sequence(item))[0])[:6] % 4 for item in range(24)]

    assert np.mean([row == (item + 1) % 4 for item, row in enumerate(best)]) > 0.8


def test_forward__is_relu_layer_by_layer():
    layers = (
        Layer(np.float32([[1, -1], [2, 0]]), np.float32([0, 1])),
        Layer(np.float32([[1], [1]]), np.float32([-3])),
    )

    np.testing.assert_array_equal(forward(np.float32([[1, 1], [-1, 0]]), layers), [[0], [0]])
    np.testing.assert_array_equal(forward(np.float32([[2, 1]]), layers), [[1]])


def test_cost__grows_with_events_up_to_what_an_epoch_looks_at():
    small, large = (cost(Config(), Sizes(10_000, 5_000, n, n)).seconds for n in (10_000, 100_000))

    assert large == pytest.approx(10 * small)
    assert cost(Config(), Sizes(10_000, 5_000, 10**7, 10**7)).seconds == pytest.approx(large)


def test_features__that_say_nothing_or_are_missing_are_named():
    matrix = cycle()
    same = ItemFeatures(titles=pa.array(["cup"] * 24, pa.large_string()))

    with pytest.raises(ValueError, match="24 items say nothing: all have the same features"):
        train(replace(matrix, item_features=same))
    with pytest.raises(ValueError, match="needs item features of the 24 items"):
        train(replace(matrix, item_features=None))
