"""Models of the next item: the arrays say what torch says, and what comes next is learned."""

import numpy as np
import pytest
from event_logs import grouped

from data_contracts.scoring import Sequences
from tasks.numeric import attention
from tasks.numeric.recurrent import Layer, Recurrent

torch = pytest.importorskip("torch", reason="the extra neural is not installed")

from tasks.models import lstm, sequential  # noqa: E402
from tasks.models._neural import seeded  # noqa: E402
from tasks.models._sequence_network import Network, Shape  # noqa: E402
from tasks.models._sequence_windows import windows_of  # noqa: E402


def _shape(**given):
    plain = {"kind": "gru", "n_factors": 6, "n_hidden": 5, "n_layers": 2, "window": 4}
    return Shape(**{**plain, "dropout": 0.0, "users": True, "tied": False, **given})


def _sequences(*parts, users=None):
    indptr = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    items = np.array([item for part in parts for item in part], np.int32)
    return Sequences(indptr, items, np.array(users or [-1] * len(parts), np.int32))


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_states__are_those_of_torch(kind):
    with seeded(np.random.default_rng(1)):
        network = Network(_shape(kind=kind), 9, 3, np.ones(9)).eval()
        torch.nn.init.normal_(network.users.weight)
        parts = [[3, 1, 8, 2, 5], [7], [0, 4]]
        rows = []
        for part, user in zip(parts, [1, 0, 3], strict=True):
            read = [item + 1 for item in part[-4:]]
            with torch.no_grad():
                states = network(torch.tensor([read]), torch.tensor([user]))
            rows.append(states[0, -1].numpy())
        arrays = network.arrays()
    expected = np.stack(rows)
    expected[1] -= (
        network.users.weight[0].detach().numpy()
    )  # an unknown user's vector is kept at 0 in training

    arrays.users[0] = 0

    np.testing.assert_allclose(arrays.states(_sequences(*parts, users=[0, -1, 2])), expected, atol=1e-5)


@pytest.mark.parametrize("n_layers", [1, 3])
def test_states_of_attention__are_those_of_torch_however_long_their_neighbours_are(n_layers):
    with seeded(np.random.default_rng(1)):
        shape = _shape(kind="attention", n_heads=2, n_layers=n_layers, users=False, tied=True)
        network = Network(shape, 9, 3, np.ones(9)).eval()
        for weights in network.parameters():
            torch.nn.init.normal_(weights, std=0.5)
        parts = [[3, 1, 8, 2, 5], [7], [], [0, 4], [6, 2]]
        expected = np.zeros((5, 6), np.float32)
        for row, part in enumerate(parts):
            if part:
                read = torch.tensor([[item + 1 for item in part[-4:]]])
                with torch.no_grad():
                    expected[row] = network(read, torch.tensor([0]))[0, -1].numpy()

        found = network.arrays().states(_sequences(*parts))

    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_states_of_attention__are_worked_on_in_blocks(monkeypatch):
    with seeded(np.random.default_rng(1)):
        arrays = Network(_shape(kind="attention", users=False), 9, 3, np.ones(9)).eval().arrays()
    parts = [list(range(at % 5)) for at in range(13)]
    whole = arrays.states(_sequences(*parts))
    monkeypatch.setattr(attention, "BLOCK_PLACES", 5)

    np.testing.assert_allclose(arrays.states(_sequences(*parts)), whole, atol=1e-6)


def test_states__of_an_empty_sequence_are_finite_and_the_same_for_all():
    rng = np.random.default_rng(0)
    layer = Layer(*(rng.normal(size=shape).astype(np.float32) for shape in ((9, 4), (9, 3), 9, 9)))
    items = np.vstack([np.zeros(4), rng.normal(size=(5, 4))]).astype(np.float32)
    out = rng.normal(size=(4, 3)).astype(np.float32), np.zeros(4, np.float32)
    found = Recurrent("gru", items, (layer,), *out, None, 5).states(_sequences([], [2], []))

    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1])


def test_windows__overlap_by_half_teach_each_event_once_and_hold_out_the_last():
    history = grouped([(0, item, 9.0 - item) for item in range(8)] + [(1, 3, 2.0), (1, 4, 1.0)], 3, 8).history
    held = np.array([True, False, False])

    learned, judged = windows_of(history, 4, held)

    assert [each.tolist() for each in learned.items] == [[3, 4, 5, 6], [1, 2, 3, 4], [4]]
    assert [each.tolist() for each in learned.targets] == [[0, 0, 6, 7], [2, 3, 4, 5], [5]]
    assert [each.tolist() for each in judged.items] == [[4, 5, 6, 7]]
    assert [each.tolist() for each in judged.targets] == [[0, 0, 0, 8]]
    assert learned.users.tolist() == [1, 1, 2]


@pytest.mark.parametrize("model", [lstm, sequential])
def test_fit__learns_what_follows(model):
    """Everybody goes around a circle of seven items; where they are says what comes next."""
    events = [(user, (user + step) % 7, 50.0 - step) for user in range(60) for step in range(8 + user % 5)]
    matrix = grouped(events, 60, 8)
    config = model.Config(n_factors=16, learning_rate=0.02, epochs=12, patience=12)

    scorer = model.fit(matrix, config, rng=np.random.default_rng(7))

    last = np.array([matrix.history.items[end - 1] for end in matrix.history.indptr[1:]])
    assert (scorer.scores(np.arange(60)).argmax(axis=1) == (last + 1) % 7).mean() > 0.95
    assert scorer.next_scores(_sequences([3, 4], [6])).argmax(axis=1).tolist() == [5, 0]


def test_lstm__of_users_knows_what_only_the_user_tells():
    """After item 0 half of the users always take 1, the others always 2; the window shows the 0 alone."""
    events = []
    for user in range(40):
        for step in range(10):
            events += [(user, 0, 60.0 - 2 * step), (user, 1 + user % 2, 59.0 - 2 * step)]
        events.append((user, 0, 1.0))
    given = {"n_factors": 8, "window": 1, "learning_rate": 0.02, "epochs": 15, "patience": 15, "dropout": 0.0}
    found = {}
    for joined in (False, True):
        config = lstm.Config(user_embedding=joined, **given)
        scorer = lstm.fit(grouped(events, 40, 3), config, rng=np.random.default_rng(7))
        found[joined] = (scorer.scores(np.arange(40)).argmax(axis=1) == 1 + np.arange(40) % 2).mean()

    assert found[False] <= 0.6
    assert found[True] > 0.9


def test_fit__draws_negatives_where_there_are_many_items(monkeypatch):
    monkeypatch.setattr("tasks.models._next_item.FULL_UP_TO", 3)
    events = [(user, (user + step) % 7, 50.0 - step) for user in range(60) for step in range(10)]
    config = sequential.Config(n_factors=16, learning_rate=0.02, epochs=12, patience=12, negatives=4)

    scorer = sequential.fit(grouped(events, 60, 7), config, rng=np.random.default_rng(7))

    assert scorer.next_scores(_sequences([3, 4], [6])).argmax(axis=1).tolist() == [5, 0]
