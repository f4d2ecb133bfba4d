"""Causal self-attention without a framework: the state after a sequence of items, from plain arrays."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from data_contracts.scoring import Sequences
from tasks.numeric.newest import newest_items

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

BLOCK_PLACES: Final = 16_384
"""Places of sequences that are worked on at once."""
EPSILON: Final = 1e-5
"""Added to variances before they divide."""


@dataclass(frozen=True, eq=False)
class Norm:
    """Scale and shift, float32 (n_factors,), of a row that was brought to mean 0 and variance 1."""

    scale: Float32
    shift: Float32

    def __call__(self, rows: Float32) -> Float32:
        """Layer normalisation (J. Ba, J. Kiros, G. Hinton 2016) over the last axis."""
        centred = rows - rows.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
        found: Float32 = centred / deviation * self.scale + self.shift
        return found


@dataclass(frozen=True, eq=False)
class Dense:
    """Weights, float32 (n_out, n_in), and bias, float32 (n_out,)."""

    weights: Float32
    bias: Float32

    def __call__(self, rows: Float32) -> Float32:
        """The rows' products with the weights, and the bias."""
        found: Float32 = rows @ self.weights.T + self.bias
        return found


@dataclass(frozen=True, eq=False)
class Block:
    """One layer: attention, then two dense layers, each added to what was there, of what is normalised before.

    Parameters
    ----------
    before, within
        Normalise what attention and the dense layers read.
    asks, gives
        What places ask for, and what they are found by and give: n_factors, and twice that.
    joined, up, down
        After attention; and the two dense layers, with negative numbers cut to 0 between them.

    """

    before: Norm
    asks: Dense
    gives: Dense
    joined: Dense
    within: Norm
    up: Dense
    down: Dense

    def __call__(self, states: Float32, asking: Float32, allowed: Mask, n_heads: int) -> Float32:
        """New states of some places.

        Parameters
        ----------
        states
            (n_rows, n_places, n_factors): all places.
        asking
            (n_rows, n_asking, n_factors): those whose new states are wanted.
        allowed
            bool, broadcast to (n_rows, n_asking, n_places): which places each may look at.
        n_heads
            Parts that the factors are cut into.

        """
        given = self.before(states)
        keys, values = np.split(self.gives(given), 2, axis=-1)
        found = _heads(self.asks(self.before(asking)), n_heads) @ _heads(keys, n_heads).swapaxes(-1, -2)
        found *= np.float32((states.shape[-1] // n_heads) ** -0.5)
        found = np.where(allowed[:, None], found, np.float32(-np.inf))
        found = np.exp(found - found.max(axis=-1, keepdims=True))
        found /= found.sum(axis=-1, keepdims=True)
        seen = (found @ _heads(values, n_heads)).swapaxes(1, 2).reshape(asking.shape)
        new = asking + self.joined(seen)
        more: Float32 = new + self.down(np.maximum(self.up(self.within(new)), 0))
        return more


@dataclass(frozen=True, eq=False)
class Attention:
    """A trained network of items: their vectors, those of places, and layers of attention.

    Parameters
    ----------
    items
        float32 (n_items + 1, n_factors): row 0 stands for "nothing", item code i is row i + 1.
    places
        float32 (window, n_factors): added to the first, second, ... of the items that are read.
    blocks
        From the input on.
    after
        Normalises the last state.
    n_heads
        Divides n_factors.
    window
        Items of a sequence that are read: the newest.

    """

    items: Float32
    places: Float32
    blocks: tuple[Block, ...]
    after: Norm
    n_heads: int
    window: int

    def states(self, sequences: Sequences) -> Float32:
        """Where each sequence leads, float32 (n_sequences, n_factors); an empty one leads nowhere: to zeros."""
        lengths = np.minimum(np.diff(sequences.indptr), self.window)
        found = np.zeros((len(lengths), self.items.shape[1]), np.float32)
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 0]
        while len(order):
            # From the longest on, as many as fit: sequences of about one length are side by side.
            rows = order[-max(1, BLOCK_PLACES // int(lengths[order[-1]])) :]
            order = order[: len(order) - len(rows)]
            found[rows] = self._last_states(newest_items(sequences, rows, lengths[rows]), lengths[rows])
        return found

    def _last_states(self, table: Int64, lengths: Int64) -> Float32:
        n_places = table.shape[1]
        states = self.items[table] + self.places[:n_places]
        causal = np.tri(n_places, dtype=np.bool_)[None]
        for block in self.blocks[:-1]:
            states = block(states, states, causal, self.n_heads)
        last = states[np.arange(len(table)), lengths - 1][:, None]
        there = (np.arange(n_places) < lengths[:, None])[:, None]
        return self.after(self.blocks[-1](states, last, there, self.n_heads)[:, 0])


def _heads(rows: Float32, n_heads: int) -> Float32:
    """(n, places, factors) as (n, heads, places, factors of a head)."""
    return rows.reshape(*rows.shape[:2], n_heads, -1).swapaxes(1, 2)
