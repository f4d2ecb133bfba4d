"""What models of the next item share: their scorer, and how many items each event is held against."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_contracts.interactions import History
from data_contracts.scoring import Scores, Sequences
from tasks.numeric.attention import Attention
from tasks.numeric.recurrent import Recurrent
from tasks.numeric.scorers import Factors

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

FULL_UP_TO = 15_000
"""Items up to which a target is held against all others."""


def drawn_negatives(n_items: int, negatives: int) -> int:
    """Items drawn for each batch: `negatives`, or 0 where a target is held against all items."""
    return 0 if n_items <= FULL_UP_TO else negatives


@dataclass(frozen=True, eq=False)
class NextItemFactors(Factors):
    """States of users after their last event, the items' output vectors, and the network that makes such states.

    Parameters
    ----------
    network
        Makes a state of any sequence.

    """

    network: Recurrent | Attention | None = None

    def next_scores(self, sequences: Sequences) -> Scores:
        """Scores of all items as the next one of each sequence, float32 (n_sequences, n_items)."""
        assert self.network is not None
        block: Float32 = self.network.states(sequences) @ self.item_factors.T
        return block if self.item_bias is None else block + self.item_bias


def states_of_users(network: Recurrent | Attention, history: History) -> Float32:
    """Every user's state after their last event, float32 (n_users, n_factors)."""
    users = np.arange(len(history.indptr) - 1, dtype=np.int32)
    return network.states(Sequences(history.indptr, history.items, users))
