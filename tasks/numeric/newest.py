"""The newest items of sequences, side by side."""

import numpy as np
import numpy.typing as npt

from data_contracts.scoring import Sequences

Int64 = npt.NDArray[np.int64]


def newest_items(sequences: Sequences, rows: Int64, lengths: Int64) -> Int64:
    """The last items of some sequences as a table, int64 (n_rows, longest or 1).

    Parameters
    ----------
    sequences
        Of items.
    rows
        Which of them.
    lengths
        int64 (n_rows,): how many items of each are wanted, at most as many as it has.

    Returns
    -------
    Item codes + 1, oldest first, filled up with 0 on the right.

    """
    places = np.arange(max(int(lengths.max(initial=0)), 1))
    table = np.zeros((len(rows), len(places)), np.int64)
    within = places < lengths[:, None]
    source = (sequences.indptr[1:][rows] - lengths)[:, None] + places
    table[within] = sequences.items[source[within]].astype(np.int64) + 1
    return table
