"""A tuning question that takes milliseconds: a random log, and what its users take next."""

import numpy as np
from event_logs import grouped, random_log
from holdouts import holdout

from tasks.tuning.objective import Fold, Objective


def fold(seed, scenario="repeat", n_users=30, n_items=20):
    rng = np.random.default_rng(seed)
    matrix = grouped(random_log(rng, n_users=n_users, n_items=n_items), n_users, n_items)
    codes = list(range(0, n_users - 1, 2))
    truths = [rng.choice(n_items, size=4, replace=False).tolist() for _ in codes]
    return Fold.of(matrix, holdout(codes, truths, n_items=n_items), scenario, matrix.item_events(None))


def objective(kind="recent_popularity", *, scenario="repeat", n_folds=2, **own):
    folds = [fold(seed, scenario) for seed in range(n_folds)]
    return Objective(kind, own, folds, "recall@5", seed=3)
