"""Recurrent layers over items in torch, and their arrays afterwards. Needs the extra ``neural``."""

import torch

from tasks.models._neural import array
from tasks.numeric.recurrent import Layer, Recurrent


class RecurrentLayers(torch.nn.Module):
    """Recurrent layers, and a projection back to vectors of items.

    Parameters
    ----------
    kind
        ``gru`` or ``lstm``.
    n_factors, n_hidden, n_layers
        Sizes.
    window
        Newest items that are read.
    dropout
        Share of the numbers of the input, between layers and of the state that is dropped in training.

    """

    def __init__(
        self, kind: str, n_factors: int, n_hidden: int, n_layers: int, window: int, dropout: float
    ) -> None:
        super().__init__()
        self.kind, self.window, self.n_layers = kind, window, n_layers
        self.drop = torch.nn.Dropout(dropout)
        made = torch.nn.LSTM if kind == "lstm" else torch.nn.GRU
        between = dropout if n_layers > 1 else 0.0
        self.layers = made(n_factors, n_hidden, n_layers, batch_first=True, dropout=between)
        self.out = torch.nn.Linear(n_hidden, n_factors)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """States after each place, (n, length, n_factors)."""
        found: torch.Tensor = self.out(self.drop(self.layers(self.drop(vectors))[0]))
        return found

    def arrays(self, items: torch.Tensor, users: torch.Tensor | None) -> Recurrent:
        """The network without torch, from the vectors of items and users."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        layers = tuple(
            Layer(*(array(getattr(self.layers, f"{name}_l{at}")) for name in names))
            for at in range(self.n_layers)
        )
        out = array(self.out.weight), array(self.out.bias)
        of_users = None if users is None else array(users)
        return Recurrent(self.kind, array(items), layers, *out, of_users, self.window)
