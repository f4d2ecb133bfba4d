"""What neural models share: a seeded torch that leaves no trace, and a loop that knows when to stop."""

import subprocess
import sys

import numpy as np
import pytest

from data_contracts.errors import ConfigurationError
from tasks import models

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # importing it fails
from tasks import models
for name in models.names():
    models.load(name).Config()
assert not any(name.startswith("torch.") for name in sys.modules)
"""


def test_models__are_read_without_torch():
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], check=True)


def test_check_installed__names_the_command(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(ConfigurationError, match=r"'lstm' needs torch, .* pip install .*\[neural\]"):
        models.check_installed("lstm")


torch = pytest.importorskip("torch", reason="the extra neural is not installed")

from tasks.models._neural import Schedule, array, seeded, train  # noqa: E402


def test_seeded__leaves_threads_seed_and_strictness_as_they_were():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()

    with seeded(np.random.default_rng(1), work=0):
        first = torch.rand(3)
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()

    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.rand(3), expected)
    with seeded(np.random.default_rng(1)):
        assert torch.equal(torch.rand(3), first)


def _trained(validation, *, epochs=10, patience=2, slope=1.0):
    """Train one weight that falls by 1 per epoch; (weight, calls of progress)."""
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    losses, calls = iter(validation), []
    train(
        network,
        torch.optim.SGD(network.parameters(), lr=1.0),
        lambda: (slope * network.weight.sum() for _ in range(1)),
        (lambda: {"validation_loss": next(losses)}) if validation else None,
        Schedule(epochs, patience),
        lambda *call: calls.append(call),
    )
    return float(network.weight.detach()), calls


def test_train__keeps_the_best_epoch_and_stops_after_its_patience():
    weight, calls = _trained([3.0, 2.0, 2.5, 2.0, 1.0])

    assert weight == -2.0
    assert [call[:2] for call in calls] == [(1, 10), (2, 10), (3, 10), (4, 4)]
    assert calls[0][2] == {"loss": 0.0, "validation_loss": 3.0}


def test_train__without_validation_goes_to_its_end():
    weight, calls = _trained([], epochs=4)

    assert weight == -4.0
    assert len(calls) == 4


def test_train__names_divergence():
    with pytest.raises(ValueError, match="training diverged in epoch 1; lower learning_rate"):
        _trained([1.0], slope=float("nan"))


@pytest.mark.parametrize("tensor", [torch.zeros(2, 3), torch.zeros(2, 3).T])
def test_array__is_a_copy_in_rows(tensor):
    found = array(tensor)
    tensor += 1

    assert found.flags.c_contiguous
    assert not found.any()
