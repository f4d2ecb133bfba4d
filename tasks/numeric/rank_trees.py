"""Trees that put lists in order: LambdaMART on LightGBM, improving an order that is there.

LambdaRank weighs each pair of candidates by what swapping them would change of NDCG, so that trees are
spent on the top of the lists (C. Burges, "From RankNet to LambdaRank to LambdaMART", MSR-TR-2010-82).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

MOST_TAKEN = 30
"""Candidates taken more often count as taken so often."""


@dataclass(frozen=True)
class Growth:
    """How the trees are grown.

    Parameters
    ----------
    forests
        Forests grown from draws of their own; their mean decides.
    rounds
        Trees of a forest.
    learning_rate
        Share of each tree that is added.
    leaves, min_leaf
        Leaves of a tree at most, and candidates in a leaf at least.
    top
        How many places of a list matter.

    """

    forests: int
    rounds: int
    learning_rate: float
    leaves: int
    min_leaf: int
    top: int = 10


def grow(
    table: Float32,
    targets: Float64,
    lengths: npt.NDArray[np.integer],
    start: Float64,
    growth: Growth,
    *,
    seed: int,
    n_threads: int,
) -> list[str]:
    """Forests that lift what was taken above what was not.

    Parameters
    ----------
    table
        float32 (n_pairs, n_signals), the candidates of one list side by side.
    taken
        float64 (n_pairs,): how often each candidate was taken.
    lengths
        int (n_lists,): candidates of each list.
    start
        float64 (n_pairs,): the scores that the trees are to improve on.
    growth
        Their number and shape.
    seed
        From 0 to 2**31 - 1; the same one gives the same trees, whatever `n_threads`.
    n_threads
        Threads to grow them on.

    Returns
    -------
    LightGBM's text of each forest

    """
    import lightgbm

    given = lightgbm.Dataset(
        table, np.minimum(targets, MOST_TAKEN), group=lengths, init_score=start, free_raw_data=False
    )
    parameters = {
        "objective": "lambdarank",
        "label_gain": list(range(MOST_TAKEN + 1)),
        "lambdarank_truncation_level": growth.top,
        "learning_rate": growth.learning_rate,
        "num_leaves": growth.leaves,
        "min_data_in_leaf": growth.min_leaf,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 10.0,
        "num_threads": n_threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    forests = []
    for number in range(growth.forests):
        seeded = {**parameters, "seed": (seed + number) % 2**31}
        text = lightgbm.train(seeded, given, growth.rounds).model_to_string()
        # The parameters after the trees name the threads, and the same trees must be the same bytes.
        forests.append(text.partition("\nparameters:")[0])
    return forests


class Forests:
    """Forests read back from their text, ready to lift candidates.

    Parameters
    ----------
    texts
        What :func:`grow` returned.

    """

    def __init__(self, texts: tuple[str, ...]) -> None:
        import lightgbm

        self._boosters = [lightgbm.Booster(model_str=text) for text in texts]

    def lift(self, table: Float32, *, n_threads: int) -> Float64:
        """What the trees add to each candidate's score, their mean, float64 (n_pairs,)."""
        total = np.zeros(len(table))
        for booster in self._boosters:
            total += np.asarray(booster.predict(table, raw_score=True, num_threads=n_threads))
        return total / len(self._boosters)

    def shares(self, table: Float32) -> Float64:
        """How much of the lift comes from each signal: TreeSHAP (S. Lundberg et al. 2018).

        float64 (n_pairs, n_signals + 1); the last column is what all candidates share.
        """
        parts = [np.asarray(each.predict(table, pred_contrib=True, num_threads=1)) for each in self._boosters]
        return np.asarray(np.mean(parts, axis=0), dtype=np.float64)
