"""Causal self-attention over items in torch, and its arrays afterwards. Needs the extra ``neural``."""

import torch
from torch.nn import functional

from tasks.models._neural import array
from tasks.numeric import attention


class Block(torch.nn.Module):
    """One layer, as :class:`tasks.numeric.attention.Block` describes it."""

    def __init__(self, n_factors: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.before, self.within = torch.nn.LayerNorm(n_factors), torch.nn.LayerNorm(n_factors)
        self.asks = torch.nn.Linear(n_factors, n_factors)
        self.gives = torch.nn.Linear(n_factors, 2 * n_factors)
        self.joined = torch.nn.Linear(n_factors, n_factors)
        self.up = torch.nn.Linear(n_factors, 4 * n_factors)
        self.down = torch.nn.Linear(4 * n_factors, n_factors)
        self.drop = torch.nn.Dropout(dropout)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """New states, (n, length, n_factors), each from the places up to its own."""
        given = self.before(states)
        keys, values = self.gives(given).chunk(2, dim=-1)
        seen = functional.scaled_dot_product_attention(
            self._heads(self.asks(given)), self._heads(keys), self._heads(values), is_causal=True
        )
        states = states + self.drop(self.joined(seen.transpose(1, 2).reshape(states.shape)))
        # Not the smoother GELU: what computes it on a CPU keeps memory for every shape that it has seen.
        more: torch.Tensor = states + self.drop(self.down(torch.relu(self.up(self.within(states)))))
        return more

    def _heads(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def arrays(self) -> attention.Block:
        """The layer without torch."""
        return attention.Block(
            _norm(self.before),
            _dense(self.asks),
            _dense(self.gives),
            _dense(self.joined),
            _norm(self.within),
            _dense(self.up),
            _dense(self.down),
        )


class CausalAttention(torch.nn.Module):
    """Vectors of places, and layers of attention that look back alone.

    Parameters
    ----------
    n_factors, n_layers, n_heads
        Sizes; each head has an equal part of the factors.
    window
        Places.
    dropout
        Share of the numbers that is dropped in training, of the input and of what each layer adds.

    """

    def __init__(self, n_factors: int, n_layers: int, n_heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.places = torch.nn.Parameter(torch.randn(window, n_factors) * 0.02)
        self.drop = torch.nn.Dropout(dropout)
        self.blocks = torch.nn.ModuleList(Block(n_factors, n_heads, dropout) for _ in range(n_layers))
        self.after = torch.nn.LayerNorm(n_factors)
        self.n_heads = n_heads

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """States after each place, (n, length, n_factors)."""
        states = self.drop(vectors + self.places[: vectors.shape[1]])
        for block in self.blocks:
            states = block(states)
        found: torch.Tensor = self.after(states)
        return found

    def arrays(self, items: torch.Tensor) -> attention.Attention:
        """The network without torch, from the vectors of the items."""
        blocks = tuple(block.arrays() for block in self.blocks if isinstance(block, Block))
        places = array(self.places)
        return attention.Attention(array(items), places, blocks, _norm(self.after), self.n_heads, len(places))


def _norm(layer: torch.nn.LayerNorm) -> attention.Norm:
    return attention.Norm(array(layer.weight), array(layer.bias))


def _dense(layer: torch.nn.Linear) -> attention.Dense:
    return attention.Dense(array(layer.weight), array(layer.bias))
