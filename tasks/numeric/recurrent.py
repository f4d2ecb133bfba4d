"""Recurrent networks without a framework: the state after a sequence of items, from plain arrays."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from data_contracts.scoring import Sequences
from tasks.numeric.newest import newest_items

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

BLOCK_ROWS: Final = 2_048
"""Sequences that are worked on at once."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One recurrent layer, in the layout of cuDNN and PyTorch.

    Parameters
    ----------
    w_input, w_state
        float32 (n_gates * n_hidden, n_in) and (n_gates * n_hidden, n_hidden): gates reset, update, new of a GRU, and
        input, forget, cell, output of an LSTM.
    b_input, b_state
        float32 (n_gates * n_hidden,).

    """

    w_input: Float32
    w_state: Float32
    b_input: Float32
    b_state: Float32


@dataclass(frozen=True, eq=False)
class Recurrent:
    """A trained network of items: their vectors, layers, and what the last state is turned into.

    Parameters
    ----------
    kind
        ``gru`` or ``lstm``.
    items
        float32 (n_items + 1, n_in): row 0 stands for "nothing", item code i is row i + 1.
    layers
        From the input on.
    w_out, b_out
        float32 (n_factors, n_hidden) and (n_factors,): from the state to the space of the items' output vectors.
    users
        float32 (n_users + 1, n_factors), added to that: row 0 is an unknown user's, user code u is row u + 1; None
        where the network knows no users.
    window
        Items of a sequence that are read: the newest.

    """

    kind: str
    items: Float32
    layers: tuple[Layer, ...]
    w_out: Float32
    b_out: Float32
    users: Float32 | None
    window: int

    def states(self, sequences: Sequences) -> Float32:
        """Where each sequence leads in the space of the items' output vectors, float32 (n_sequences, n_factors)."""
        lengths = np.minimum(np.diff(sequences.indptr), self.window)
        found = np.empty((len(lengths), len(self.b_out)), np.float32)
        # Sequences of about one length side by side: nothing is computed for places that are not there.
        order = np.argsort(lengths, kind="stable")
        for first in range(0, len(order), BLOCK_ROWS):
            rows = order[first : first + BLOCK_ROWS]
            table = newest_items(sequences, rows, lengths[rows])
            state = self._last_state(table, np.maximum(lengths[rows], 1))
            found[rows] = state @ self.w_out.T + self.b_out
        if self.users is not None:
            found += self.users[sequences.user_codes + 1]
        return found

    def _last_state(self, table: Int64, steps: Int64) -> Float32:
        n_hidden = self.layers[0].w_state.shape[1]
        hidden = [np.zeros((len(table), n_hidden), np.float32) for _ in self.layers]
        cells = [np.zeros((len(table), n_hidden), np.float32) for _ in self.layers]
        step = _lstm if self.kind == "lstm" else _gru
        for place in range(table.shape[1]):
            given = self.items[table[:, place]]
            on = (steps > place)[:, None]
            for at, layer in enumerate(self.layers):
                new, cell = step(layer, given, hidden[at], cells[at])
                hidden[at] = np.where(on, new, hidden[at])
                cells[at] = np.where(on, cell, cells[at])
                given = hidden[at]
        return hidden[-1]


def _gru(layer: Layer, given: Float32, state: Float32, cell: Float32) -> tuple[Float32, Float32]:
    """K. Cho et al., EMNLP 2014."""
    n = state.shape[1]
    x = given @ layer.w_input.T + layer.b_input
    h = state @ layer.w_state.T + layer.b_state
    reset, update = _sigmoid(x[:, :n] + h[:, :n]), _sigmoid(x[:, n : 2 * n] + h[:, n : 2 * n])
    new = np.tanh(x[:, 2 * n :] + reset * h[:, 2 * n :])
    return (1 - update) * new + update * state, cell


def _lstm(layer: Layer, given: Float32, state: Float32, cell: Float32) -> tuple[Float32, Float32]:
    """S. Hochreiter, J. Schmidhuber, Neural Computation 1997, with forget gates (F. Gers et al. 2000)."""
    n = state.shape[1]
    gates = given @ layer.w_input.T + layer.b_input + state @ layer.w_state.T + layer.b_state
    let_in, forget, out = _sigmoid(gates[:, :n]), _sigmoid(gates[:, n : 2 * n]), _sigmoid(gates[:, 3 * n :])
    cell = forget * cell + let_in * np.tanh(gates[:, 2 * n : 3 * n])
    return out * np.tanh(cell), cell


def _sigmoid(x: Float32) -> Float32:
    return (0.5 * np.tanh(0.5 * x) + 0.5).astype(np.float32)
