"""What the neural models share: a seeded torch on the cores given, and a training loop that knows when to stop.

Imported by a model's ``fit`` alone, never at the top of its file: torch belongs to the extra ``neural``, and what
was trained is plain arrays that are scored without it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
import torch

from tasks.models import Progress

Float32 = npt.NDArray[np.float32]

WORTH_THREADS = 1e8
"""Numbers multiplied in a step, from which on several threads are worth it."""


@contextmanager
def seeded(rng: np.random.Generator, work: float = np.inf) -> Iterator[torch.device]:
    """Torch with a seed drawn from `rng` and as many threads as this process may use; what was set before comes back.

    Parameters
    ----------
    rng
        Source of the seed.
    work
        Numbers multiplied in a step, roughly: threads that wait for each other take longer than a small one.

    Yields
    ------
    The device to train on: a GPU where torch sees one.

    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    with torch.random.fork_rng():
        torch.manual_seed(int(rng.integers(2**62)))
        torch.set_num_threads(numba.get_num_threads() if work > WORTH_THREADS else 1)
        torch.use_deterministic_algorithms(device.type == "cpu")
        # A fifth of the time of a step, and nothing here reads what it did not write.
        torch.utils.deterministic.fill_uninitialized_memory = False
        try:
            yield device
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)
            torch.utils.deterministic.fill_uninitialized_memory = filled


@dataclass(frozen=True)
class Schedule:
    """How long a network is trained.

    Parameters
    ----------
    epochs
        Passes at most.
    patience
        Epochs without a better validation after which training stops.
    min_delta
        By how much it must be better to count.
    clip
        Largest norm of a gradient; None cuts none.

    """

    epochs: int
    patience: int
    min_delta: float = 0.0
    clip: float | None = None
    decides: str = "validation_loss"
    """Which figure of the validation: lower is better where it is a loss, higher of any other."""


def train(
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Callable[[], Iterable[torch.Tensor]],
    validate: Callable[[], Mapping[str, float]] | None,
    schedule: Schedule,
    progress: Progress | None = None,
) -> None:
    """Train in place, keep the weights of the best epoch, and stop where the validation loss no longer falls.

    Parameters
    ----------
    network
        Gets the weights of the epoch with the best validation, or of the last where nothing is validated.
    optimizer
        Of its parameters.
    batches
        The losses of one epoch's batches, one scalar tensor each: each is stepped on before the next is asked for.
    validate
        Figures of the network as it is, without gradients; the one that `schedule` names decides. None never stops early.
    schedule
        How long, and when to stop.
    progress
        Called after each epoch with ``loss``, the mean over the batches, and what `validate` gave.

    Raises
    ------
    ValueError
        If the loss is no longer finite.

    """
    best, kept, waited = np.inf, None, 0
    for epoch in range(schedule.epochs):
        network.train()
        loss = np.mean([_step(network, optimizer, each, schedule.clip) for each in batches()])
        if not np.isfinite(loss):
            raise ValueError(f"training diverged in epoch {epoch + 1}; lower learning_rate")
        figures = {"loss": float(loss)}
        if validate is not None:
            network.eval()
            with torch.no_grad():
                figures |= validate()
            figure = figures[schedule.decides] * (1 if schedule.decides.endswith("loss") else -1)
            better = figure < best - schedule.min_delta
            waited = 0 if better else waited + 1
            if better:
                best, kept = figure, _copy(network)
        done = waited >= schedule.patience
        if progress is not None:
            progress(epoch + 1, epoch + 1 if done else schedule.epochs, figures)
        if done:
            break
    if kept is not None:
        network.load_state_dict(kept)
    network.eval()


def _step(
    network: torch.nn.Module, optimizer: torch.optim.Optimizer, loss: torch.Tensor, clip: float | None
) -> float:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if clip is not None:
        torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()
    return float(loss.detach())


def _copy(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def array(tensor: torch.Tensor) -> Float32:
    """A tensor's numbers, float32 C-order, on their own."""
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float32, order="C")
